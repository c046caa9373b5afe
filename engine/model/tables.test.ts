import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { builtinProviders, builtinSubLayers } from './builtin.ts';
import { WfpError } from './error.ts';
import { FWP_E } from './errors.gen.ts';
import { CONDITION_KEY, keyOfName, LAYER_KEY, nameOfKey, SUBLAYER_KEY } from './keys.ts';
import { allLayers, layerById, layerByKey, layerByName } from './layers.ts';

test('the generated tables are what the generator writes', () => {
  // Without the data it says that it cannot tell; in CI that is a failure.
  execFileSync(process.execPath, [fileURLToPath(new URL('generate.ts', import.meta.url)), '--check'], { stdio: 'inherit' });
});

test('layers are found by key, name and id, and have the fields of their build', () => {
  const connect = layerByKey(LAYER_KEY.ALE_AUTH_CONNECT_V4)!;
  expect(connect).toBe(layerByName('FWPM_LAYER_ALE_AUTH_CONNECT_V4'));
  expect(connect).toBe(layerById(48));
  expect(connect.fields).toHaveLength(42);
  expect(layerByName('ALE_AUTH_CONNECT_V4', 'older')?.fields).toHaveLength(37);
  expect(connect.fields[6]).toEqual({
    fieldKey: CONDITION_KEY.IP_REMOTE_ADDRESS,
    name: 'IP_REMOTE_ADDRESS',
    type: 'FWPM_FIELD_IP_ADDRESS',
    dataType: 'FWP_UINT32',
  });
  expect(layerByName('ALE_AUTH_LISTEN_V4')?.fields.some(field => field.name === 'IP_PROTOCOL')).toBe(false);
  expect(allLayers().map(layer => layer.layerId)).toEqual(Array.from({ length: 99 }, (_, id) => id));
  expect(layerByKey('29243af8-ecaf-4436-a44e-f9fb7070aa04')?.layerId).toBe(83);
});

test('every field of every layer has a key, and newer builds only append', () => {
  for (const layer of allLayers('newer')) {
    for (const field of layer.fields) expect(nameOfKey('condition', field.fieldKey)).toBe(field.name);
    const older = layerByKey(layer.layerKey, 'older')!;
    const names = layer.fields.map(field => field.name);
    expect(names.slice(0, older.fields.length)).toEqual(older.fields.map(field => field.name));
  }
});

test('names and keys lead to each other; aliases lead to what they stand for', () => {
  expect(nameOfKey('layer', LAYER_KEY.STREAM_V4)).toBe('STREAM_V4');
  expect(nameOfKey('sublayer', SUBLAYER_KEY.UNIVERSAL)).toBe('UNIVERSAL');
  expect(nameOfKey('layer', '00000000-0000-0000-0000-000000000000')).toBeUndefined();
  expect(keyOfName('condition', 'FWPM_CONDITION_ICMP_TYPE')).toBe(CONDITION_KEY.IP_LOCAL_PORT);
  expect(keyOfName('condition', 'ICMP_CODE')).toBe(CONDITION_KEY.IP_REMOTE_PORT);
  expect(nameOfKey('condition', keyOfName('condition', 'ICMP_TYPE')!)).toBe('IP_LOCAL_PORT');
  expect(keyOfName('condition', 'constructor')).toBeUndefined();
});

test('built-in sublayers have distinct weights', () => {
  const weights = builtinSubLayers().map(subLayer => subLayer.weight);
  expect(weights).toHaveLength(18);
  expect(new Set(weights).size).toBe(18);
  expect(weights).toEqual([...weights].sort((a, b) => b - a));
  expect(builtinProviders()).toHaveLength(9);
});

test('errors are told by name, number and call', () => {
  expect(FWP_E.FWP_E_ALREADY_EXISTS).toBe(0x80320009);
  expect(new WfpError('FwpmFilterAdd0', 0x80320009).message).toBe('FwpmFilterAdd0: FWP_E_ALREADY_EXISTS');
  expect(new WfpError('FwpmFilterAdd0', 'FWP_E_IN_USE', 'why').code).toBe(0x8032000a);
  expect(new WfpError('FwpmEngineOpen0', 5).codeName).toBe('0x00000005');
});
