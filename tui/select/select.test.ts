import { describe, expect, it } from 'vitest';
import { LAYER_KEY } from '../../engine/model/keys.ts';
import { sentenceFor } from '../../machines/sentence.ts';
import { anAttempt, aRequest, emptySnapshot, NOON } from '../../test/support/scripted-client.ts';
import { aFilter, aRule, LAYER, SUBLAYER } from '../../test/support/scripted-objects.ts';
import { scrollTo, settle } from '../state/cursor.ts';
import { type Line, lineCells } from '../text/paint.ts';
import { filterWords } from './condition-words.ts';
import { indexOf, machineOf } from './filter-index.ts';
import { activityRows, decidedBy } from './select-activity.ts';
import { answerLine, coverLine, stepsLine } from './select-answer.ts';
import { nameLine } from './select-details.ts';
import { EVERYTHING, type FilterPick, facetValues, filterRows, nextFacet } from './select-filters.ts';
import { groupRequests, inboxRows, rowOf, selectable } from './select-inbox.ts';
import { Lists } from './select-list.ts';
import { ruleRows } from './select-rules.ts';
import { firstDeadline, selectStatus } from './select-status.ts';
import { wordsOf } from './source-words.ts';
import {
  ageWords,
  baseName,
  clockSpan,
  commandText,
  endpointText,
  lifetimeWords,
  programName,
  questionSentence,
  shortCommand,
  targetText,
} from './words.ts';

const text = (line: Line) => line.map(([part]) => part).join('');

describe('words', () => {
  it.each([
    [0, '0:00'],
    [4_900, '0:04'],
    [61_000, '1:01'],
    [3_723_000, '1:02:03'],
    [-5, '0:00'],
  ])('a span of %i ms is %s', (ms, words) => expect(clockSpan(ms)).toBe(words));

  it.each([
    [300, '0.3 s'],
    [12_000, '12 s'],
    [300_000, '5 min'],
    [7_200_000, '2 h'],
    [300_000_000, '3 days'],
    [-10, '0.0 s'],
  ])('an age of %i ms is %s', (ms, words) => expect(ageWords(ms)).toBe(words));

  it.each([
    ['/usr/bin/curl', 'curl'],
    ['C:\\Windows\\system32\\svchost.exe', 'svchost.exe'],
    ['curl', 'curl'],
    ['/', '/'],
  ])('%s is %s', (path, name) => expect(baseName(path)).toBe(name));

  it('names programs without guessing', () => {
    expect(programName({ pid: 7, path: '/usr/bin/curl' })).toBe('curl');
    expect(programName({ pid: 7, commandLine: ['/opt/x/y', 'z'] })).toBe('y');
    expect(programName({ pid: 7 })).toBe('pid 7');
  });

  it('writes commands so that line breaks and quotes are seen', () => {
    expect(commandText({ pid: 1, commandLine: ['sh', '-c', 'a\nb'] })).toBe(`sh -c 'a\\nb'`);
    expect(commandText({ pid: 1, commandLine: ['python3', '-c', "f('x')", ''] })).toBe(`python3 -c 'f('\\''x'\\'')' ''`);
    expect(shortCommand({ pid: 1, commandLine: ['/usr/bin/node', '/long/path/to/main.js', 'x'] })).toBe('node main.js x');
    expect(shortCommand({ pid: 1, commandLine: ['node', 'x'.repeat(90)] }).length).toBe(28);
  });

  it('brackets IPv6 before a port', () => {
    expect(endpointText('2001:db8::1', 443)).toBe('[2001:db8::1]:443');
    expect(endpointText('203.0.113.1', 443)).toBe('203.0.113.1:443');
  });

  it.each([
    ['ALE_AUTH_CONNECT', { name: 'a.example' }, 'curl (pid 4001, started by sh) wants to connect to a.example:443 over TCP'],
    ['ALE_AUTH_CONNECT', {}, 'curl (pid 4001, started by sh) wants to connect to 203.0.113.2:443 over TCP'],
    [
      'ALE_AUTH_LISTEN',
      { remote: undefined, local: { address: '::', port: 80 } },
      'curl (pid 4001, started by sh) wants to listen on port 80 over TCP at every address',
    ],
    [
      'ALE_RESOURCE_ASSIGNMENT',
      { remote: undefined, local: { address: '127.0.0.1', port: 0 }, protocol: 17 },
      'curl (pid 4001, started by sh) wants to use any free port over UDP at 127.0.0.1',
    ],
    [
      'ALE_AUTH_RECV_ACCEPT',
      { local: { address: '192.0.2.1', port: 22 } },
      'curl (pid 4001, started by sh) wants to accept from 203.0.113.2:443 over TCP on its port 22',
    ],
  ] as const)('%s asks in a sentence', (layer, more, sentence) => {
    expect(text(questionSentence(anAttempt(1, { ...(more as object), layer }), wordsOf('run')))).toBe(sentence);
  });

  it('drops what the details say too before it cuts a sentence', () => {
    const attempt = anAttempt(1, { name: 'a.example' });
    expect(text(questionSentence(attempt, wordsOf('run'), 60))).toBe(
      'curl (pid 4001) wants to connect to a.example:443 over TCP',
    );
    expect(text(questionSentence(attempt, wordsOf('run'), 50))).toBe('curl wants to connect to a.example:443 over TCP');
  });

  it('gives no single name to an address that has two', () => {
    const attempt = { ...anAttempt(1), names: ['a', 'b'].map(name => ({ name, kind: 'dns' as const, at: NOON })) };
    expect(targetText(attempt)).toBe('203.0.113.2:443');
    expect(text(nameLine(attempt, wordsOf('run')))).toContain('a or b = 203.0.113.2');
  });

  it('says lifetimes', () => {
    expect(lifetimeWords({ kind: 'until', at: NOON + 900_000 }, NOON)).toBe('for 15 min');
    expect(['once', 'restart', 'permanent'].map(kind => lifetimeWords({ kind } as never))).toEqual([
      'once',
      'until restart',
      'for ever',
    ]);
  });
});

