import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EmbeddedEngine } from '../../engine/embedded/engine.ts';
import type { ConnectionAttempt } from '../../engine/model/attempt.ts';
import type { FilterEngine } from '../../engine/model/filter-engine.ts';
import { fixedKey } from '../../engine/rules/ask-filters.ts';
import { decideAttempt } from '../../engine/rules/attempt-values.ts';
import { installBase } from '../../engine/rules/base.ts';
import type { Rule, Scope } from '../../engine/rules/rule.ts';
import { attemptArbitrary } from '../../engine/rules/rule-arbitrary.ts';
import { covers } from '../../engine/rules/scope.ts';
import { ASK_CALLOUTS } from '../../engine/rules/well-known.ts';
import { writeRules } from '../../engine/rules/write-rules.ts';
import { moved, PARTS, type Sentence, scopeOf, sentenceFor, wholeProgram } from '../../machines/sentence.ts';

let embedded: EmbeddedEngine;
let engine: FilterEngine;
beforeAll(async () => {
  embedded = EmbeddedEngine.open();
  engine = embedded.openSession();
  await installBase(engine, embedded.openSession({ dynamic: true }), { failPolicy: 'closed' });
  for (const key of ASK_CALLOUTS) embedded.registerCallout(key, () => ({ action: 'block', pend: true }));
});
afterAll(() => embedded.close());

/** How the real engine decides with this one rule. */
async function decidedWith(scope: Scope, attempts: readonly ConnectionAttempt[]): Promise<readonly string[]> {
  const rule: Rule = {
    id: fixedKey('sentence'),
    verdict: 'permit',
    scope,
    lifetime: { kind: 'permanent' },
    enabled: true,
    origin: 'prompt',
    createdAt: 0,
  };
  await writeRules({ engine }, [], { put: [rule] });
  const classify = embedded.classify.bind(embedded);
  const decisions = attempts.map(attempt => decideAttempt(classify, attempt).action);
  await writeRules({ engine }, [rule], { remove: [rule] });
  return decisions;
}

/** Attempts that are held, as they come from a source: who asks is known, and a bind is one that asks. */
const held = attemptArbitrary.filter(
  ({ layer, protocol, local, identity }) =>
    identity.path !== undefined &&
    identity.gids !== undefined &&
    identity.uid !== undefined &&
    (layer !== 'ALE_RESOURCE_ASSIGNMENT' || (protocol !== 6 && local?.port !== 0)),
);
const requestsOf = (attempts: readonly ConnectionAttempt[]) =>
  attempts.map((attempt, index) => ({
    id: index,
    attempt: { ...attempt, id: index },
    attempts: [index],
    state: 'asking' as const,
    since: 0,
  }));

const steps = fc.array(fc.tuple(fc.constantFrom(...PARTS), fc.constantFrom(1 as const, -1 as const)), { maxLength: 12 });
const walk = (sentence: Sentence, path: readonly (readonly [(typeof PARTS)[number], 1 | -1])[]) =>
  path.reduce((at, [part, by]) => moved(at, part, by), sentence);

describe('the sentence of an answer', () => {
  test('covers every request that it is about, however its parts are moved, as the real engine decides', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(held, { minLength: 1, maxLength: 3 }), steps, async (attempts, path) => {
        const first = sentenceFor(requestsOf(attempts));
        fc.pre(first !== undefined);
        for (const sentence of [first!, walk(first!, path), wholeProgram(first!) ?? first!]) {
          expect(await decidedWith(scopeOf(sentence), attempts)).toEqual(attempts.map(() => 'permit'));
        }
      }),
      { numRuns: 250 },
    );
  });

  test('wider covers what narrower covered, for anybody, except that an address is not part of a name', () => {
    fc.assert(
      fc.property(
        held,
        steps,
        fc.constantFrom(...PARTS),
        fc.array(attemptArbitrary, { minLength: 10, maxLength: 10 }),
        (attempt, path, part, others) => {
          const narrow = walk(sentenceFor(requestsOf([attempt]))!, path);
          fc.pre(
            part !== 'remote' ||
              narrow.remote.steps[narrow.remote.at]?.value.kind !== 'address' ||
              narrow.remote.at === narrow.remote.steps.length - 2,
          );
          const wide = moved(narrow, part, 1);
          for (const other of [attempt, ...others])
            if (covers(scopeOf(narrow), other)) expect(covers(scopeOf(wide), other)).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('goes in one direction', () => {
    const [out, listening] = [
      fc.sample(
        held.filter(each => each.layer === 'ALE_AUTH_CONNECT'),
        1,
      )[0]!,
      fc.sample(
        held.filter(each => each.layer === 'ALE_AUTH_LISTEN'),
        1,
      )[0]!,
    ];
    expect(sentenceFor(requestsOf([out, listening]))).toBeUndefined();
    expect(sentenceFor([])).toBeUndefined();
  });
});
