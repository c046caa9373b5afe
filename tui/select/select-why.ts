import { shownKey } from '../../engine/dumps/key-names.ts';
import { conditionText, fieldText } from '../../engine/explain/condition-text.ts';
import type { FilterTrace } from '../../engine/model/classify.ts';
import type { Filter } from '../../engine/model/objects.ts';
import { overall, pathOf, type Question, type Stage, type StageVerdict, stageVerdict } from '../inspect/question.ts';
import { changed, decider, focused, type Trace } from '../inspect/trace-state.ts';
import { cells, clean, cut, cutMiddle } from '../text/clean.ts';
import { type Line, lineCells, type Span, spread } from '../text/paint.ts';
import { actionWords, filterWords, type Names } from './condition-words.ts';
import type { FilterIndex } from './filter-index.ts';
import { baseName, endpointText } from './words.ts';

const slots = { permit: 'permit', block: 'block', ask: 'waiting', unknown: 'warning' } as const;
/** Sublayers with at most so many filters are shown whole. */
const FEW = 6;

const words: Readonly<Record<string, string>> = {
  ALE_AUTH_CONNECT: 'ALE connect',
  ALE_AUTH_RECV_ACCEPT: 'ALE accept',
  ALE_AUTH_LISTEN: 'ALE listen',
  ALE_RESOURCE_ASSIGNMENT: 'ALE bind',
  OUTBOUND_TRANSPORT: 'transport',
  INBOUND_TRANSPORT: 'transport',
  OUTBOUND_IPPACKET: 'network',
  INBOUND_IPPACKET: 'network',
};
const calls: Readonly<Record<string, string>> = {
  ALE_AUTH_CONNECT: 'connect()',
  ALE_RESOURCE_ASSIGNMENT: 'bind()',
  ALE_AUTH_LISTEN: 'listen()',
  ALE_AUTH_RECV_ACCEPT: 'accept()',
};
const marks: Readonly<Record<StageVerdict, string>> = {
  permit: '✓ passes',
  block: '■ stopped here',
  ask: '■ asked here',
  unknown: '? not known',
};
const bare = (layer: string) => layer.replace(/_V[46]$/, '');

/** The traffic in one line: `curl → 203.0.113.9:443 over tcp`. */
export function trafficWords(question: Question): string {
  const program = question.text('program');
  const address = question.text('address');
  const port = question.text('port');
  const local = question.text('local port');
  const layer = question.text('layer') ?? '';
  const host = question.name ?? address ?? '';
  const where = port ? endpointText(host, Number(port)) : host;
  const to = address ? (question.name ? `${where} (${address})` : where) : `any address${port ? ` port ${port}` : ''}`;
  const protocol = question.text('protocol');
  return `${program ? baseName(program) : 'any program'} ${/RECV_ACCEPT|INBOUND|LISTEN/.test(layer) ? '←' : '→'} ${to}${protocol ? ` over ${protocol}` : ''}${local ? ` on local port ${local}` : ''}`;
}

interface Node {
  readonly text: string;
  /** Place among the stages; a part of the path where no filter is asked has none. */
  readonly stage?: number;
}

/** The way that the traffic takes, and under it what each layer says. The one looked at stands in brackets. */
export function pathLines(question: Question, stages: readonly Stage[], at: number, width: number): readonly [Line, Line] {
  const all = pathOf(stages[0]!.layer);
  const inbound = /INBOUND/.test(all[0]!);
  const base = bare(inbound ? all.at(-1)! : all[0]!);
  const program = cut(clean(baseName(question.text('program') ?? 'program')), 18);
  const call = calls[base];
  const onWire = all.length > 1;
  const stopped = overall(stages).verdict === 'block' ? overall(stages).at : stages.length;
  const nodes: Node[] = all.map(layer => {
    const stage = stages.findIndex(each => each.layer === layer);
    return { text: words[bare(layer)] ?? layer, ...(stage >= 0 ? { stage } : {}) };
  });
  const socket: Node[] = [{ text: program }, ...(call ? [{ text: call }] : [])];
  const whole: Node[] = inbound
    ? [{ text: 'interface' }, ...nodes, ...socket.toReversed()]
    : [...(call ? socket : []), ...nodes, ...(onWire ? [{ text: 'interface' }] : [])];
  const size = (list: readonly Node[]) => list.reduce((sum, node) => sum + cells(node.text) + 3, 2);
  const list = size(whole) > width ? nodes : whole;
  const path: Span[] = [['   ']];
  const under: Span[] = [];
  let column = 3;
  list.forEach((node, i) => {
    if (i) {
      path.push([' → ', 'border']);
      column += 3;
    }
    const stage = node.stage === undefined ? undefined : stages[node.stage];
    const looked = stage !== undefined && node.stage === at && stages.length > 1;
    if (stage && node.stage! <= stopped) {
      const verdict = stageVerdict(stage);
      under.push(
        [' '.repeat(Math.max(1, column + (looked ? 1 : 0) - lineCells(under)))],
        [stage.trace ? marks[verdict] : '–', slots[verdict]],
      );
    }
    const text = looked ? `[${node.text}]` : node.text;
    path.push([text, looked ? 'partActive' : stage && node.stage! <= stopped ? 'text' : 'muted']);
    column += cells(text);
  });
  return [path, under];
}

