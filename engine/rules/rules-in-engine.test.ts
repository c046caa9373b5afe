import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EmbeddedEngine } from '../embedded/engine.ts';
import type { ConnectionAttempt } from '../model/attempt.ts';
import type { FilterEngine } from '../model/filter-engine.ts';
import { newGuid } from '../model/guid.ts';
import { LAYER_KEY } from '../model/keys.gen.ts';
import { FILTER_FLAG } from '../model/objects.ts';
import { dropsToAsk, fixedKey, holdsToAsk } from './ask-filters.ts';
import { removeAsking } from './asking.ts';
import { attemptValues, decideAttempt } from './attempt-values.ts';
import { installBase, nameLookupRules } from './base.ts';
import { applyRules, diffRules } from './diff-rules.ts';
import { guardsPlaceTaken, takeGuardsPlace } from './guards-place.ts';
import { readRules, rulesFromEngine } from './read-rules.ts';
import type { Rule } from './rule.ts';
import { attemptArbitrary, attemptNear, ruleArbitrary, scopeArbitrary } from './rule-arbitrary.ts';
import { covers } from './scope.ts';
import { ASK_CALLOUTS, CLOSURES, RULE_LAYERS, SALLYPORT_PROVIDER, SALLYPORT_SUBLAYER } from './well-known.ts';
import { writeRules } from './write-rules.ts';

let embedded: EmbeddedEngine;
let engine: FilterEngine;
let dynamic: FilterEngine;

/** Everything open anew, with the base in place and callouts that pend, as a guard has it. */
async function open(): Promise<void> {
  embedded = EmbeddedEngine.open();
  engine = embedded.openSession();
  dynamic = embedded.openSession({ dynamic: true });
  await installBase(engine, dynamic, { failPolicy: 'closed' });
  for (const key of ASK_CALLOUTS) embedded.registerCallout(key, () => ({ action: 'block', pend: true }));
}

beforeEach(open);
afterEach(() => embedded.close());

const decide = (attempt: Parameters<typeof decideAttempt>[1]) =>
  decideAttempt((key, values) => embedded.classify(key, values), attempt);
const byId = (rules: readonly Rule[]) => [...rules].sort((a, b) => (a.id < b.id ? -1 : 1));

/** A rule that has a filter somewhere: some scopes (a TCP bind) can match nothing. */
const matchable = (rule: Rule): boolean =>
  rule.scope.direction === 'out' ||
  RULE_LAYERS.length === 0 ||
  !(rule.scope.remote.kind === 'any' && rule.scope.port?.to === 0 && rule.scope.protocol === 17);

const rules = fc.uniqueArray(ruleArbitrary.filter(matchable), { maxLength: 6, selector: rule => rule.id });

