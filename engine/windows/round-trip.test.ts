import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { ACTION_TYPE, type ActionType } from '../model/objects.ts';
import { type FwpConditionValue, type FwpValue, MATCH_TYPE, type MatchType } from '../model/value.ts';
import { Arena } from './arena.ts';
import * as compose from './compose.ts';
import { type ComposeContext, composeValue } from './compose-value.ts';
import * as layout from './layouts.ts';
import { Struct } from './memory.ts';
import { fwpuclnt } from './native.ts';
import * as parse from './parse.ts';
import { parseValue } from './parse-value.ts';
import type { SecurityCodec } from './security.ts';
import { sidFromBytes, sidToBytes } from './sid.ts';

/** Reversible and unmistakable; Windows' own conversion is tested where it exists. */
const security: SecurityCodec = {
  toBytes: sddl => Uint8Array.from(Buffer.from(sddl).map(byte => byte ^ 0xff)),
  toSddl: bytes => Buffer.from(bytes.map(byte => byte ^ 0xff)).toString(),
};

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const someBytes = fc.uint8Array({ minLength: 1, maxLength: 300 });
const guid = fc.uuid();
const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 80 }).filter(s => !s.includes('\0') && s.isWellFormed());
const sid = fc
  .tuple(fc.integer({ min: 0, max: 2 ** 48 - 1 }), fc.array(fc.nat(0xffffffff), { maxLength: 15 }))
  .map(([authority, subs]) => sidFromBytes(sidToBytes(['S-1', authority, ...subs].join('-'))));
const float32 = fc.float({ noNaN: true });

const single: fc.Arbitrary<FwpValue> = fc.oneof(
  fc.constant({ type: 'FWP_EMPTY' } as const),
  fc.nat(0xff).map(value => ({ type: 'FWP_UINT8', value }) as const),
  fc.nat(0xffff).map(value => ({ type: 'FWP_UINT16', value }) as const),
  fc.nat(0xffffffff).map(value => ({ type: 'FWP_UINT32', value }) as const),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(value => ({ type: 'FWP_UINT64', value }) as const),
  fc.integer({ min: -0x80, max: 0x7f }).map(value => ({ type: 'FWP_INT8', value }) as const),
  fc.integer({ min: -0x8000, max: 0x7fff }).map(value => ({ type: 'FWP_INT16', value }) as const),
  fc.integer({ min: -0x80000000, max: 0x7fffffff }).map(value => ({ type: 'FWP_INT32', value }) as const),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(value => ({ type: 'FWP_INT64', value }) as const),
  float32.map(value => ({ type: 'FWP_FLOAT', value }) as const),
  fc.double({ noNaN: true }).map(value => ({ type: 'FWP_DOUBLE', value }) as const),
  bytes(16).map(value => ({ type: 'FWP_BYTE_ARRAY16_TYPE', value }) as const),
  bytes(6).map(value => ({ type: 'FWP_BYTE_ARRAY6_TYPE', value }) as const),
  fc.uint8Array({ maxLength: 300 }).map(value => ({ type: 'FWP_BYTE_BLOB_TYPE', value }) as const),
  sid.map(value => ({ type: 'FWP_SID', value }) as const),
  text.map(value => ({ type: 'FWP_UNICODE_STRING_TYPE', value }) as const),
  text.map(value => ({ type: 'FWP_SECURITY_DESCRIPTOR_TYPE', value }) as const),
  fc
    .record({ sids: fc.array(sid, { maxLength: 4 }), restrictedSids: fc.array(sid, { minLength: 1, maxLength: 3 }) })
    .map(value => ({ type: 'FWP_TOKEN_INFORMATION_TYPE', value }) as const),
);