describe('status', () => {
  const at = (change: object, columns = 120) => {
    const snapshot = { ...emptySnapshot, status: { ...emptySnapshot.status, ...change } };
    const { left, right } = selectStatus(snapshot, NOON, columns);
    return `${text(left)} | ${text(right)}`;
  };
  it.each([
    [{}, ' sallyport  run: npm ci | fails closed  0 waiting  nobody answers: block in 30 s '],
    [{ timeout: undefined }, ' sallyport  run: npm ci | fails closed  0 waiting  waits for ever '],
    [{ failPolicy: 'open' }, ' sallyport  run: npm ci | fails open  0 waiting  nobody answers: block in 30 s '],
    [{ phase: 'failed' }, ' sallyport  run: npm ci failed | fails closed  0 waiting  nobody answers: block in 30 s '],
    [{ phase: 'ended', exit: { code: null, signal: 'SIGKILL' } }, ' sallyport  run: npm ci | fails closed  ended by SIGKILL '],
    [{ kind: 'idle', title: 'rules' }, ' sallyport  rules | nothing is guarded '],
    [{ defaultVerdict: 'permit' }, ' sallyport  run: npm ci | fails closed  0 waiting  nobody answers: permit in 30 s '],
  ])('%j', (change, words) => expect(at(change)).toBe(words));

  it('counts down to the first deadline', () => {
    const snapshot = {
      ...emptySnapshot,
      requests: [aRequest(1, { deadline: NOON + 9000 }), aRequest(2, { deadline: NOON + 4000 }), aRequest(3)],
    };
    expect(firstDeadline(snapshot)).toBe(NOON + 4000);
    expect(selectStatus(snapshot, NOON).right.at(-1)).toEqual(['nobody answers: block in 0:04 ', 'urgent']);
  });
});

describe('inbox', () => {
  const requests = [aRequest(1), aRequest(2, { program: '/bin/nc' }), aRequest(3)];
  it('folds by program in the order they came', () => {
    const groups = groupRequests(requests);
    expect(groups.map(group => [group.name, group.requests.map(({ id }) => id)])).toEqual([
      ['curl', [1, 3]],
      ['nc', [2]],
    ]);
    expect(selectable(inboxRows(groups, new Set()))).toEqual([1, 3, 2]);
  });
  it('lets a folded program stand for all its requests', () => {
    const rows = inboxRows(groupRequests(requests), new Set(['/usr/bin/curl']));
    expect(rows).toHaveLength(3);
    expect(rowOf(rows, 3)).toBe(0);
    expect(selectable(rows)).toEqual([1, 2]);
  });
});

