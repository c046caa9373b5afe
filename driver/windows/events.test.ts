import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Message, SALLYPORT, sizeOf } from './contract.ts';
import { addressText, BrokenEventError, decodeBatch } from './events.ts';
import { decodeVerdictResults, decodeWelcome, encodeHello, encodePolicy, encodeVerdicts } from './requests.ts';

/** A batch as the driver writes it: header, then events padded to 8. */
function batchOf(...events: Uint8Array[]): Uint8Array {
  const length = sizeOf('EVENT_BATCH') + events.reduce((sum, event) => sum + event.length, 0);
  const bytes = new Uint8Array(length);
  new Message('EVENT_BATCH', bytes).set('version', 1).set('count', events.length).set('bytes', length).set('lost', 3n);
  let at = sizeOf('EVENT_BATCH');
  for (const event of events) {
    bytes.set(event, at);
    at += event.length;
  }
  return bytes;
}

function attempt(tail = Buffer.from('\\device\\x', 'utf16le'), type: number = SALLYPORT.EVENT_PENDED): Uint8Array {
  const size = (sizeOf('ATTEMPT_EVENT') + tail.length + 7) & ~7;
  const bytes = new Uint8Array(size);
  const message = new Message('ATTEMPT_EVENT', bytes)
    .set('header.size', size)
    .set('header.type', type)
    .set('header.sequence', 7n)
    .set('header.time100ns', 116_444_736_000_000_000n + 12_340_000n)
    .set('requestId', 2n ** 63n)
    .set('processId', 4242n)
    .set('layerId', 48)
    .set('family', 4)
    .set('protocol', 6)
    .set('localPortHost', 50_000)
    .set('remotePortHost', 443)
    .set('appIdOffset', sizeOf('ATTEMPT_EVENT'))
    .set('appIdBytes', tail.length);
  [203, 0, 113, 9].forEach((byte, index) => {
    message.set('remoteAddress', byte, index);
  });
  bytes.set(tail, sizeOf('ATTEMPT_EVENT'));
  return bytes;
}

describe('events', () => {
  test('a held attempt', () => {
    const { events, lost } = decodeBatch(batchOf(attempt()));
    expect(lost).toBe(3n);
    expect(events[0]).toMatchObject({
      type: 'pended',
      sequence: 7n,
      at: 1234,
      requestId: 2n ** 63n,
      processId: 4242,
      layer: 'ALE_AUTH_CONNECT',
      remote: { address: '203.0.113.9', port: 443 },
      appId: '\\device\\x',
    });
  });

  test('a process id that is none of Windows is not told', () => {
    const bytes = attempt();
    new Message('ATTEMPT_EVENT', bytes).set('processId', 2n ** 53n + 1n);
    expect(decodeBatch(batchOf(bytes)).events[0]).not.toHaveProperty('processId');
  });

  test('a path that was cut is not told', () => {
    const bytes = attempt();
    new Message('ATTEMPT_EVENT', bytes).set('header.flags', SALLYPORT.EVENT_FLAG_APP_ID_TRUNCATED);
    expect(decodeBatch(batchOf(bytes)).events[0]).not.toHaveProperty('appId');
  });

  test('an event type of a later driver is passed over', () => {
    expect(decodeBatch(batchOf(attempt(undefined, 99), attempt())).events.length).toBe(1);
  });

  test.each<[string, (bytes: Uint8Array) => void]>([
    ['another version', bytes => new Message('EVENT_BATCH', bytes).set('version', 2)],
    ['a length that is not its own', bytes => new Message('EVENT_BATCH', bytes).set('bytes', 7)],
    ['more events than there are', bytes => new Message('EVENT_BATCH', bytes).set('count', 9)],
    ['fewer events than there are', bytes => new Message('EVENT_BATCH', bytes).set('count', 0)],
    ['an event of size 0', bytes => new Message('EVENT_HEADER', bytes.subarray(24)).set('size', 0)],
    ['an event beyond the end', bytes => new Message('EVENT_HEADER', bytes.subarray(24)).set('size', 4096)],
    ['an unknown layer', bytes => new Message('ATTEMPT_EVENT', bytes.subarray(24)).set('layerId', 1)],
    ['a family that is not the layer', bytes => new Message('ATTEMPT_EVENT', bytes.subarray(24)).set('family', 6)],
    ['a path outside its event', bytes => new Message('ATTEMPT_EVENT', bytes.subarray(24)).set('appIdBytes', 60_000)],
    ['a path inside the fixed part', bytes => new Message('ATTEMPT_EVENT', bytes.subarray(24)).set('appIdOffset', 8)],
    ['an unknown reason', bytes => new Message('ATTEMPT_EVENT', bytes.subarray(24)).set('reason', 200)],
  ])('%s is refused whole', (_name, spoil) => {
    const bytes = batchOf(attempt());
    spoil(bytes);
    expect(() => decodeBatch(bytes)).toThrow(BrokenEventError);
  });

  test('whatever the bytes, either events or BrokenEventError', () => {
    const good = batchOf(attempt(), attempt());
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 30 }),
        fc.nat(good.length),
        (edits, length) => {
          const bytes = Uint8Array.from(good);
          for (const [at, value] of edits) bytes[at] = value;
          for (const input of [bytes, bytes.slice(0, length)]) {
            try {
              decodeBatch(input);
            } catch (error) {
              expect(error).toBeInstanceOf(BrokenEventError);
            }
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});

test.each([
  [4, [10, 0, 0, 1], '10.0.0.1'],
  [6, [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], '2001:db8::1'],
  [6, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1], '192.0.2.1'],
  [6, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], '::1'],
  [6, [0, 1, 0, 0, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7], '1:0:2:3:4:5:6:7'],
])('address of family %i', (family, bytes, text) => {
  expect(
    addressText(
      family,
      Uint8Array.from({ length: 16 }, (_, index) => bytes[index] ?? 0),
    ),
  ).toBe(text);
});

