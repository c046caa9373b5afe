import type { Command } from '../keys/commands.ts';
import { change, changed, focusBy, focused, restore, stageBy, type Trace } from './trace-state.ts';

/** A screen that has a trace on it. */
export interface TraceHost {
  trace: Trace | undefined;
  /** Text of the part while it is typed, and the trace as it was before. */
  typing: { readonly text: string; readonly before: Trace } | undefined;
  scroll: number;
  say(text: string): void;
  changed(): void;
}

/** Does a command of the trace; false when it is none. */
export function performTrace(host: TraceHost, command: Command): boolean {
  const { trace } = host;
  if (!trace) return false;
  switch (command) {
    case 'field-next':
    case 'field-previous':
      host.trace = focusBy(trace, command === 'field-next' ? 1 : -1);
      break;
    case 'field-change':
      host.typing = { text: trace.question.text(focused(trace)) ?? '', before: trace };
      break;
    case 'field-restore':
      if (changed(trace).length === 0) host.say('Nothing was changed: this is the traffic as it was.');
      host.trace = restore(trace);
      break;
    case 'stage-next':
    case 'stage-previous':
      if (trace.stages.length < 2) host.say('Filters are asked at one layer here.');
      host.trace = stageBy(trace, command === 'stage-next' ? 1 : -1);
      host.scroll = 0;
      break;
    case 'all-filters':
      host.trace = { ...trace, all: !trace.all };
      host.scroll = 0;
      break;
    default:
      return false;
  }
  host.changed();
  return true;
}

/** The part as it is typed; the verdict follows every key. */
export function typeField(host: TraceHost, text: string) {
  if (!host.typing) return;
  host.typing = { ...host.typing, text };
  host.trace = change(host.typing.before, focused(host.typing.before), text);
  host.scroll = 0;
  host.changed();
}

/** Enter keeps what was typed if it makes sense, Esc brings back what was. */
export function endField(host: TraceHost, keep: boolean) {
  if (!host.typing) return;
  if (keep && host.trace?.problem) return host.say('Enter a value that makes sense, or press Esc.');
  if (!keep) host.trace = host.typing.before;
  host.typing = undefined;
  host.changed();
}
