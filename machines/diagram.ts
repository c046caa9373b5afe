import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { AnyStateMachine } from 'xstate';
import { type DirectedGraphNode, toDirectedGraph } from 'xstate/graph';
import { connectionMachine } from './connection-machine.ts';
import { guardMachine } from './guard-machine.ts';
import { promptMachine } from './prompt-machine.ts';
import { shellMachine } from './shell-machine.ts';

/**
 * Draws every machine as a mermaid state diagram between the markers of this folder's README.
 * `node machines/diagram.ts` writes them, `--check` exits with 1 when they are stale.
 */

const MACHINES: readonly AnyStateMachine[] = [guardMachine, connectionMachine, promptMachine, shellMachine];
const README = fileURLToPath(new URL('README.md', import.meta.url));
const BEGIN = '<!-- diagrams: written by machines/diagram.ts -->';
const END = '<!-- end of diagrams -->';

const stateId = (id: string): string => id.replace(/[^A-Za-z0-9]/g, '_');

/** `xstate.done.actor.0.guard.preparing` → `done`; `xstate.after.record patience.…` → `after record patience`. */
function eventName(type: string): string {
  const after = /^xstate\.after\.(.*?)\.[\w-]+(?:\..*)?$/.exec(type);
  if (after) return `after ${after[1]}`;
  const actor = /^xstate\.(done|error)\./.exec(type);
  return actor?.[1] ?? (type === '' ? 'always' : type);
}

function* lines(node: DirectedGraphNode, indent: string): Generator<string> {
  const { stateNode } = node;
  const id = stateId(node.id);
  if (node.children.length === 0) yield `${indent}state "${stateNode.key}" as ${id}`;
  else {
    yield `${indent}state "${stateNode.key}" as ${id} {`;
    for (const [index, child] of node.children.entries()) {
      if (stateNode.type === 'parallel' && index > 0) yield `${indent}  --`;
      yield* lines(child, `${indent}  `);
    }
    const initial = stateNode.type === 'parallel' ? undefined : stateNode.initial.target[0];
    if (initial) yield `${indent}  [*] --> ${stateId(initial.id)}`;
    yield `${indent}}`;
  }
  for (const edge of node.edges) {
    const guard = edge.transition.guard;
    const name = typeof guard === 'object' && 'type' in guard ? guard.type : guard;
    const when = typeof name === 'string' ? ` [${name}]` : '';
    yield `${indent}${stateId(edge.source.id)} --> ${stateId(edge.target.id)} : ${eventName(edge.label.text).replaceAll(':', ' ')}${when}`;
  }
  if (stateNode.type === 'final') yield `${indent}${id} --> [*]`;
}

function diagram(machine: AnyStateMachine): string {
  return ['```mermaid', 'stateDiagram-v2', ...lines(toDirectedGraph(machine), '  '), '```'].join('\n');
}

const sections = MACHINES.map(machine => `### ${machine.id}\n\n${diagram(machine)}`);
const text = readFileSync(README, 'utf8');
const [before, rest] = text.split(BEGIN);
const after = rest?.split(END)[1];
if (before === undefined || after === undefined) throw new Error(`${README} lacks the markers ${BEGIN} and ${END}`);
const wanted = `${before}${BEGIN}\n\n${sections.join('\n\n')}\n\n${END}${after}`;

if (!process.argv.includes('--check')) writeFileSync(README, wanted);
else if (wanted !== text) {
  console.error('The diagrams in machines/README.md are stale. Run: node machines/diagram.ts');
  process.exitCode = 1;
}