describe('the answer', () => {
  const sentence = sentenceFor([aRequest(1, { name: 'very-long-name-of-a-host.in.some.domain.example.org' })])!;
  it.each([200, 100, 80, 60, 46])('keeps every part in sight at %i columns', width => {
    const line = answerLine(sentence, undefined, width);
    expect(lineCells(line)).toBeLessThanOrEqual(width);
    expect(text(line).match(/‹/g)).toHaveLength(5);
    expect(text(line)).toContain('‹443›');
  });
  it('brackets the focused part and shows its steps with the chosen one', () => {
    expect(text(answerLine(sentence, 'port'))).toContain('port [443]');
    const steps = text(stepsLine(sentence, 'remote', 80));
    expect(steps).toMatch(/\[very-long.*\]/);
  });
  it('says what a rule settles and would have matched, and that once makes none', () => {
    expect(text(coverLine(sentence, { settles: [1, 2, 3], matched: 4, of: 212 }, wordsOf('run')))).toBe(
      '   settles 3 waiting requests; would have matched 4 of the last 212',
    );
    const once = { ...sentence, lifetime: { ...sentence.lifetime, at: 0 } };
    expect(text(coverLine(once, { settles: [1, 2], matched: 0, of: 0 }, wordsOf('run')))).toBe(
      '   settles 1 waiting request; makes no rule',
    );
  });
});

describe('filters and conditions', () => {
  it('says a filter in one line', () => {
    const filter = aFilter(1n, 'block', '/usr/bin/curl', '203.0.113.9', 443);
    expect(filterWords(filter)).toBe('curl → 203.0.113.9 port 443');
    const inbound = { ...filter, layerKey: LAYER_KEY.ALE_AUTH_RECV_ACCEPT_V4, filterCondition: filter.filterCondition.slice(2) };
    expect(filterWords(inbound)).toBe('any ← any port 443');
    const twice = { ...filter, filterCondition: [...filter.filterCondition, ...aFilter(2n, 'block', '/bin/sh').filterCondition] };
    expect(filterWords(twice)).toBe('curl or sh → 203.0.113.9 port 443');
    const odd = { ...filter, filterCondition: [{ ...filter.filterCondition[2]!, matchType: 'FWP_MATCH_NOT_EQUAL' as const }] };
    expect(filterWords(odd)).toBe('any → any; remote port is not 443');
  });

  const low = { ...SUBLAYER, subLayerKey: 'low', weight: 1, displayData: { name: 'Low' } };
  const filters = [
    { ...aFilter(1n, 'block', '/a'), providerKey: 'p1' },
    { ...aFilter(2n, 'permit', '/b'), subLayerKey: 'low', flags: 0 },
    { ...aFilter(3n, 'permit', '/c'), layerKey: LAYER_KEY.ALE_AUTH_LISTEN_V4 },
    aFilter(4n, 'permit', '/c', '203.0.113.9'),
  ];
  const index = indexOf(machineOf({ filters, subLayers: [low, SUBLAYER], layers: [LAYER] }));
  const names = (pick: Partial<FilterPick>) =>
    filterRows(index, { ...EVERYTHING, ...pick }).map(row => (row.kind === 'filter' ? row.filter.filterId : row.name));

  it.each([
    ['nothing', {}, [LAYER.name, 'Sallyport', 4n, 1n, 'Low', 2n, 'ALE_AUTH_LISTEN_V4', 'Sallyport', 3n]],
    ['a name', { query: 'PERMIT /B' }, [LAYER.name, 'Low', 2n]],
    ['an address', { query: '203.0.113' }, [LAYER.name, 'Sallyport', 4n]],
    ['a key', { query: 'filter-3' }, ['ALE_AUTH_LISTEN_V4', 'Sallyport', 3n]],
    ['a provider', { query: 'p1' }, [LAYER.name, 'Sallyport', 1n]],
    ['what is nowhere', { query: 'nowhere' }, []],
    ['an action', { facets: { action: 'block' } }, [LAYER.name, 'Sallyport', 1n]],
    ['a layer', { facets: { layer: 'ALE_AUTH_LISTEN_V4' } }, ['ALE_AUTH_LISTEN_V4', 'Sallyport', 3n]],
    ['a flag and text', { facets: { flag: 'PERSISTENT' }, query: 'listen' }, ['ALE_AUTH_LISTEN_V4', 'Sallyport', 3n]],
    ['two facets that exclude each other', { facets: { action: 'block', layer: 'ALE_AUTH_LISTEN_V4' } }, []],
    ['a folded layer', { folded: new Set([LAYER.layerKey]) }, [LAYER.name, 'ALE_AUTH_LISTEN_V4', 'Sallyport', 3n]],
  ] as const)('layers by name, sublayers and filters by weight, picked by %s', (_, pick, wanted) => {
    expect(names(pick)).toEqual(wanted);
  });

  it('counts what a facet would leave, whatever is chosen of it', () => {
    expect(facetValues(index, EVERYTHING, 'action')).toEqual([
      ['permit', 3],
      ['block', 1],
    ]);
    expect(facetValues(index, { ...EVERYTHING, facets: { action: 'block', layer: LAYER.name } }, 'layer')).toEqual([
      [LAYER.name, 1],
    ]);
    expect(facetValues(index, { ...EVERYTHING, query: 'listen' }, 'flag')).toEqual([['PERSISTENT', 1]]);
  });

  const values = [
    ['a', 3],
    ['b', 2],
    ['c', 1],
  ] as const;
  it.each([
    [undefined, undefined, 'a'],
    [undefined, 'b', 'b'],
    [undefined, 'gone', 'a'],
    ['a', 'c', 'b'],
    ['c', 'a', undefined],
  ])('after %s, with the cursor on %s, comes %s', (chosen, under, next) => {
    expect(nextFacet(values, chosen, under)).toBe(next);
  });
});