const conditionValue: fc.Arbitrary<FwpConditionValue> = fc.oneof(
  { weight: 5, arbitrary: single },
  fc.record({ addr: fc.nat(0xffffffff), mask: fc.nat(0xffffffff) }).map(value => ({ type: 'FWP_V4_ADDR_MASK', value }) as const),
  fc.record({ addr: bytes(16), prefixLength: fc.nat(128) }).map(value => ({ type: 'FWP_V6_ADDR_MASK', value }) as const),
  fc.record({ low: single, high: single }).map(value => ({ type: 'FWP_RANGE_TYPE', value }) as const),
);

const optional = { requiredKeys: [] as never[] };
const display = fc.tuple(text, fc.record({ description: text }, optional)).map(([name, rest]) => ({ name, ...rest }));
const common = fc
  .tuple(
    fc.record({ displayData: display, flags: fc.nat(0xffffffff).map(flags => flags & ~4) }),
    fc.record({ providerKey: guid, providerData: someBytes }, optional),
  )
  .map(([must, may]) => ({ ...must, flags: must.flags >>> 0, ...may }));
const condition = fc.record({
  fieldKey: guid,
  matchType: fc.constantFrom(...(Object.keys(MATCH_TYPE) as MatchType[])),
  conditionValue,
});
const action = fc
  .tuple(fc.constantFrom(...(Object.keys(ACTION_TYPE) as ActionType[])), guid)
  .map(([type, calloutKey]) => (type.includes('CALLOUT') ? { type, calloutKey } : { type }));

const arenas: Arena[] = [];
function context(): ComposeContext {
  const arena = new Arena();
  arenas.push(arena);
  return { arena, security };
}
afterEach(() => {
  for (const arena of arenas.splice(0)) arena.dispose();
});
/** Both sides see plain arrays, so that a view on a longer buffer equals a copy. */
const plain = (value: unknown): unknown =>
  value instanceof Uint8Array
    ? Array.from(value)
    : Array.isArray(value)
      ? value.map(plain)
      : value && typeof value === 'object'
        ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]))
        : value;

function returns<T>(arbitrary: fc.Arbitrary<T>, pass: (context: ComposeContext, value: T) => unknown) {
  fc.assert(
    fc.property(arbitrary, value => {
      const own = context();
      try {
        expect(plain(pass(own, value))).toEqual(plain(value));
      } finally {
        own.arena.dispose();
      }
    }),
  );
}

describe('what compose writes, parse reads', () => {
  test('values', () => {
    returns(conditionValue, (own, value) => {
      const { struct, address } = own.arena.struct(layout.FWP_CONDITION_VALUE0);
      composeValue(own, struct, value);
      return parseValue(Struct.at(layout.FWP_CONDITION_VALUE0, address), security);
    });
  });

  test('filters', () => {
    const filter = fc
      .tuple(
        common,
        fc.record({
          filterKey: guid,
          layerKey: guid,
          subLayerKey: guid,
          weight: single,
          filterCondition: fc.array(condition, { maxLength: 6 }),
          action,
        }),
        fc.oneof(
          fc.record({}),
          fc.record({ rawContext: fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }) }),
          fc.record({ providerContextKey: guid }),
        ),
      )
      .map(([base, own, link]) => ({
        ...base,
        ...own,
        ...link,
        flags: 'providerContextKey' in link ? (base.flags | 4) >>> 0 : base.flags,
        filterId: 0n,
        effectiveWeight: 0n,
      }));
    returns(filter, (own, value) => parse.parseFilter(compose.composeFilter(own, value), security));
  });

  test('providers, provider contexts, sublayers, callouts', () => {
    returns(
      fc
        .tuple(common, guid, fc.record({ serviceName: text }, optional))
        .map(([{ providerKey: _owner, ...base }, providerKey, rest]) => ({ ...base, providerKey, ...rest })),
      (own, value) => parse.parseProvider(compose.composeProvider(own, value)),
    );
    returns(
      fc
        .tuple(common, guid, fc.uint8Array({ maxLength: 2000 }))
        .map(([base, providerContextKey, dataBuffer]) => ({ ...base, providerContextKey, dataBuffer, providerContextId: 0n })),
      (own, value) => parse.parseProviderContext(compose.composeProviderContext(own, value)),
    );
    returns(
      fc.tuple(common, guid, fc.nat(0xffff)).map(([base, subLayerKey, weight]) => ({ ...base, subLayerKey, weight })),
      (own, value) => parse.parseSubLayer(compose.composeSubLayer(own, value)),
    );
    returns(
      fc
        .tuple(common, guid, guid)
        .map(([base, calloutKey, applicableLayer]) => ({ ...base, calloutKey, applicableLayer, calloutId: 0 })),
      (own, value) => parse.parseCallout(compose.composeCallout(own, value)),
    );
  });

  test('a session', () => {
    const own = context();
    const sessionKey = '00112233-4455-6677-8899-aabbccddeeff';
    const address = compose.composeSession(own, {
      sessionKey,
      displayData: { name: 'a' },
      dynamic: true,
      txnWaitTimeoutInMSec: 7,
    });
    expect(parse.parseSession(address)).toEqual({
      sessionKey,
      displayData: { name: 'a' },
      flags: 1,
      txnWaitTimeoutInMSec: 7,
      processId: 0,
      kernelMode: false,
    });
  });
});

