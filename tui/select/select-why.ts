import type { ConnectionAttempt } from '../../engine/model/attempt.ts';
import type { ClassifyTrace, FilterTrace } from '../../engine/model/classify.ts';
import type { FilterCondition, Layer } from '../../engine/model/objects.ts';
import type { Line, Span } from '../text/paint.ts';
import { actionWords, conditionWords, fieldName, filterWords } from './condition-words.ts';
import { protocolName, questionSentence, targetText } from './words.ts';

/** Which condition did not match, by what the attempt has in its place. */
function mismatchWords(condition: FilterCondition, layer: Layer | undefined, attempt: ConnectionAttempt): string {
  const { identity, remote, protocol } = attempt;
  switch (fieldName(layer, condition.fieldKey)) {
    case 'ALE_APP_ID':
      return identity.path ? `program is ${identity.path}` : `not: ${conditionWords(condition, layer)}`;
    case 'IP_REMOTE_ADDRESS':
      return remote ? `remote address ${remote.address} is outside` : 'no remote address';
    case 'IP_REMOTE_PORT':
      return remote ? `remote port is ${remote.port}` : 'no remote port';
    case 'IP_PROTOCOL':
      return `protocol is ${protocolName(protocol)}`;
    default:
      return `not: ${conditionWords(condition, layer)}`;
  }
}

/** `✕` decided, `✓` matched, `·` did not match and says which condition, `?` can't be known and says what would settle it. */
function filterLine(trace: FilterTrace, decided: boolean, layer: Layer | undefined, attempt: ConnectionAttempt): Line {
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
  const condition = failed && filter.filterCondition[failed.index];
  const why =
    trace.outcome === 'not-evaluated'
      ? 'a filter above it decided'
      : condition
        ? mismatchWords(condition, layer, attempt)
        : open
          ? `unknown: ${open.needs ?? fieldName(layer, filter.filterCondition[open.index]?.fieldKey ?? '')}`
          : `${decided ? 'decided' : 'matched'}${trace.hard ? ', hard' : ''}`;
  const action = actionWords(filter);
  return [
    ['   '],
    sign,
    [` ${String(filter.filterId).padEnd(6)} `, 'muted'],
    [action.padEnd(7), action === 'permit' ? 'permit' : action === 'block' ? 'block' : 'waiting'],
    [` ${filterWords(filter, layer)}`, trace.outcome === 'matched' ? 'text' : 'muted'],
    [`   ${why}${trace.note ? `, ${trace.note}` : ''}`, trace.outcome === 'unknown' ? 'warning' : 'muted'],
  ];
}

/** The whole decision: the path of the call, then every sublayer and filter considered. */
export function whyLines(attempt: ConnectionAttempt, trace: ClassifyTrace, layers: readonly Layer[]): readonly Line[] {
  const layer = layers.find(other => other.layerKey === trace.layerKey);
  const answer = trace.pend ? 'ASK' : trace.action.toUpperCase();
  const slot = trace.pend ? 'waiting' : trace.action === 'permit' ? 'permit' : trace.action === 'block' ? 'block' : 'warning';
  const call = {
    ALE_AUTH_CONNECT: 'connect()',
    ALE_RESOURCE_ASSIGNMENT: 'bind()',
    ALE_AUTH_LISTEN: 'listen()',
    ALE_AUTH_RECV_ACCEPT: 'accept()',
  };
  const stopped = trace.pend
    ? '■ held here'
    : trace.action === 'block'
      ? '■ stopped here'
      : trace.action === 'permit'
        ? '✓ goes on'
        : '? not known';
  const head: Line[] = [
    [[' why  ', 'title'], ...questionSentence(attempt)],
    [
      [`      as the filters stand now: `, 'muted'],
      [answer, slot],
      [`   ${targetText(attempt)} ${protocolName(attempt.protocol)}`, 'muted'],
    ],
    [],
    [[`   ${call[attempt.layer]} → `, 'muted'], [layer?.name ?? trace.layerKey, 'text'], ['   '], [stopped, slot]],
  ];
  const body = trace.subLayers.flatMap(({ subLayer, filters, yields, decidedBy }): Line[] => [
    [],
    [
      [` sublayer ${subLayer.displayData.name}`, 'heading'],
      [`   weight 0x${subLayer.weight.toString(16)}`, 'muted'],
      ['   → '],
      [yields === 'none' ? 'no verdict' : yields, yields === 'permit' ? 'permit' : yields === 'block' ? 'block' : 'muted'],
    ],
    ...(filters.length
      ? filters.map(filter => filterLine(filter, decidedBy !== undefined && filter.filter.filterId === decidedBy, layer, attempt))
      : [[['   no filter at this layer', 'muted']] as Line]),
  ]);
  const foot: Line[] = [];
  if (!trace.filter) foot.push([], [['   No filter matched: what nothing matches is permitted.', 'muted']]);
  if (trace.veto) foot.push([], [['   The decision is a veto.', 'warning']]);
  if (trace.needs.length) foot.push([], [['   To know: ', 'warning'], [trace.needs.join(', ')]]);
  foot.push([], [['   ✕ decided   ✓ matched   · did not match   ? cannot be known   – not reached', 'muted']]);
  return [...head, ...body, ...foot];
}