describe('lists', () => {
  const entry = (seq: number) => ({
    seq,
    at: NOON,
    attempt: anAttempt(seq, { name: `h${seq}.example` }),
    verdict: 'permit' as const,
    by: { kind: 'person' as const },
    waited: 0,
  });
  it('activity is newest first and filtered by any of its words', () => {
    const activity = [entry(1), entry(2), entry(3)];
    expect(activityRows(activity, '').map(({ seq }) => seq)).toEqual([3, 2, 1]);
    expect(activityRows(activity, 'H2.EX').map(({ seq }) => seq)).toEqual([2]);
    expect(decidedBy({ ...entry(1), by: { kind: 'default', reason: 'no-person' } })).toBe('nobody was there');
  });
  it('rules are newest first and filtered', () => {
    const rules = [aRule('1'), aRule('2', { note: 'Keep me' })];
    expect(ruleRows(rules, 'keep')).toHaveLength(1);
    expect(ruleRows(rules, '').map(({ id }) => id)).toEqual([rules[0]!.id, rules[1]!.id]);
  });

  it('is computed again only when its own part changed', () => {
    const lists = new Lists();
    const snapshot = { ...emptySnapshot, activity: [entry(1)] };
    const first = lists.activity(snapshot, '');
    expect(lists.activity({ ...snapshot, requests: [aRequest(1)] }, '')).toBe(first);
    expect(lists.activity({ ...snapshot, activity: [entry(2)] }, '')).not.toBe(first);
  });

  it('makes a view of 10,000 filters and 500 requests in a moment, and again for nothing', () => {
    const filters = Array.from({ length: 10_000 }, (_, i) =>
      aFilter(BigInt(i), i % 2 ? 'permit' : 'block', `/usr/bin/p${i % 90}`, `10.0.${i >> 8}.${i & 255}`, 443),
    );
    const snapshot = {
      ...emptySnapshot,
      filters,
      layers: [LAYER],
      subLayers: [SUBLAYER],
      requests: Array.from({ length: 500 }, (_, i) => aRequest(i)),
    };
    const lists = new Lists();
    const started = performance.now();
    const first = lists.filters(snapshot, '');
    groupRequests(snapshot.requests);
    const once = performance.now() - started;
    expect(first.rows).toHaveLength(10_002);
    expect(lists.filters({ ...snapshot, revision: 9 }, '')).toBe(first);
    // Generous: work that grows with the square of the data would take minutes.
    expect(once).toBeLessThan(1000);
  });

  it.each([
    [0, 5, 10, 100, 0],
    [0, 10, 10, 100, 1],
    [50, 20, 10, 100, 20],
    [95, 99, 10, 100, 90],
    [5, 0, 10, 3, 0],
  ])('scrolls from %i to see row %i of a height %i in %i rows: %i', (top, index, height, length, wanted) => {
    expect(scrollTo(top, index, height, length)).toBe(wanted);
  });

  it('keeps a cursor on its row', () => {
    expect(settle({ key: 'b', index: 1, top: 0 }, ['x', 'a', 'b'])).toEqual({ key: 'b', index: 2, top: 1 });
    expect(settle({ key: 'a', index: 0, top: 0 }, ['x', 'a'])).toEqual({ key: 'x', index: 0, top: 0 });
    expect(settle({ key: 'gone', index: 5, top: 3 }, ['x', 'a'])).toEqual({ key: 'a', index: 1, top: 3 });
    expect(settle({ key: 'gone', index: 5, top: 3 }, [])).toEqual({ index: 0, top: 0 });
  });
});
