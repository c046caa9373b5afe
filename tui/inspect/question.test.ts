import { describe, expect, it } from 'vitest';
import { FlowError } from '../../engine/explain/flow.ts';
import { Machine } from '../../engine/explain/machine.ts';
import { manyFilters } from '../../test/support/many-filters.ts';
import { FlowQuestion, filterQuestion } from './flow-question.ts';
import { type FieldName, overall, pathOf, type Question, type Stage } from './question.ts';
import { change, changed, decider, focusBy, openTrace, restore, stageBy } from './trace-state.ts';

const machine = new Machine(manyFilters(60));
const flow = {
  layer: 'ALE_AUTH_CONNECT_V4',
  app: '\\device\\harddiskvolume3\\programs\\p3.exe',
  remote: '10.0.3.7',
  remotePort: 3,
  protocol: 6,
  newConnection: true,
};
const question = new FlowQuestion(machine, flow);

describe('a question', () => {
  it.each([
    ['program', 'curl', 'curl'],
    ['program', '', undefined],
    ['address', '192.0.2.1', '192.0.2.1'],
    ['address', '::ffff:192.0.2.1', '192.0.2.1'],
    ['address', '2001:db8::1', '2001:db8::1'],
    ['port', '65535', '65535'],
    ['port', '', undefined],
    ['protocol', 'UDP', 'udp'],
    ['protocol', '99', '99'],
    ['user', 'SYSTEM', 'S-1-5-18'],
    ['user', 'SYSTEM only', 'S-1-5-18 only'],
    ['user', 's-1-5-18, S-1-1-0', 'S-1-5-18,S-1-1-0'],
    ['package', 'none', 'none'],
    ['profile', 'Public', 'public'],
    ['local', '192.0.2.9', '192.0.2.9'],
    ['local port', '53', '53'],
    ['layer', 'recv_accept', 'ALE_AUTH_RECV_ACCEPT_V4'],
  ] as const)('takes %s "%s" as %s', (field, typed, text) => {
    const next = question.with(field, typed);
    expect(next.text(field)).toBe(text);
    for (const other of question.fields)
      if (other !== field && other !== 'layer') expect(next.text(other), other).toBe(question.text(other));
  });

  it.each([
    ['port', '70000'],
    ['port', '-1'],
    ['address', 'example'],
    ['protocol', 'tcpp'],
    ['user', 'alice'],
    ['package', 'x'],
    ['profile', 'home'],
    ['layer', 'nowhere'],
  ] as const)('says why %s can not be "%s"', (field, typed) => {
    expect(() => question.with(field, typed)).toThrow(FlowError);
  });

  it('goes to the other version of its layer with an address of it', () => {
    const next = question.with('address', '2001:db8::1');
    expect(next.text('layer')).toBe('ALE_AUTH_CONNECT_V6');
    expect(next.with('address', '10.0.0.1').text('layer')).toBe('ALE_AUTH_CONNECT_V4');
    expect(next.with('address', '2001:db8::2:443').text('address')).toBe('2001:db8::2:443');
    expect(next.with('address', '[2001:db8::2]:443').text('port')).toBe('443');
  });

  it.each([
    ['ALE_AUTH_CONNECT_V4', ['ALE_AUTH_CONNECT_V4', 'OUTBOUND_TRANSPORT_V4', 'OUTBOUND_IPPACKET_V4']],
    ['INBOUND_TRANSPORT_V6', ['INBOUND_IPPACKET_V6', 'INBOUND_TRANSPORT_V6', 'ALE_AUTH_RECV_ACCEPT_V6']],
    ['ALE_AUTH_LISTEN_V4', ['ALE_AUTH_LISTEN_V4']],
    ['IPFORWARD_V6', ['IPFORWARD_V6']],
  ])('at %s passes %j', (layer, path) => expect(pathOf(layer)).toEqual(path));

  it('is asked at each layer of its path, and stops where it is blocked', () => {
    const permitted = question.ask();
    expect(permitted.map(({ layer }) => layer)).toEqual(pathOf(flow.layer));
    expect(overall(permitted)).toEqual({ verdict: 'permit', at: 0 });
    expect(decider(permitted)).toMatchObject({ filter: { filterId: 4n }, certain: true });
    const blocked = question
      .with('program', '\\device\\harddiskvolume3\\programs\\p6.exe')
      .with('address', '10.0.6.1')
      .with('port', '6');
    expect(overall(blocked.ask())).toEqual({ verdict: 'block', at: 0 });
  });

  const stage = (verdict: 'permit' | 'block' | 'unknown' | 'ask' | 'missing'): Stage => ({
    layer: '',
    notes: [],
    known: () => undefined,
    ...(verdict === 'missing'
      ? {}
      : { trace: { ...question.ask()[0]!.trace!, pend: verdict === 'ask', action: verdict === 'ask' ? 'block' : verdict } }),
  });
  it.each([
    [['permit', 'permit'], 'permit', 0],
    [['permit', 'block', 'permit'], 'block', 1],
    [['unknown', 'permit', 'block'], 'block', 2],
    [['unknown', 'permit'], 'unknown', 0],
    [['permit', 'unknown', 'unknown'], 'unknown', 1],
    [['ask', 'block'], 'ask', 0],
    [['missing', 'block'], 'block', 1],
    [['missing', 'missing'], 'permit', 0],
  ] as const)('with %j on its path comes to %s at %i', (verdicts, verdict, at) => {
    expect(overall(verdicts.map(stage))).toEqual({ verdict, at });
  });

  it('made of a filter is decided by it', () => {
    for (const filter of machine.dump.filters.filter(each => machine.layerName(each.layerKey) === 'ALE_AUTH_CONNECT_V4')) {
      const stages = filterQuestion(machine, filter).ask();
      expect(decider(stages)?.filter.filterId).toBe(filter.filterId);
    }
  });
});

describe('a trace', () => {
  const edit = (field: FieldName, text: string) => change(openTrace(question), field, text);

  it('keeps what was before, tells what was changed, and goes back', () => {
    const trace = edit('port', '4');
    expect(changed(trace)).toEqual(['port']);
    expect(overall(trace.before).verdict).toBe('permit');
    expect(decider(trace.stages)).toBeUndefined();
    expect(changed(restore(trace))).toEqual([]);
    expect(restore(trace).stages).toBe(trace.before);
  });

  it('with a change that makes no sense stays as it is and says why', () => {
    const trace = edit('port', 'x');
    expect(trace.problem).toContain('is no port');
    expect(trace.question).toBe(question as Question);
    expect(change(trace, 'port', '9').problem).toBeUndefined();
  });

  it.each([
    [0, 1, 1],
    [0, -1, question.fields.length - 1],
    [question.fields.length - 1, 1, 0],
  ])('from part %i by %i comes to %i', (from, by, to) =>
    expect(focusBy({ ...openTrace(question), focus: from }, by).focus).toBe(to));

  it.each([
    [0, -1, 0],
    [0, 1, 1],
    [2, 1, 2],
  ])('from layer %i by %i comes to %i', (from, by, to) =>
    expect(stageBy({ ...openTrace(question), stage: from }, by).stage).toBe(to));
});
