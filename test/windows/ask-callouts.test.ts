import { expect, test } from 'vitest';
import { CALLOUT_KEYS } from '../../driver/windows/contract.ts';
import { RULE_LAYERS } from '../../engine/rules/well-known.ts';

test('the ask filters name the callouts that the driver registers', () => {
  const registered = new Set<string>(Object.values(CALLOUT_KEYS));
  const held = RULE_LAYERS.filter(layer => layer.layer === 'ALE_AUTH_CONNECT' || layer.layer === 'ALE_AUTH_RECV_ACCEPT');
  expect(held).toHaveLength(4);
  for (const layer of held) expect(registered, layer.name).toContain(layer.askCallout);
});