/** What would settle an unknown, by the field's name for people: it is a part that can be filled in. */
const needWords = (need: string): string => need.replace(/^the value of (\w+)$/, (_, field: string) => fieldText(field));

const outcome = (stages: readonly Stage[], most: number) => {
  const verdict = overall(stages).verdict.toUpperCase();
  const found = decider(stages);
  if (!found) return verdict;
  const name = cut(clean(found.filter.displayData.name), most);
  return `${verdict} ${found.certain ? 'by' : 'at the latest by'} filter ${found.filter.filterId} ${name}`;
};

/** What stands over the trace: the traffic, the verdict, the path, the parts that can be changed and what the change came to. */
export function traceHead(trace: Trace, columns: number, typed: string | undefined): readonly Line[] {
  const { question, stages } = trace;
  const { verdict } = overall(stages);
  const edits = changed(trace);
  const field = focused(trace);
  const shown = (name: string): string => {
    const text = question.text(name as typeof field);
    return text === undefined ? '?' : name === 'program' ? baseName(text) : text;
  };
  const parts: Line[] = [];
  let line: Span[] = [[' what if ', 'heading']];
  for (const name of question.fields) {
    const active = name === field;
    const value = active && typed !== undefined ? typed : cutMiddle(clean(shown(name)), 28);
    const span: Span[] = [
      [`${name} `, edits.includes(name) ? 'waiting' : 'muted'],
      [active ? `[${value}]` : value, active ? 'partActive' : edits.includes(name) ? 'waiting' : 'part'],
      ['  '],
    ];
    if (lineCells(line) + lineCells(span) > columns && line.length > 1) {
      parts.push(line);
      line = [['         ']];
    }
    line.push(...span);
  }
  parts.push(line);
  const most = Math.max(8, Math.floor(columns / 4));
  const needs = stages[overall(stages).at]?.trace?.needs ?? [];
  const open: Line = verdict === 'unknown' ? [[`   to know: ${needs.map(needWords).join(', ')}`, 'warning']] : [];
  const now: Span = [outcome(stages, most), slots[verdict]];
  const said: Line = trace.problem
    ? [[` ! ${trace.problem}`, 'warning']]
    : edits.length
      ? [
          [`   ${edits.join(', ')} changed: was `, 'muted'],
          [outcome(trace.before, most), slots[overall(trace.before).verdict]],
          [', is ', 'muted'],
          now,
          ...open,
        ]
      : [['   '], now, [trace.recorded ? `   ${trace.recorded}` : '', 'muted'], ...open];
  return [
    spread(
      [
        [' why  ', 'title'],
        [trafficWords(question), 'title'],
      ],
      [[`${verdict.toUpperCase()} `, slots[verdict]]],
      columns,
    ),
    ...pathLines(question, stages, trace.stage, columns),
    ...parts,
    said,
  ];
}

/** Which condition did not match, by what the traffic has in its place. */
function mismatch(filter: Filter, index: number, stage: Stage, names: Names): string {
  const condition = filter.filterCondition[index];
  if (!condition) return 'does not match';
  const field = shownKey('condition', condition.fieldKey, names);
  const value = stage.known(field);
  return value === undefined
    ? `not: ${conditionText(condition, names)}`
    : `${fieldText(field)} ${field === 'FLAGS' ? 'are' : 'is'} ${field.includes('APP_ID') ? cutMiddle(value, 40) : value}`;
}

/** How a trace is drawn. */
export interface Drawn {
  readonly index: FilterIndex;
  readonly width: number;
  /** Filters that do not match are listed too. */
  readonly all: boolean;
  /** Key that lists them. */
  readonly showAll: string;
}