describe('rules in a filtering engine', () => {
  test('are rebuilt unchanged from filters and provider contexts alone', async () => {
    await fc.assert(
      fc.asyncProperty(rules, async all => {
        await writeRules({ engine, dynamic }, [], { put: all });
        const read = await readRules(embedded.openSession());
        expect(read.problems).toEqual([]);
        expect(byId(read.rules)).toEqual(byId(all));
        await writeRules({ engine, dynamic }, all, { remove: all });
        expect(await rulesFromEngine(engine)).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });

  test('change from any set to any other, through the differences', async () => {
    await fc.assert(
      fc.asyncProperty(rules, rules, async (before, after) => {
        await writeRules({ engine, dynamic }, [], { put: before });
        await applyRules({ engine, dynamic }, diffRules(before, after));
        const now = await rulesFromEngine(engine);
        expect(diffRules(now, after)).toMatchObject({ add: [], change: [], remove: [] });
        await writeRules({ engine, dynamic }, now, { remove: now });
      }),
      { numRuns: 60 },
    );
  });

  test('decide as their scope says, at every layer, for every name', async () => {
    let met = 0;
    await fc.assert(
      fc.asyncProperty(
        scopeArbitrary.chain(scope =>
          fc.tuple(fc.constant(scope), fc.array(attemptNear(scope), { minLength: 20, maxLength: 20 })),
        ),
        fc.constantFrom('permit' as const, 'block' as const),
        async ([scope, attempts], verdict) => {
          const rule: Rule = {
            id: fixedKey('test'),
            verdict,
            scope,
            lifetime: { kind: 'permanent' },
            enabled: true,
            origin: 'command',
            createdAt: 0,
          };
          fc.pre(matchable(rule));
          const idle = attempts.map(decide);
          await writeRules({ engine }, [], { put: [rule] });
          try {
            for (const [index, attempt] of attempts.entries()) {
              const decision = decide(attempt);
              if (covers(scope, attempt, verdict)) {
                expect(decision).toMatchObject({ action: verdict, ruleId: rule.id });
                met++;
              } else if (decision.action !== 'ask') expect(decision.action).toBe(idle[index]?.action);
            }
          } finally {
            await writeRules({ engine }, [rule], { remove: [rule] });
          }
        },
      ),
      { numRuns: 400 },
    );
    expect(met).toBeGreaterThan(1000);
  });

  test.each([
    ['a.example.com', true],
    ['b.A.Example.com.', true],
    ['example.com', false],
    ['notexample.com', false],
    ['example.com.evil.example', false],
  ])('*.example.com and %s', async (name, covered) => {
    await writeRules({ engine }, [], {
      put: [{ ...curl, scope: { remote: { kind: 'name', name: 'example.com', subdomains: true }, direction: 'out' } }],
    });
    const [attempt] = fc.sample(
      attemptArbitrary.filter(({ layer }) => layer === 'ALE_AUTH_CONNECT'),
      1,
    );
    expect(decide({ ...attempt!, names: [{ name, kind: 'dns', at: 1 }] }).action).toBe(covered ? 'permit' : 'ask');
  });

  test('persistent ones are there after the program has ended, others are not', async () => {
    const all = fc.sample(ruleArbitrary.filter(matchable), { numRuns: 40, seed: 7 });
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-rules-'));
    const path = join(folder, 'engine.sqlite');
    const first = EmbeddedEngine.open({ path });
    const sessions = { engine: first.openSession(), dynamic: first.openSession({ dynamic: true }) };
    await installBase(sessions.engine, sessions.dynamic, { failPolicy: 'closed' });
    await writeRules(sessions, [], { put: all });
    first.close();
    const second = EmbeddedEngine.open({ path });
    const lasting = all.filter(({ lifetime }) => lifetime.kind === 'permanent' || lifetime.kind === 'until');
    expect(byId(await rulesFromEngine(second.openSession()))).toEqual(byId(lasting));
    second.close();
    rmSync(folder, { recursive: true });
  });
});

const curl: Rule = {
  id: '11111111-2222-4333-8444-555555555555',
  verdict: 'permit',
  scope: { app: '/usr/bin/curl', remote: { kind: 'any' }, direction: 'out' },
  lifetime: { kind: 'permanent' },
  enabled: true,
  origin: 'prompt',
  createdAt: 5,
};

describe('names of one address', () => {
  const attempt = (...names: readonly (readonly [string, 'dns' | 'hosts' | 'command-line'])[]): ConnectionAttempt => ({
    id: 1,
    layer: 'ALE_AUTH_CONNECT',
    family: 'v4',
    protocol: 6,
    remote: { address: '127.0.0.1', port: 80 },
    identity: { pid: 1, path: '/bin/x', uid: 0, gids: [0], parents: [] },
    names: names.map(([name, kind]) => ({ name, kind, at: 0 })),
    at: 0,
  });
  const rule = (verdict: 'permit' | 'block', name: string): Rule => ({
    id: newGuid(),
    verdict,
    scope: { remote: { kind: 'name', name, subdomains: false }, direction: 'out' },
    lifetime: { kind: 'permanent' },
    enabled: true,
    origin: 'command',
    createdAt: 0,
  });

  test.each<[string, 'permit' | 'block', string, ConnectionAttempt, string]>([
    [
      'an alias of the hosts file stands for the others',
      'permit',
      'localhost',
      attempt(['vm', 'hosts'], ['localhost', 'hosts']),
      'permit',
    ],
    ['a blocked alias blocks', 'block', 'vm', attempt(['vm', 'hosts'], ['localhost', 'hosts']), 'block'],
    ['another name that was looked up is asked about', 'permit', 'a.test', attempt(['a.test', 'dns'], ['b.test', 'dns']), 'ask'],
    [
      'a name that was looked up does not stand for the machine itself',
      'permit',
      'a.test',
      attempt(['a.test', 'dns'], ['localhost', 'hosts']),
      'ask',
    ],
    ['nor the other way round', 'permit', 'localhost', attempt(['a.test', 'dns'], ['localhost', 'hosts']), 'ask'],
    ['what a command line claims permits nothing', 'permit', 'a.test', attempt(['a.test', 'command-line']), 'ask'],
  ])('%s', async (_, verdict, name, asked, action) => {
    const made = rule(verdict, name);
    await writeRules({ engine, dynamic }, [], { put: [made] });
    expect(decide(asked).action).toBe(action);
    expect(covers(made.scope, asked, verdict)).toBe(action !== 'ask');
  });
});

describe('changing rules', () => {
  test('a lifetime that moves a rule to another session leaves exactly one', async () => {
    await writeRules({ engine, dynamic }, [], { put: [curl] });
    const moved: Rule = { ...curl, lifetime: { kind: 'restart' } };
    await writeRules({ engine, dynamic }, [curl], { put: [moved] });
    expect(await rulesFromEngine(engine)).toEqual([moved]);
    await writeRules({ engine, dynamic }, [moved], { put: [curl] });
    expect(await rulesFromEngine(engine)).toEqual([curl]);
    await dynamic.close();
    expect(await rulesFromEngine(engine)).toEqual([curl]);
  });

  test('a rule that is disabled decides nothing and comes back as it was', async () => {
    const attempt = fc.sample(
      attemptArbitrary.filter(each => covers(curl.scope, each)),
      { numRuns: 1, seed: 1 },
    )[0]!;
    await writeRules({ engine }, [], { put: [curl] });
    expect(decide(attempt).action).toBe('permit');
    const off = { ...curl, enabled: false };
    await writeRules({ engine }, [curl], { put: [off] });
    expect(decide(attempt).action).toBe('ask');
    expect(await rulesFromEngine(engine)).toEqual([off]);
    await writeRules({ engine }, [off], { put: [curl] });
    expect(decide(attempt).action).toBe('permit');
  });

  test('nothing is changed when one of several rules is impossible', async () => {
    const impossible: Rule = {
      ...curl,
      id: fixedKey('bad'),
      scope: { remote: { kind: 'any' }, port: { from: 0, to: 0 }, protocol: 17, direction: 'in' },
    };
    await expect(
      writeRules({ engine }, [], {
        put: [curl, { ...impossible, scope: { ...impossible.scope, remote: { kind: 'name', name: 'x', subdomains: false } } }],
      }),
    ).rejects.toThrow('cannot name its remote side');
    expect(await rulesFromEngine(engine)).toEqual([]);
  });

  test('without a guard, a rule that ends with one is refused', async () => {
    await expect(writeRules({ engine }, [], { put: [{ ...curl, lifetime: { kind: 'restart' } }] })).rejects.toThrow(
      'needs a running guard',
    );
  });

  test.each(
    Array.from({ length: 3 }, (_, index) => index),
  )('when the engine fails at filter %i, nothing of the change remains', async failing => {
    await writeRules({ engine }, [], { put: [curl] });
    let calls = 0;
    const broken: FilterEngine = Object.create(engine, {
      filterAdd: {
        value: (...args: Parameters<FilterEngine['filterAdd']>) =>
          calls++ === failing ? Promise.reject(new Error('disk full')) : engine.filterAdd(...args),
      },
      transaction: { value: engine.transaction.bind(engine) },
      filterDeleteByKey: { value: engine.filterDeleteByKey.bind(engine) },
      providerContextDeleteByKey: { value: engine.providerContextDeleteByKey.bind(engine) },
    });
    const next: Rule = { ...curl, verdict: 'block' };
    const other: Rule = { ...curl, id: fixedKey('other'), scope: { ...curl.scope, app: '/usr/bin/node' } };
    await expect(writeRules({ engine: broken }, [curl], { put: [next, other] })).rejects.toThrow('disk full');
    expect(await rulesFromEngine(engine)).toEqual([curl]);
  });
});

describe('what others left in the engine', () => {
  const layerKey = RULE_LAYERS[0]!.layerKey;
  const foreign = (providerData: Uint8Array) =>
    engine.filterAdd({
      displayData: { name: 'x' },
      providerKey: SALLYPORT_PROVIDER,
      providerData,
      layerKey,
      subLayerKey: SALLYPORT_SUBLAYER,
      filterCondition: [],
      action: { type: 'FWP_ACTION_BLOCK' },
    });

  test.each([
    ['bytes that are no text', new Uint8Array([255, 0, 1]), 'broken rule'],
    ['text that is no JSON', new TextEncoder().encode('hello'), 'broken rule'],
    ['JSON that is no rule', new TextEncoder().encode('[1,2]'), 'no rule'],
    ['a rule of the future', new TextEncoder().encode('{"v":9,"rule":{}}'), 'newer Sallyport'],
    [
      'a rule with impossible members',
      new TextEncoder().encode(
        JSON.stringify({
          v: 1,
          rule: { ...curl, scope: { remote: { kind: 'address', address: '1.2.3.400' }, direction: 'out' } },
        }),
      ),
      'broken rule',
    ],
    ['a megabyte', new Uint8Array(1 << 20), 'more than a rule has'],
  ])('%s is told and left alone, and the rules are read all the same', async (_, bytes, says) => {
    const filter = await foreign(bytes);
    await writeRules({ engine }, [], { put: [curl] });
    const { rules: read, problems } = await readRules(engine);
    expect(read).toEqual([curl]);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(says);
    expect(problems[0]).toContain(filter.filterKey);
  });

  test('a rule of which somebody deleted a filter says so', async () => {
    const added = await writeRules({ engine }, [], { put: [curl] });
    await engine.filterDeleteById(added.get(curl.id)![1]!.filterId);
    expect((await readRules(engine)).problems).toEqual([
      `Rule ${curl.id} has no filter at ALE_AUTH_CONNECT_V6: it covers less than it says. Save it again.`,
    ]);
  });
});

describe('the base', () => {
  test('can be installed again without doubling anything', async () => {
    const before = (await engine.filterEnum()).length;
    await installBase(engine, dynamic, { failPolicy: 'closed' });
    expect((await engine.filterEnum()).length).toBe(before);
  });

  test('goes with the guard, provider and sublayer stay for the rules', async () => {
    await dynamic.close();
    expect(await engine.filterEnum()).toEqual([]);
    expect(await engine.calloutEnum()).toEqual([]);
    // One of Windows' own sublayers has the weight that is asked for: the next free one is given.
    expect((await engine.subLayerGetByKey(SALLYPORT_SUBLAYER)).weight).toBe(0x9001);
  });

  const tcp = {
    id: 1,
    family: 'v4' as const,
    protocol: 6,
    identity: { pid: 1, path: '/bin/x', uid: 0, gids: [0], parents: [] },
    names: [],
    at: 0,
  };
  const bind = (protocol: number, port: number) => ({
    ...tcp,
    layer: 'ALE_RESOURCE_ASSIGNMENT' as const,
    protocol,
    local: { address: '0.0.0.0', port },
  });

  test.each([
    ['a connection', { ...tcp, layer: 'ALE_AUTH_CONNECT' as const, remote: { address: '203.0.113.9', port: 443 } }, 'ask'],
    ['listening', { ...tcp, layer: 'ALE_AUTH_LISTEN' as const, local: { address: '0.0.0.0', port: 80 } }, 'ask'],
    ['a TCP bind', bind(6, 80), 'permit'],
    ['a UDP bind to a port', bind(17, 5353), 'ask'],
    ['a UDP bind to any port', bind(17, 0), 'permit'],
  ])('%s: %#', (_, attempt, action) => {
    expect(decide(attempt).action).toBe(action);
  });

  test.each([
    ['closed', 'block'],
    ['open', 'permit'],
  ] as const)('without a callout it fails %s', async (failPolicy, action) => {
    embedded.close();
    embedded = EmbeddedEngine.open();
    engine = embedded.openSession();
    dynamic = embedded.openSession({ dynamic: true });
    await installBase(engine, dynamic, { failPolicy });
    expect(decide({ ...tcp, layer: 'ALE_AUTH_CONNECT', remote: { address: '203.0.113.9', port: 443 } }).action).toBe(action);
  });

  test('where nothing holds, ask filters block all but loopback; their block is a question, a rule goes before', async () => {
    embedded.close();
    embedded = EmbeddedEngine.open();
    engine = embedded.openSession();
    dynamic = embedded.openSession({ dynamic: true });
    await installBase(engine, dynamic, { failPolicy: 'closed', by: 'drop', layers: ['ALE_AUTH_CONNECT'] });
    const out = { ...tcp, layer: 'ALE_AUTH_CONNECT' as const, remote: { address: '203.0.113.9', port: 443 } };
    const { layerKey, values } = attemptValues(out)[0]!;
    const result = embedded.classify(layerKey, values);
    expect(result.action).toBe('block');
    expect(dropsToAsk(result.filter!)).toBe(true);
    expect(decide(out)).toMatchObject({ action: 'ask', filterId: result.filter!.filterId });
    expect(decide({ ...out, remote: { address: '127.0.0.1', port: 443 } }).action).toBe('permit');
    // What was there before is authorized anew when filters change: it goes on.
    const again = { ...values, FLAGS: { type: 'FWP_UINT32', value: 4 } } as const;
    expect(embedded.classify(layerKey, again).action).toBe('permit');
    expect(await engine.calloutEnum()).toEqual([]);
    expect((await engine.filterEnum()).map(filter => filter.layerKey).sort()).toEqual(
      [LAYER_KEY.ALE_AUTH_CONNECT_V4, LAYER_KEY.ALE_AUTH_CONNECT_V6].sort(),
    );
    for (const verdict of ['permit', 'block'] as const) {
      const rule = { ...curl, verdict, scope: { remote: { kind: 'any' as const }, direction: 'out' as const } };
      await writeRules({ engine }, [], { put: [rule] });
      expect(decide(out)).toMatchObject({ action: verdict, ruleId: rule.id });
      await writeRules({ engine }, [rule], { remove: [rule] });
    }
  });

  test('what outlives the guard is static, is taken over by the next guard whatever it asks by, and can be taken away', async () => {
    embedded.close();
    embedded = EmbeddedEngine.open();
    engine = embedded.openSession();
    const layers = ['ALE_AUTH_CONNECT'] as const;
    const count = async () => (await engine.filterEnum()).length;
    for (const by of ['callout', 'drop', 'drop', 'callout'] as const) {
      const dying = embedded.openSession({ dynamic: true });
      await installBase(engine, dying, { failPolicy: 'closed', by, layers, closures: by === 'callout', outlives: true });
      await dying.close();
      const asking = (await engine.filterEnum()).filter(by === 'drop' ? dropsToAsk : holdsToAsk);
      expect(asking.length).toBe(2);
      expect(await count()).toBe(by === 'drop' ? 2 : 4);
      expect((await engine.calloutEnum()).length).toBe(by === 'drop' ? 0 : 4);
      expect(asking.every(({ flags }) => (flags & FILTER_FLAG.PERSISTENT) === 0)).toBe(true);
    }
    await writeRules({ engine }, [], { put: [curl] });
    expect(await removeAsking(engine)).toBe(2);
    expect(await removeAsking(engine)).toBe(0);
    expect(await engine.calloutEnum()).toEqual([]);
    expect(await rulesFromEngine(engine)).toEqual([curl]);
  });

  test('one guard has the place, for as long as its session lives', async () => {
    const [first, second] = [embedded.openSession({ dynamic: true }), embedded.openSession({ dynamic: true })];
    expect(await guardsPlaceTaken(engine)).toBe(false);
    expect(await takeGuardsPlace(first)).toBe(true);
    expect(await takeGuardsPlace(second)).toBe(false);
    expect(await guardsPlaceTaken(engine)).toBe(true);
    await first.close();
    expect(await guardsPlaceTaken(engine)).toBe(false);
    expect(await takeGuardsPlace(second)).toBe(true);
  });

  test('a guard that fails open takes away what one that failed closed has left', async () => {
    await installBase(engine, dynamic, { failPolicy: 'closed', by: 'drop', outlives: true });
    const next = embedded.openSession({ dynamic: true });
    await installBase(engine, next, { failPolicy: 'open', outlives: false });
    expect((await engine.filterEnum()).some(dropsToAsk)).toBe(false);
    await next.close();
  });

  test('a driver that holds hears of closed sockets by inspection filters, which decide nothing', async () => {
    await installBase(engine, dynamic, { failPolicy: 'closed', closures: true });
    const filters = (await engine.filterEnum()).filter(({ action }) => action.type === 'FWP_ACTION_CALLOUT_INSPECTION');
    expect(filters.map(({ layerKey, action }) => [layerKey, action.calloutKey])).toEqual(
      CLOSURES.map(({ layerKey, callout }) => [layerKey, callout]),
    );
  });

  test('name servers may be asked, nothing else at them; a rule of a person goes before', async () => {
    const nameLookups = ['127.0.0.53', 'fe80::1%eth0', 'nonsense'];
    await installBase(engine, dynamic, { failPolicy: 'closed', nameLookups });
    const lookup = { ...tcp, layer: 'ALE_AUTH_CONNECT' as const, protocol: 17, remote: { address: '127.0.0.53', port: 53 } };
    expect(decide(lookup).action).toBe('permit');
    expect(decide({ ...lookup, remote: { address: '127.0.0.53', port: 443 } }).action).toBe('ask');
    expect(decide({ ...lookup, family: 'v6', remote: { address: 'fe80::1', port: 53 } }).action).toBe('permit');
    expect(byId(await rulesFromEngine(engine))).toEqual(byId(nameLookupRules(nameLookups)));
    await writeRules({ engine }, [], {
      put: [{ ...curl, verdict: 'block', scope: { remote: { kind: 'any' }, direction: 'out' } }],
    });
    expect(decide(lookup).action).toBe('block');
  });

  test('what is not known is asked, never permitted', async () => {
    await writeRules({ engine }, [], {
      put: [curl, { ...curl, id: fixedKey('user'), scope: { ...curl.scope, user: 'S-1-22-2-7' } }],
    });
    const unknown = {
      ...tcp,
      layer: 'ALE_AUTH_CONNECT' as const,
      remote: { address: '203.0.113.9', port: 443 },
      identity: { pid: 1, parents: [] },
    };
    expect(decide(unknown).action).toBe('ask');
  });
});