describe('what the client sends', () => {
  test('a hello names version and magic', () => {
    const hello = new Message('HELLO', encodeHello());
    expect([hello.number('version'), hello.number('magic')]).toEqual([1, SALLYPORT.MAGIC]);
  });

  test('a policy is whole: what is not named has its default', () => {
    const policy = new Message('POLICY', encodePolicy({ maxHeld: 7, onTimeout: 'permit', exempt: [12], holdLoopback: true }));
    expect([policy.number('deadlineMs'), policy.number('onStranger'), policy.number('onDetach')]).toEqual([60_000, 1, 0]);
    expect([policy.number('maxHeld'), policy.number('onTimeout'), policy.number('onOverflow')]).toEqual([7, 1, 2]);
    expect([policy.number('exemptCount'), policy.bigint('exemptProcessIds'), policy.number('flags')]).toEqual([1, 12n, 1]);
    expect(() => encodePolicy({ exempt: Array.from({ length: 17 }, (_, index) => index) })).toThrow('the driver takes 16');
  });

  test('a batch of verdicts, and who was missed', () => {
    const bytes = encodeVerdicts([
      { requestId: 1n, verdict: 'permit' },
      { requestId: 2n ** 64n - 1n, verdict: 'block' },
    ]);
    expect(bytes.length).toBe(8 + 2 * 16);
    expect(() => encodeVerdicts([])).toThrow(RangeError);
    const results = new Uint8Array(8 + 2 * 16);
    new Message('VERDICT_RESULTS', results).set('version', 1).set('count', 2);
    new Message('VERDICT_RESULT', results.subarray(24)).set('requestId', 5n).set('result', SALLYPORT.RESULT_NOT_HELD);
    expect(decodeVerdictResults(results)).toEqual([5n]);
    expect(() => decodeVerdictResults(results.subarray(0, 24))).toThrow('shorter');
  });

  test('a welcome of something else is none', () => {
    expect(decodeWelcome(new Uint8Array(48))).toBeNull();
    expect(decodeWelcome(new Uint8Array(4))).toBeNull();
  });
});