describe('what may not be written', () => {
  test.each<[string, FwpConditionValue]>([
    ['256 is no FWP_UINT8', { type: 'FWP_UINT8', value: 256 }],
    ['-1 is no FWP_UINT32', { type: 'FWP_UINT32', value: -1 }],
    ['1.5 is no FWP_UINT16', { type: 'FWP_UINT16', value: 1.5 }],
    ['16 bytes was given 4', { type: 'FWP_BYTE_ARRAY16_TYPE', value: new Uint8Array(4) }],
    ['not a SID', { type: 'FWP_SID', value: 'S-1-5-x' }],
    ['character NUL', { type: 'FWP_UNICODE_STRING_TYPE', value: 'a\0b' }],
    ['what a layer shows', { type: 'FWP_TOKEN_ACCESS_INFORMATION_TYPE', value: { sids: [] } }],
  ])('%s', (message, value) => {
    const own = context();
    expect(() => composeValue(own, own.arena.struct(layout.FWP_CONDITION_VALUE0).struct, value)).toThrow(message);
  });
});

describe('what may not be read', () => {
  test.each<[string, (value: Struct) => void]>([
    ['the data type 999', value => value.setNumber('type', 999)],
    ['a uint64 at NULL', value => value.setNumber('type', 4)],
    ['a sid at NULL', value => value.setNumber('type', 13)],
  ])('%s', (message, spoil) => {
    const { struct, address } = context().arena.struct(layout.FWP_CONDITION_VALUE0);
    spoil(struct);
    expect(() => parseValue(Struct.at(layout.FWP_CONDITION_VALUE0, address), security)).toThrow(message);
  });

  test('a blob with a length and no bytes', () => {
    const own = context();
    const blob = own.arena.struct(layout.FWP_BYTE_BLOB);
    blob.struct.setNumber('size', 12);
    const value = own.arena.struct(layout.FWP_CONDITION_VALUE0);
    value.struct.setNumber('type', 12);
    value.struct.setBigint('value.byteBlob', blob.address);
    expect(() => parseValue(value.struct, security)).toThrow('a blob of 12 bytes at NULL');
  });
});

test('an arena gives zeroed memory again after another one used it', () => {
  for (let round = 0; round < 3; round++) {
    const arena = new Arena();
    const { bytes: block, address } = arena.alloc(1000);
    expect(block.every(byte => byte === 0)).toBe(true);
    expect(address % 8n).toBe(0n);
    block.fill(0xee);
    arena.dispose();
  }
});

test.runIf(process.platform !== 'win32')('importing loads no library, asking for one says where it would be', () => {
  expect(() => fwpuclnt()).toThrow('exists on Windows only');
});
