import { fieldText } from '../../../engine/explain/condition-text.ts';
import { type ExplainReport, type FilterTraceReport, fieldList, type SubLayerReport } from '../../../engine/explain/explain.ts';
import type { FilterReport } from '../../../engine/explain/filter-report.ts';
import { count, safe } from './text.ts';

/** How an option of the command tells a field. */
const OPTION: readonly (readonly [RegExp, string])[] = [
  [/FLAGS$/, '--flags'],
  [/ALE_USER_ID|the token holds/, '--user, with --whole-token when it holds no other SIDs'],
  [/ALE_PACKAGE_ID/, '--package'],
  [/PROFILE_ID/, '--profile'],
  [/IP_LOCAL_(ADDRESS|PORT)$/, '--local'],
  [/IP_REMOTE_(ADDRESS|PORT)$/, '--remote'],
  [/IP_PROTOCOL$/, '--protocol'],
  [/^the value of /, '--field'],
];

/** A long list of the same kind in short: the first of them and how many there are. */
function brief(text: string): string {
  const parts = text.split(', ');
  if (text.length <= 200 || parts.length < 4) return text;
  const first = parts.slice(0, 2).join(', ');
  return `${first}, and ${parts.length - 2} more (--json lists all)`;
}

function needText(need: string): string {
  const option = OPTION.find(([pattern]) => pattern.test(need))?.[1];
  return brief(need) + (option ? `  (${option})` : '');
}

const MARK = { matched: '✓', 'not-matched': '✗', unknown: '?', 'not-evaluated': '·' };

/** One filter in a few lines: what it does, whose it is, what it matches. */
export function filterText(filter: FilterReport, indent = '  '): string {
  const lines = [
    `filter ${filter.filterId} "${filter.name}": ${filter.action}${filter.callout ? ` ${filter.callout}` : ''}`,
    `  provider ${filter.provider || 'none'}, sublayer ${filter.subLayer}, layer ${filter.layer}`,
    `  key ${filter.filterKey}, weight ${filter.effectiveWeight}${filter.flags.length > 0 ? `, ${filter.flags.join(' ').toLowerCase()}` : ''}`,
    ...(filter.origin ? [`  made by ${filter.origin}`] : []),
    ...(filter.description ? [`  ${filter.description}`] : []),
    `  matches ${filter.conditions.length === 0 ? 'any traffic' : ''}`.trimEnd(),
    ...filter.conditions.map(condition => `    ${brief(condition.text)}`),
    ...(filter.unknown ?? []).map(each => `  not known here: ${each}`),
  ];
  return lines.map(line => `${indent}${safe(line)}\n`).join('');
}

function traceLines(each: FilterTraceReport): string {
  const { filter, outcome } = each;
  const head = `    ${MARK[outcome]} ${filter.filterId} ${safe(`${filter.action} "${filter.name}"`)}`;
  const yields = each.yields && outcome === 'matched' ? ` → ${each.yields}${each.hard ? ' (final)' : ''}` : '';
  const note = each.note ? ` (${safe(each.note)})` : '';
  if (outcome === 'not-evaluated') return `${head}: not reached\n`;
  if (outcome === 'not-matched') {
    const failed = each.conditions.filter(condition => condition.outcome === 'not-matched').map(condition => condition.text);
    return `${head}: not: ${safe(brief(failed.join('; ')))}\n`;
  }
  const open = each.conditions.filter(condition => condition.outcome === 'unknown');
  const why = open
    .map(condition => `        ? ${safe(brief(condition.text))}: needs ${safe(brief(condition.needs ?? ''))}\n`)
    .join('');
  return `${head}${yields}${note}\n${why}`;
}

function subLayerText(subLayer: SubLayerReport, all: boolean): string {
  const weight =
    { file: '', builtin: '', order: ' by its place in the file', unknown: ' (not told, assumed)' }[subLayer.weightFrom] ?? '';
  const result =
    subLayer.yields === 'none'
      ? 'no filter matches'
      : `${subLayer.yields}${subLayer.decidedBy ? ` by ${subLayer.decidedBy}` : ''}`;
  const shown = subLayer.filters.filter(each => all || each.outcome === 'matched' || each.outcome === 'unknown');
  const hidden = (outcome: FilterTraceReport['outcome']) => subLayer.filters.filter(each => each.outcome === outcome).length;
  const [not, below] = [hidden('not-matched'), hidden('not-evaluated')];
  const rest = all
    ? ''
    : `${not > 0 ? `    ✗ ${count(not, 'filter')} ${not === 1 ? 'does' : 'do'} not match\n` : ''}${below > 0 ? `    · ${below} below not reached\n` : ''}`;
  return `  ${safe(subLayer.name)} (weight ${subLayer.weight}${weight}): ${result}; so far ${subLayer.carried.action}\n${shown.map(traceLines).join('')}${rest}`;
}

/** An explanation for people. */
export function explainText(report: ExplainReport, all: boolean): string {
  const decided = report.filter
    ? `decided by\n${filterText(report.filter)}`
    : report.verdict === 'unknown'
      ? `${report.possible.join(' and ')} remain possible\n`
      : report.candidates.length > 0
        ? `whichever of ${report.candidates.length} filters decides\n`
        : 'no filter matches, which permits\n';
  const candidates = report.candidates
    .map(
      each =>
        `  ${each.filterId}  ${safe(`${each.action} "${each.name}", sublayer ${each.subLayer}, provider ${each.provider || 'none'}`)}\n`,
    )
    .join('');
  const known = Object.entries(report.values).map(([name, value]) => `${fieldText(name)} ${value}`);
  return [
    `${report.verdict.toUpperCase()} at ${report.layer}: ${decided}`,
    candidates === '' ? '' : `could be decided by\n${candidates}`,
    report.needs.length === 0 ? '' : `to settle it, tell\n${report.needs.map(each => `  ${safe(needText(each))}\n`).join('')}`,
    `known: ${safe(known.join(', ') || 'nothing')}\n`,
    report.unknownFields.length === 0 ? '' : `asked for by filters, not known: ${safe(fieldList(report.unknownFields))}\n`,
    report.notes.map(note => `note: ${safe(note)}\n`).join(''),
    report.subLayers.length === 0
      ? 'there is no filter at this layer\n'
      : `sublayers in the order they are visited\n${report.subLayers.map(each => subLayerText(each, all)).join('')}`,
  ].join('');
}
