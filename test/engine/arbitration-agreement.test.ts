import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Classifier } from '../../engine/embedded/classifier.ts';
import type { ClassifyResult, ClassifyValues } from '../../engine/model/classify.ts';
import { CALLOUTS, type GeneratedCase, generatedCase, SUBLAYERS } from './filter-arbitrary.ts';
import { naiveMatch, naiveWorlds } from './naive-evaluator.ts';

const TRAFFIC_PER_CASE = 20;
const CASES = Number(process.env['SALLYPORT_CASES'] ?? 100_000);
const WORD = new Map([
  [true, 'matched'],
  [false, 'not-matched'],
  [undefined, 'unknown'],
] as const);
const ids = (filters: readonly { readonly filterId: bigint }[]) => filters.map(filter => filter.filterId).sort();

/** What the classifier says of one piece of traffic, against every world that the plain reading of the rules allows. */
function compare(generated: GeneratedCase, classifier: Classifier, values: ClassifyValues): void {
  const worlds = naiveWorlds({ ...generated, subLayers: SUBLAYERS, callouts: CALLOUTS }, values);
  const actions = new Set(worlds.map(world => world.action));
  const deciders = new Set(worlds.map(world => world.decider));
  const certain = actions.size === 1 && deciders.size === 1;
  const wanted = {
    action: actions.size === 2 ? 'unknown' : [...actions][0],
    decider: certain ? [...deciders][0] : undefined,
    pend: worlds.every(world => world.pend),
    veto: worlds.every(world => world.veto),
    possible: (['permit', 'block'] as const).filter(action => actions.has(action)),
    candidates: certain ? [] : [...deciders].filter(id => id !== undefined).sort(),
  };
  const told = ({ action, filter, pend, veto, possible, candidates }: ClassifyResult) => ({
    action,
    decider: filter?.filterId,
    pend,
    veto,
    possible,
    candidates: ids(candidates),
  });
  const trace = classifier.explain(generated.layerKey, values);
  expect(told(classifier.classify(generated.layerKey, values))).toEqual(wanted);
  expect(told(trace)).toEqual(wanted);
  const reached = new Set(worlds.flatMap(world => [...world.reached]));
  for (const { filter, outcome, conditions } of trace.subLayers.flatMap(subLayer => subLayer.filters)) {
    const naive = naiveMatch(filter, values);
    expect(outcome).toBe(reached.has(filter.filterId) ? WORD.get(naive.filter) : 'not-evaluated');
    if (outcome !== 'not-evaluated')
      expect(conditions.map(one => one.outcome)).toEqual(naive.conditions.map(one => WORD.get(one)));
  }
  const listed = trace.subLayers.flatMap(subLayer => subLayer.filters.map(one => one.filter.filterId));
  expect(new Set(listed).size).toBe(listed.length);
  // Everything that was reached is told; in a waterfall the sublayers after a block are not visited.
  for (const id of reached) expect(listed).toContain(id);
  expect(trace.needs.length > 0).toBe(trace.action === 'unknown');
}

test(`the index and the plain reading of the rules agree, trace included, on ${CASES} cases`, { timeout: 1_800_000 }, () => {
  let cases = 0;
  const seen = { permit: 0, block: 0, unknown: 0 };
  fc.assert(
    fc.property(generatedCase(TRAFFIC_PER_CASE), generated => {
      const classifier = new Classifier({ filters: generated.filters, subLayers: SUBLAYERS, callouts: CALLOUTS });
      for (const values of generated.traffic) {
        compare(generated, classifier, values);
        seen[classifier.classify(generated.layerKey, values).action]++;
        cases++;
      }
    }),
    { numRuns: Math.ceil(CASES / TRAFFIC_PER_CASE) },
  );
  expect(cases).toBeGreaterThanOrEqual(CASES);
  // The generator would prove nothing if one outcome were rare.
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(CASES / 20);
});

test('filters that come and go one by one leave the classifier as if it were built anew', () => {
  fc.assert(
    fc.property(generatedCase(10), fc.infiniteStream(fc.nat(1000)), (generated, numbers) => {
      const classifier = new Classifier({ subLayers: SUBLAYERS, callouts: CALLOUTS });
      const stays = new Set(generated.filters);
      const order = [...generated.filters].sort(() => (numbers.next().value % 2 === 0 ? 1 : -1));
      for (const filter of order) {
        classifier.addFilter(filter);
        const victim = order[numbers.next().value % order.length]!;
        if (numbers.next().value % 3 === 0 && classifier.deleteFilter(victim.filterId)) stays.delete(victim);
        if (stays.has(filter)) classifier.addFilter(filter);
      }
      for (const filter of stays) classifier.addFilter(filter);
      const rest = generated.filters.filter(filter => stays.has(filter));
      expect(classifier.size).toBe(rest.length);
      for (const values of generated.traffic) compare({ ...generated, filters: rest }, classifier, values);
    }),
    { numRuns: 1000 },
  );
});
