import { afterEach, expect, test } from 'vitest';
import { EmbeddedEngine } from '../embedded/engine.ts';
import { newGuid } from '../model/guid.ts';
import { CONDITION_KEY, LAYER_KEY } from '../model/keys.ts';
import { EngineMirror } from './mirror.ts';

const layerKey = LAYER_KEY.ALE_AUTH_CONNECT_V4;
const engine = EmbeddedEngine.open();
const values = (port: number) => ({ IP_REMOTE_PORT: { type: 'FWP_UINT16', value: port } as const });
const block = (port: number) => ({
  displayData: { name: `block ${port}` },
  layerKey,
  filterCondition: [
    {
      fieldKey: CONDITION_KEY.IP_REMOTE_PORT,
      matchType: 'FWP_MATCH_EQUAL' as const,
      conditionValue: { type: 'FWP_UINT16', value: port } as const,
    },
  ],
  action: { type: 'FWP_ACTION_BLOCK' as const },
});

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});
async function mirrored() {
  const [own, other] = [await engine.openSession(), await engine.openSession({ dynamic: true })];
  const mirror = await EngineMirror.open(own, [layerKey]);
  open.push(own, other, mirror);
  return { own, other, mirror };
}

test('what was there, what is added and what goes', async () => {
  const { other, mirror } = await mirrored();
  expect(mirror.classify(layerKey, values(25)).action).toBe('permit');
  const filter = await other.filterAdd(block(25));
  await mirror.refresh();
  expect(mirror.classify(layerKey, values(25))).toMatchObject({ action: 'block', filter: { filterId: filter.filterId } });
  await other.filterDeleteById(filter.filterId);
  await mirror.refresh();
  expect(mirror.classify(layerKey, values(25)).action).toBe('permit');
});

test('another session is followed without being asked', async () => {
  const { other, mirror } = await mirrored();
  await other.filterAdd(block(26));
  await expect.poll(() => mirror.classify(layerKey, values(26)).action).toBe('block');
});

test('a refresh that is asked for during a read sees what was committed before it', async () => {
  const { own, mirror } = await mirrored();
  const first = mirror.refresh();
  const filter = await own.filterAdd(block(27));
  await Promise.all([first, mirror.refresh()]);
  expect(mirror.classify(layerKey, values(27)).action).toBe('block');
  await own.filterDeleteById(filter.filterId);
});

test('a callout that asks pends', async () => {
  const { other, mirror } = await mirrored();
  const calloutKey = newGuid();
  await other.calloutAdd({ calloutKey, displayData: { name: 'ask' }, flags: 0, applicableLayer: layerKey });
  await other.filterAdd({ ...block(28), action: { type: 'FWP_ACTION_CALLOUT_TERMINATING', calloutKey } });
  mirror.registerCallout(calloutKey, () => ({ action: 'block', pend: true }));
  await mirror.refresh();
  expect(mirror.classify(layerKey, values(28)).pend).toBe(true);
  expect(mirror.explain(layerKey, values(28)).subLayers.length).toBeGreaterThan(0);
});

test('a subscription that cannot be ended does not keep a mirror from closing', async () => {
  const session = await engine.openSession();
  session.subscribeChanges = async () => () => Promise.reject(new Error('the service was stopped'));
  const mirror = await EngineMirror.open(session, [layerKey]);
  await mirror.close();
  await session.close();
});
