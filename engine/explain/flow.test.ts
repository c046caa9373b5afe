import { describe, expect, test } from 'vitest';
import { layerByName } from '../model/layers.ts';
import { FlowError, fieldValue, flowValues, isPublic, layerOf, parseEndpoint, parseShortFlow, settledFlags } from './flow.ts';

describe('layers', () => {
  test.each([
    ['ale_auth_connect_v4', [], 'ALE_AUTH_CONNECT_V4'],
    ['FWPM_LAYER_ALE_AUTH_LISTEN_V6', [], 'ALE_AUTH_LISTEN_V6'],
    ['connect', ['2001:db8::1'], 'ALE_AUTH_CONNECT_V6'],
    ['outbound_transport', ['192.0.2.1'], 'OUTBOUND_TRANSPORT_V4'],
    ['{c38d57d1-05a7-4c33-904f-7fbceee60e82}', [], 'ALE_AUTH_CONNECT_V4'],
  ])('%s', (name, addresses, expected) => expect(layerOf(name, addresses).name).toBe(expected));
});

describe('flags', () => {
  test('loopback is settled by the addresses, and only then', () => {
    expect(settledFlags({ remote: '127.0.0.1' }, 1)).toBe(1);
    expect(settledFlags({ remote: '10.0.0.1', local: '10.0.0.1' }, 1)).toBe(1);
    expect(settledFlags({ remote: '8.8.8.8', local: '10.0.0.1' }, 1)).toBe(0);
    expect(settledFlags({ remote: '10.0.0.2', local: '10.0.0.1' }, 1)).toBeUndefined();
    expect(settledFlags({}, 1)).toBeUndefined();
  });
  test('other bits are not, except for a new connection', () => {
    expect(settledFlags({ remote: '8.8.8.8' }, 4)).toBeUndefined();
    expect(settledFlags({ remote: '8.8.8.8', newConnection: true }, 4)).toBe(0);
    expect(settledFlags({ remote: '8.8.8.8', newConnection: true }, 0x2000000)).toBeUndefined();
  });
});

describe('what is typed', () => {
  test.each([
    ['192.0.2.1:443', { address: '192.0.2.1', port: 443 }],
    ['[2001:DB8::1]:443', { address: '2001:db8::1', port: 443 }],
    ['2001:db8::1', { address: '2001:db8::1' }],
    ['fe80::1%12', { address: 'fe80::1' }],
    [':443', { port: 443 }],
    ['*', {}],
  ])('%s', (text, expected) => expect(parseEndpoint(text)).toEqual(expected));
  test.each([
    ['2001:db8::1:443', 'two ways: write [2001:db8::1]:443 or [2001:db8::1:443]'],
    ['192.0.2.1:https', '"https" in "192.0.2.1:https" is no port'],
    ['192.0.2.1:99999', '"99999" in "192.0.2.1:99999" is no port'],
    ['192.0.2.1:443-445', 'is no port'],
    ['example.com:443', '"example.com" is a name, and filters hold addresses'],
    ['localhost', 'is a name'],
    ['192.0.2.0/24', 'is no address'],
    ['1.2.3', 'is no address'],
  ])('%s is told', (text, message) => {
    expect(() => parseEndpoint(text)).toThrow(message);
    expect(() => parseEndpoint(text)).toThrow(FlowError);
  });
  test('a program in quotes is the same without them', () => {
    expect(parseShortFlow('"C:\\Program Files\\a b.exe" -> 192.0.2.1:1/tcp').app).toBe('C:\\Program Files\\a b.exe');
  });
});

test.each([
  ['8.8.8.8', true],
  ['172.16.0.1', false],
  ['100.64.0.1', false],
  ['169.254.1.1', false],
  ['2001:db8::1', true],
  ['fe80::1', false],
  ['ff02::1', false],
])('%s is public: %s', (address, expected) => expect(isPublic(address)).toBe(expected));

describe('values', () => {
  const layer = layerByName('ALE_AUTH_CONNECT_V4')!;
  test('address types as far as the address tells them', () => {
    const type = (remote: string) =>
      flowValues({ layer: layer.name, remote }, layer, undefined, 0)['IP_DESTINATION_ADDRESS_TYPE'];
    expect([type('224.0.0.1'), type('255.255.255.255'), type('192.0.2.2'), type('192.0.2.255')]).toEqual([
      { type: 'FWP_UINT8', value: 3 },
      { type: 'FWP_UINT8', value: 4 },
      { type: 'FWP_UINT8', value: 1 },
      undefined,
    ]);
  });
  test('an IPv4 address at a layer of IPv6 is the mapped one', () => {
    const v6 = layerByName('ALE_AUTH_CONNECT_V6')!;
    expect(flowValues({ layer: v6.name, remote: '192.0.2.1' }, v6, undefined, 0)['IP_REMOTE_ADDRESS']).toMatchObject({
      type: 'FWP_BYTE_ARRAY16_TYPE',
      value: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 1),
    });
  });
  test('any field in the type that the layer has', () => {
    expect(fieldValue(layer, 'ip_protocol', '6')).toEqual({ type: 'FWP_UINT8', value: 6 });
    expect(fieldValue(layer, 'IP_LOCAL_INTERFACE', '0x1')).toEqual({ type: 'FWP_UINT64', value: 1n });
    expect(fieldValue(layer, 'CURRENT_PROFILE_ID', 'empty')).toEqual({ type: 'FWP_EMPTY' });
    expect(() => fieldValue(layer, 'IP_PROTOCOL', '256')).toThrow(/no value of IP_PROTOCOL/);
    expect(() => fieldValue(layer, 'NOPE', '1')).toThrow(/has no field NOPE/);
  });
});
