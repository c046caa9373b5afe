import { actionWord } from '../../engine/explain/filter-report.ts';
import { type Line, spread, wrapLine } from '../text/paint.ts';
import { type DrawnLine, plainLines, rule, toHeight } from '../views/layout.ts';
import { type Browser, VIEWS, type Why } from './browser.ts';
import { FACETS, type TreeRow } from './filter-tree.ts';
import { FIELDS, pathLine, traceLines } from './what-if.ts';

/** The whole screen. Only the rows that are seen are built. */
export function drawBrowser(b: Browser, columns: number, rows: number): readonly DrawnLine[] {
  const height = Math.max(1, rows - 5);
  b.page = height;
  const body = b.why
    ? whyLines(b, b.why, columns, height)
    : b.detail
      ? detailLines(b.detail, columns, height)
      : listLines(b, columns, height);
  return [...plainLines(head(b, columns)), ...toHeight(body, height), ...plainLines(foot(b, columns))].slice(0, rows);
}

function head(b: Browser, columns: number): Line[] {
  const { dump } = b.machine;
  const tabs = VIEWS.flatMap((view, at): Line => {
    const count = {
      filters: dump.filters,
      providers: dump.providers,
      callouts: dump.callouts,
      sessions: dump.sessions,
      events: dump.netEvents,
    }[view].length;
    return [
      [` ${at + 1} `, 'key'],
      [`${view} ${count.toLocaleString('en')} `, view === b.view && !b.why ? 'heading' : 'muted'],
    ];
  });
  const facets = FACETS.filter(facet => b.facets[facet] !== undefined).map(facet => `${facet} ${b.facets[facet]}`);
  const narrowed = [b.query ? `/ ${b.query}` : '', ...facets].filter(text => text !== '').join('  ');
  const damaged: Line = dump.errors > 0 ? [['  damaged file, not everything could be read', 'error']] : [];
  return [
    spread(
      [[` ${dump.source}`, 'heading'], [dump.timeStamp ? `  ${dump.timeStamp}` : '', 'muted'], ...damaged],
      [['inspect ', 'muted']],
      columns,
    ),
    spread(tabs, [[narrowed ? `${narrowed} ` : '', 'waiting']], columns),
    rule(columns),
  ];
}

function listLines(b: Browser, columns: number, height: number): readonly DrawnLine[] {
  const length = b.length();
  if (length === 0)
    return plainLines([
      [
        [
          b.query || Object.keys(b.facets).length > 0 ? '   nothing fits; Esc shows everything' : '   the file tells none',
          'muted',
        ],
      ],
    ]);
  const at = Math.min(b.cursor[b.view], length - 1);
  const top = Math.max(0, Math.min(at - Math.floor(height / 2), length - height));
  const list = b.view === 'filters' ? undefined : b.list();
  return Array.from({ length: Math.min(height, length - top) }, (_, i): DrawnLine => {
    const selected = top + i === at;
    const row = list ? list[top + i]!.row : treeLine(b, b.found.rows[top + i]!, columns);
    const line: Line = [[selected ? '▌' : ' '], ...row];
    return selected ? { line, selected } : { line };
  });
}

function treeLine(b: Browser, row: TreeRow, columns: number): Line {
  if (row.kind === 'layer') return spread([[row.name, 'heading']], [[`${row.count} `, 'muted']], columns - 1);
  if (row.kind === 'sublayer')
    return spread([[`  ${row.name}  weight ${row.weight}`, 'muted']], [[`${row.count} `, 'muted']], columns - 1);
  const { filter } = row;
  const action = actionWord(filter);
  const left: Line = [
    [`    ${action.padEnd(8)}`, action === 'callout' ? 'waiting' : action],
    [`${filter.displayData.name || '(no name)'}  `],
    [b.machine.conditionsText(filter), 'muted'],
  ];
  return spread(left, [[`${filter.filterId} `, 'muted']], columns - 1);
}

function detailLines(detail: { lines: readonly Line[]; scroll: number }, columns: number, height: number): readonly DrawnLine[] {
  const wrapped = detail.lines.flatMap(line => wrapLine(line, columns, 17));
  detail.scroll = Math.max(0, Math.min(detail.scroll, wrapped.length - height));
  return plainLines(wrapped.slice(detail.scroll, detail.scroll + height));
}

function whyLines(b: Browser, why: Why, columns: number, height: number): readonly DrawnLine[] {
  const stage = why.stages[why.stage]!;
  const fields = FIELDS.map((name, at): DrawnLine => {
    const chosen = at === why.field;
    const typed = chosen && b.typing?.kind === 'field' ? b.typing.text : why.texts[name];
    const line: Line = [
      [chosen ? '▌' : ' '],
      [` ${name.padEnd(10)}`, 'muted'],
      [typed === '' ? 'not known' : typed, typed === '' ? 'muted' : 'text'],
      [chosen && b.typing?.kind === 'field' ? ' ' : '', 'partActive'],
    ];
    return chosen ? { line, selected: true } : { line };
  });
  const verdict = stage.report.verdict;
  const by = stage.report.filter ? ` by ${stage.report.filter.filterId} ${stage.report.filter.name}` : '';
  const head: Line[] = [
    pathLine(why.stages, why.stage),
    [
      [` ${verdict.toUpperCase()}`, verdict === 'unknown' ? 'waiting' : verdict],
      [`${by} at ${stage.layer}`, 'text'],
    ],
  ];
  const trace = traceLines(stage.report, why.all).flatMap(line => wrapLine(line, columns));
  const room = Math.max(1, height - fields.length - head.length);
  why.scroll = Math.max(0, Math.min(why.scroll, trace.length - room));
  return [...fields, ...plainLines(head), ...plainLines(trace.slice(why.scroll, why.scroll + room))];
}

function foot(b: Browser, columns: number): Line[] {
  const said: Line = b.message ? [[` ! ${b.message}`, 'warning']] : [];
  if (b.typing?.kind === 'search')
    return [
      said,
      [[' /', 'heading'], [b.typing.text], [' ', 'partActive'], ['   Enter keeps it, Esc shows everything', 'muted']],
    ];
  if (b.typing?.kind === 'flow')
    return [said, [[' flow ', 'heading'], [b.typing.text], [' ', 'partActive'], ['   chrome.exe -> 1.1.1.1:443/tcp', 'muted']]];
  const keys: readonly (readonly [string, string])[] = b.typing
    ? [
        ['Enter', 'takes it'],
        ['Esc', 'leaves it'],
      ]
    : b.why
      ? [
          ['↑↓', 'field'],
          ['Enter', 'what if'],
          ['Del', 'not known'],
          ['←→', 'layer'],
          ['m', 'all filters'],
          ['d', 'the filter'],
          ['Esc', 'back'],
        ]
      : b.detail
        ? [
            ['↑↓', 'scroll'],
            ['w', 'why'],
            ['Esc', 'back'],
          ]
        : [
            ['/', 'search'],
            ['Enter', 'details'],
            ['w', 'why'],
            ['f', 'flow'],
            ['p', 'provider'],
            ['a', 'action'],
            ['l', 'layer'],
            ['g', 'flag'],
            ...(b.view === 'events' ? ([['d', 'its filter']] as const) : ([['e', 'its events']] as const)),
            ['q', 'quit'],
          ];
  const line: Line = keys.flatMap(
    ([key, word]): Line => [
      [` ${key}`, 'key'],
      [` ${word} `, 'muted'],
    ],
  );
  return [
    said,
    spread(line, b.view === 'filters' && !b.why ? [[`${b.found.filters.toLocaleString('en')} filters `, 'muted']] : [], columns),
  ];
}