/** `✕` decided, `✓` matched, `·` did not match and says which condition, `?` can't be known and says what would settle it. */
function filterLine(trace: FilterTrace, decided: boolean, stage: Stage, { index, width }: Drawn): Line {
  const { filter } = trace;
  const sign: Span = decided
    ? ['✕', 'urgent']
    : trace.outcome === 'matched'
      ? ['✓', 'text']
      : trace.outcome === 'unknown'
        ? ['?', 'warning']
        : [trace.outcome === 'not-evaluated' ? '–' : '·', 'muted'];
  const failed = trace.conditions.find(condition => condition.outcome === 'not-matched');
  const open = trace.conditions.find(condition => condition.outcome === 'unknown');
  const why =
    trace.outcome === 'not-evaluated'
      ? 'a filter above it decided'
      : failed
        ? mismatch(filter, failed.index, stage, index.names)
        : open
          ? `unknown: ${needWords(open.needs ?? 'a value that is not known')}`
          : `${decided ? 'decided' : 'matched'}${trace.hard ? ', hard' : ''}`;
  const action = actionWords(filter);
  const reason = `   ${why}${trace.note ? `, ${trace.note}` : ''}`;
  const name = trace.outcome === 'matched' || trace.outcome === 'unknown' ? `   ${filter.displayData.name}` : '';
  const id = String(filter.filterId).padEnd(6);
  // The reason is what one looks for: what the filter matches gives way, then its name.
  const room = width - 14 - cells(id) - cells(clean(reason));
  const what = cut(clean(filterWords(filter, index.names)), Math.max(24, room));
  return [
    ['   '],
    sign,
    [` ${id} `, 'muted'],
    [action.padEnd(7), action === 'permit' ? 'permit' : action === 'block' ? 'block' : 'waiting'],
    [` ${what}`, trace.outcome === 'matched' ? 'text' : 'muted'],
    [reason, trace.outcome === 'unknown' ? 'warning' : 'muted'],
    [cut(clean(name), Math.max(0, room - cells(what))), 'muted'],
  ];
}

/** Every sublayer and filter considered at one layer, in the order of evaluation. */
export function stageLines(stage: Stage, drawn: Drawn): readonly Line[] {
  const { trace } = stage;
  const { all, index, showAll } = drawn;
  if (!trace) return [[[` ${stage.layer}: ${stage.missing ?? 'not asked'}`, 'muted']]];
  const verdict = stageVerdict(stage);
  const head: Line = [
    [` ${stage.layer}`, 'heading'],
    ['   → '],
    [verdict.toUpperCase(), slots[verdict]],
    [trace.possible.length > 1 ? `   possible: ${trace.possible.join(' or ')}` : '', 'warning'],
  ];
  const body = trace.subLayers.flatMap(({ subLayer, filters, yields, decidedBy }): Line[] => {
    const shown = all || filters.length <= FEW ? filters : filters.filter(({ outcome: o }) => o === 'matched' || o === 'unknown');
    const count = (wanted: string) => filters.filter(({ outcome: o }) => o === wanted).length;
    const left = [
      [count('not-matched'), 'do not match'],
      [count('not-evaluated'), 'are not reached'],
    ] as const;
    const hidden =
      shown === filters
        ? ''
        : left
            .filter(([n]) => n > 0)
            .map(([n, what]) => `${n} ${what}`)
            .join(', ');
    return [
      [
        [` sublayer ${index.subLayerName(subLayer.subLayerKey)}`, 'heading'],
        [`   weight 0x${subLayer.weight.toString(16)}`, 'muted'],
        ['   → '],
        [yields === 'none' ? 'no verdict' : yields, yields === 'permit' ? 'permit' : yields === 'block' ? 'block' : 'muted'],
      ],
      ...(filters.length
        ? shown.map(filter => filterLine(filter, decidedBy !== undefined && filter.filter.filterId === decidedBy, stage, drawn))
        : [[['   no filter at this layer', 'muted']] as Line]),
      ...(hidden ? [[[`   · ${hidden}${showAll ? `   ${showAll} shows them` : ''}`, 'muted']] as Line] : []),
    ];
  });
  const foot: Line[] = [];
  if (!trace.filter && trace.action === 'permit')
    foot.push([['   No filter matched: what nothing matches is permitted.', 'muted']]);
  if (trace.veto) foot.push([['   The decision is a veto.', 'warning']]);
  if (trace.needs.length) foot.push([['   To know: ', 'warning'], [trace.needs.map(needWords).join(', ')]]);
  for (const note of stage.notes) foot.push([[`   ${note}`, 'muted']]);
  foot.push([['   ✕ decided   ✓ matched   · did not match   ? cannot be known   – not reached', 'muted']]);
  return [head, ...body, [], ...foot];
}
