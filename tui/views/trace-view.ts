import { focused, type Trace } from '../inspect/trace-state.ts';
import type { Keymap } from '../keymap.ts';
import type { FilterIndex } from '../select/filter-index.ts';
import { stageLines, traceHead } from '../select/select-why.ts';
import type { Line } from '../text/paint.ts';
import { type DrawnLine, plainLines, rule, toHeight } from './layout.ts';
import { type TextHost, textView } from './list-view.ts';

interface TraceViewHost extends TextHost {
  readonly keymap: Keymap;
  readonly typing: { readonly text: string } | undefined;
  readonly index: FilterIndex;
}

/** The traffic, its path and what can be changed stay; the filters considered scroll under them. */
export function traceView(store: TraceViewHost, trace: Trace, height: number): readonly DrawnLine[] {
  const head = plainLines([...traceHead(trace, store.size.columns, store.typing?.text), rule(store.size.columns)]);
  const { index, keymap, size } = store;
  const lines = stageLines(trace.stages[trace.stage]!, {
    index,
    width: size.columns,
    all: trace.all,
    showAll: keymap.label('all-filters'),
  });
  return toHeight([...head, ...textView(store, lines, Math.max(1, height - head.length))], height);
}

const hints: Readonly<Record<string, string>> = {
  program: 'a path or a file name',
  address: '192.0.2.1 or 2001:db8::1',
  port: '0 to 65535',
  protocol: 'tcp, udp, icmp or a number',
  user: 'SIDs or names; "SYSTEM only": it holds no other',
  local: '192.0.2.1 or 2001:db8::1',
  'local port': '0 to 65535',
  package: 'S-1-15-2-…, or none',
  profile: 'public, private or domain',
  layer: 'ale_auth_connect_v4 and the like',
};

/** The line in which a part of the traffic is typed. */
export function fieldEntry(trace: Trace | undefined, text: string): Line {
  const field = trace ? focused(trace) : '';
  return [
    [` ${field}: `, 'heading'],
    [text],
    [' ', 'partActive'],
    [`   ${hints[field] ?? ''}; Enter keeps it, Esc takes it back`, 'muted'],
  ];
}
