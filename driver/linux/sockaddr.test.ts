import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AF, destination, formatV6, parseSockaddr } from './sockaddr.ts';

const v6 = (bytes: Uint8Array, port = 443) => Uint8Array.from([10, 0, port >> 8, port & 255, 0, 0, 0, 0, ...bytes, 0, 0, 0, 0]);
const v4 = (family: number) => Uint8Array.from([family, 0, 1, 187, 192, 0, 2, 7, 0, 0, 0, 0, 0, 0, 0, 0]);

test('IPv6 text is the canonical one', () => {
  const sparse = fc
    .array(fc.oneof(fc.constant(0), fc.nat(255)), { minLength: 16, maxLength: 16 })
    .map(list => Uint8Array.from(list));
  fc.assert(
    fc.property(sparse, bytes => {
      const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i]! << 8) | bytes[2 * i + 1]!).toString(16)).join(':');
      expect(`[${formatV6(bytes)}]`).toBe(new URL(`http://[${groups}]/`).hostname);
    }),
    { numRuns: 5000 },
  );
});

test('IPv4, also where the kernel takes AF_UNSPEC for it', () => {
  const address = { family: 'v4', address: '192.0.2.7', port: 443 };
  expect(parseSockaddr(v4(2))).toEqual(address);
  expect(parseSockaddr(v4(0))).toBeUndefined();
  expect(parseSockaddr(v4(0), AF.INET)).toEqual(address);
  expect(parseSockaddr(v4(2).subarray(0, 15))).toBeUndefined();
});

test('an IPv4-mapped address is IPv4', () => {
  const mapped = Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 1, 2, 3]);
  expect(parseSockaddr(v6(mapped))).toEqual({ family: 'v4', address: '10.1.2.3', port: 443 });
});

test('a socket address without scope id is enough, a shorter one is not', () => {
  const bytes = v6(new Uint8Array(16));
  expect(parseSockaddr(bytes.subarray(0, 24))).toEqual({ family: 'v6', address: '::', port: 443 });
  expect(parseSockaddr(bytes.subarray(0, 23))).toBeUndefined();
});

test('a raw IPv6 socket takes AF_UNSPEC for AF_INET6', () => {
  const bytes = v6(Uint8Array.from([32, 1, 13, 184, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]));
  bytes[0] = 0;
  expect(parseSockaddr(bytes)).toBeUndefined();
  expect(parseSockaddr(bytes, AF.INET6)).toEqual({ family: 'v6', address: '2001:db8::1', port: 443 });
});

test('the unspecified address is loopback', () => {
  expect(destination({ family: 'v4', address: '0.0.0.0', port: 1 }).address).toBe('127.0.0.1');
  expect(destination({ family: 'v6', address: '::', port: 1 }).address).toBe('::1');
  expect(destination({ family: 'v4', address: '192.0.2.1', port: 1 }).address).toBe('192.0.2.1');
});

test('never throws', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 140 }), fc.constantFrom<number>(...Object.values(AF)), (bytes, unspec) => {
      const parsed = parseSockaddr(bytes, unspec);
      if (parsed) expect(parsed.port).toBeLessThan(65536);
    }),
    { numRuns: 5000 },
  );
});
