import { isIPv6 } from 'node:net';
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { describe, expect, test } from 'vitest';
import { formatV4, formatV6, inNetwork, networkOf, parseAddress, parseV4, parseV6 } from './address.ts';

describe('addresses', () => {
  test('IPv4 text and number are each other’s inverse', () => {
    fc.assert(
      fc.property(fc.nat(0xffffffff), addr => {
        expect(parseV4(formatV4(addr))).toBe(addr);
      }),
    );
    expect(parseV4('127.0.0.1')).toBe(0x7f000001);
  });

  test.each([
    '',
    '1.2.3',
    '1.2.3.400',
    '1.2.3.4.5',
    '01.2.3.4',
    '1..2.3',
    '1.2.3.4 ',
    'a.b.c.d',
    '1.2.3.',
  ])('%j is no IPv4 address', text => {
    expect(parseV4(text)).toBeUndefined();
  });

  test('IPv6 agrees with another implementation, both ways', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), bytes => {
        const text = formatV6(bytes);
        expect(isIPv6(text)).toBe(true);
        expect(parseV6(text)).toEqual(bytes);
        expect(ipaddr.IPv6.parse(text).toByteArray()).toEqual([...bytes]);
        expect(parseV6(ipaddr.fromByteArray([...bytes]).toNormalizedString())).toEqual(bytes);
      }),
    );
  });

  test.each([
    ['::', '::'],
    ['::1', '::1'],
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['1:0:0:0:0:0:0:0', '1::'],
    ['::ffff:203.0.113.9', '203.0.113.9'],
    ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
  ])('%s is written %s', (text, canonical) => {
    expect(parseAddress(text)?.text).toBe(canonical);
  });

  test('a network holds what ipaddr.js says it holds', () => {
    const v4 = fc.nat(0xffffffff).map(formatV4);
    fc.assert(
      fc.property(v4, v4, fc.nat(32), (address, network, prefix) => {
        const [a, n] = [parseAddress(address)!, parseAddress(network)!];
        expect(inNetwork(a, n, prefix)).toBe(ipaddr.IPv4.parse(address).match(ipaddr.IPv4.parse(network), prefix));
        expect(inNetwork(n, networkOf(n, prefix), prefix)).toBe(true);
      }),
    );
    const v6 = fc.uint8Array({ minLength: 16, maxLength: 16 });
    fc.assert(
      fc.property(v6, v6, fc.nat(128), fc.nat(128), (address, other, prefix, shared) => {
        const mixed = address.map((byte, i) => (i * 8 < shared ? byte : (other[i] ?? 0)));
        const [a, n] = [parseAddress(formatV6(address))!, parseAddress(formatV6(mixed))!];
        fc.pre(a.family === 'v6' && n.family === 'v6');
        expect(inNetwork(a, n, prefix)).toBe(ipaddr.IPv6.parse(a.text).match(ipaddr.IPv6.parse(n.text), prefix));
      }),
    );
  });
});
