import { describe, expect, test } from 'vitest';
import type { CalloutFn } from '../model/classify.ts';
import { CONDITION_KEY, type ConditionName, LAYER_KEY, SUBLAYER_KEY } from '../model/keys.ts';
import type { Filter, FilterCondition, SubLayer } from '../model/objects.ts';
import type { FwpConditionValue, FwpValue } from '../model/value.ts';
import { Classifier } from './classifier.ts';

const LAYER = LAYER_KEY.ALE_AUTH_CONNECT_V4;
const CALLOUT = '5a11f005-0000-4000-8000-0000000000ca';
const subLayer = (number: number, weight: number): SubLayer => ({
  subLayerKey: `5a11f005-0000-4000-8000-00000000000${number}`,
  displayData: { name: `sublayer ${number}` },
  flags: 0,
  weight,
});
const HIGH = subLayer(1, 200);
const LOW = subLayer(2, 100);
const when = (field: ConditionName, conditionValue: FwpConditionValue): FilterCondition => ({
  fieldKey: CONDITION_KEY[field],
  matchType: 'FWP_MATCH_EQUAL',
  conditionValue,
});
const u16 = (value: number): FwpValue => ({ type: 'FWP_UINT16', value });
const u8 = (value: number): FwpValue => ({ type: 'FWP_UINT8', value });

let nextId = 1n;
function filter(type: Filter['action']['type'], more: Partial<Filter> = {}): Filter {
  const id = nextId++;
  return {
    filterKey: `5a11f006-0000-4000-8000-${String(id).padStart(12, '0')}`,
    displayData: { name: 'test' },
    flags: 0,
    layerKey: LAYER,
    subLayerKey: HIGH.subLayerKey,
    weight: { type: 'FWP_EMPTY' },
    filterCondition: [],
    action: type.includes('CALLOUT') ? { type, calloutKey: CALLOUT } : { type },
    filterId: id,
    effectiveWeight: 1n,
    ...more,
  };
}
const classifier = (filters: readonly Filter[], callout?: CalloutFn | 'opaque') =>
  new Classifier({ filters, subLayers: [HIGH, LOW], callouts: callout === undefined ? [] : [[CALLOUT, callout]] });

describe('what is not known', () => {
  const port443 = when('IP_REMOTE_PORT', u16(443));
  const service = when('ALE_USER_ID', { type: 'FWP_SECURITY_DESCRIPTOR_TYPE', value: 'O:SYG:SYD:(A;;CC;;;S-1-5-80-7)' });

  test('one field that certainly differs settles a filter, whatever else is unknown', () => {
    const block = filter('FWP_ACTION_BLOCK', { filterCondition: [service, port443] });
    const trace = classifier([block]).explain(LAYER, { IP_REMOTE_PORT: u16(80) });
    expect(trace).toMatchObject({ action: 'permit', possible: ['permit'], candidates: [], needs: [] });
    expect(trace.subLayers[0]?.filters[0]).toMatchObject({
      outcome: 'not-matched',
      conditions: [{ outcome: 'unknown', needs: 'the value of ALE_USER_ID' }, { outcome: 'not-matched' }],
    });
  });

  test('an unknown filter makes the result unknown only where it could change it', () => {
    const first = filter('FWP_ACTION_BLOCK', { filterCondition: [service], effectiveWeight: 9n });
    const rest = filter('FWP_ACTION_PERMIT', { effectiveWeight: 5n });
    const never = filter('FWP_ACTION_BLOCK', { filterCondition: [service], effectiveWeight: 1n });
    const token: FwpValue = { type: 'FWP_TOKEN_ACCESS_INFORMATION_TYPE', value: { sids: ['S-1-5-18'], partial: true } };
    const result = classifier([never, rest, first]).explain(LAYER, { ALE_USER_ID: token });
    expect(result.action).toBe('unknown');
    expect(result.possible).toEqual(['permit', 'block']);
    expect(result.candidates).toEqual([first, rest]);
    expect(result.needs).toEqual(['whether the token holds S-1-5-80-7']);
    expect(result.subLayers[0]?.filters.map(one => one.outcome)).toEqual(['unknown', 'matched', 'not-evaluated']);
    expect(classifier([rest, never]).classify(LAYER, { ALE_USER_ID: token })).toMatchObject({ action: 'permit', filter: rest });
  });

  test('when both ways lead to the same action it is known, and the filters are told', () => {
    const [one, two] = [
      filter('FWP_ACTION_BLOCK', { filterCondition: [port443], effectiveWeight: 9n }),
      filter('FWP_ACTION_BLOCK', { effectiveWeight: 5n }),
    ];
    const result = classifier([one, two]).classify(LAYER, {});
    expect(result).toMatchObject({ action: 'block', possible: ['block'], candidates: [one, two] });
    expect(result.filter).toBeUndefined();
  });

  test('a value of the wrong type is unknown, not different', () => {
    const block = filter('FWP_ACTION_BLOCK', { filterCondition: [port443] });
    const trace = classifier([block]).explain(LAYER, { IP_REMOTE_PORT: { type: 'FWP_UINT32', value: 443 } });
    expect(trace.action).toBe('unknown');
    expect(trace.needs).toEqual(['the value of IP_REMOTE_PORT as FWP_UINT16 (it was given as FWP_UINT32)']);
  });

  test('alternatives on one field: one that matches settles it', () => {
    const other = { ...when('IP_REMOTE_PORT', u8(1)) };
    const block = filter('FWP_ACTION_BLOCK', { filterCondition: [other, port443] });
    expect(classifier([block]).classify(LAYER, { IP_REMOTE_PORT: u16(443) }).action).toBe('block');
  });

  test('a field of a build to come is known by its key', () => {
    const fieldKey = '11111111-2222-4333-8444-555555555555';
    const block = filter('FWP_ACTION_BLOCK', { filterCondition: [{ ...port443, fieldKey }] });
    expect(classifier([block]).explain(LAYER, {}).needs).toEqual([`the value of ${fieldKey}`]);
    expect(classifier([block]).classify(LAYER, { [fieldKey]: u16(443) }).action).toBe('block');
  });
});

describe('callouts', () => {
  test('a pended operation is held although a sublayer below permits, and is not when one below blocks', () => {
    const ask = filter('FWP_ACTION_CALLOUT_TERMINATING');
    const below = (action: 'FWP_ACTION_PERMIT' | 'FWP_ACTION_BLOCK') => filter(action, { subLayerKey: LOW.subLayerKey });
    const pending: CalloutFn = () => ({ action: 'block', pend: true });
    expect(classifier([ask], pending).classify(LAYER, {})).toMatchObject({ action: 'block', pend: true, filter: ask });
    expect(classifier([ask, below('FWP_ACTION_PERMIT')], pending).classify(LAYER, {})).toMatchObject({
      action: 'block',
      pend: true,
    });
    const block = below('FWP_ACTION_BLOCK');
    expect(classifier([ask, block], pending).classify(LAYER, {})).toMatchObject({ action: 'block', pend: false, filter: block });
  });

  test('nothing is pended once a sublayer above has decided for good', () => {
    const block = filter('FWP_ACTION_BLOCK');
    const ask = filter('FWP_ACTION_CALLOUT_TERMINATING', { subLayerKey: LOW.subLayerKey });
    const rights: boolean[] = [];
    const pending: CalloutFn = (_filter, _values, right) => {
      rights.push(right);
      return { action: 'block', pend: true };
    };
    expect(classifier([block, ask], pending).classify(LAYER, {})).toMatchObject({ action: 'block', pend: false, filter: block });
    expect(rights).toEqual([false]);
  });

  test('a callout is asked once, also when it leaves the decision to the next filter', () => {
    let asked = 0;
    const first = filter('FWP_ACTION_CALLOUT_UNKNOWN', { effectiveWeight: 9n });
    const second = filter('FWP_ACTION_BLOCK', { effectiveWeight: 1n });
    const counting: CalloutFn = () => {
      asked++;
      return { action: 'continue' };
    };
    expect(classifier([first, second], counting).classify(LAYER, {})).toMatchObject({ action: 'block', filter: second });
    expect(asked).toBe(1);
  });

  test('a callout whose code is elsewhere leaves every answer open that its type allows', () => {
    const asking = filter('FWP_ACTION_CALLOUT_UNKNOWN', { effectiveWeight: 9n });
    const result = classifier([asking], 'opaque').explain(LAYER, {});
    expect(result).toMatchObject({ action: 'unknown', candidates: [asking], needs: [`what the callout ${CALLOUT} answers`] });
    const seeing = filter('FWP_ACTION_CALLOUT_INSPECTION');
    expect(classifier([seeing], 'opaque').classify(LAYER, {}).action).toBe('permit');
  });
});

test('disabled and boot-time filters take no part', () => {
  const filters = [filter('FWP_ACTION_BLOCK', { flags: 0x20 }), filter('FWP_ACTION_BLOCK', { flags: 2 })];
  expect(classifier(filters).size).toBe(0);
  expect(classifier(filters).classify(LAYER, {}).action).toBe('permit');
});

test('a sublayer whose weight changes is visited in its new place', () => {
  const permit = filter('FWP_ACTION_PERMIT', { flags: 8 });
  const block = filter('FWP_ACTION_BLOCK', { subLayerKey: LOW.subLayerKey });
  const made = classifier([permit, block]);
  expect(made.classify(LAYER, {}).action).toBe('permit');
  made.addSubLayer({ ...LOW, weight: 300 });
  expect(made.classify(LAYER, {}).action).toBe('block');
  made.deleteSubLayer(LOW.subLayerKey);
  expect(made.classify(LAYER, {}).action).toBe('permit');
});

test('built-in sublayers have their weights without being told', () => {
  const permit = filter('FWP_ACTION_PERMIT', { subLayerKey: SUBLAYER_KEY.MPSSVC_WF, flags: 8 });
  const block = filter('FWP_ACTION_BLOCK', { subLayerKey: SUBLAYER_KEY.UNIVERSAL });
  const trace = new Classifier({ filters: [permit, block] }).explain(LAYER, {});
  expect(trace.subLayers.map(one => one.subLayer.weight)).toEqual([0x8000, 2]);
  expect(trace.action).toBe('block');
});

test('in the strict waterfall of the stream layers a permit above does not save from a block below', () => {
  const at = { layerKey: LAYER_KEY.STREAM_V4 };
  const permit = filter('FWP_ACTION_PERMIT', { ...at, flags: 8 });
  const block = filter('FWP_ACTION_BLOCK', { ...at, subLayerKey: LOW.subLayerKey });
  expect(classifier([permit, block]).classify(LAYER_KEY.STREAM_V4, {}).action).toBe('block');
});
