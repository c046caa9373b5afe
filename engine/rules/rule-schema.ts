import * as v from 'valibot';
import type { Rule } from './rule.ts';
import { canonicalScope } from './scope.ts';

const text = (max: number) => v.pipe(v.string(), v.maxLength(max));
const whole = (low: number, high: number) => v.pipe(v.number(), v.integer(), v.minValue(low), v.maxValue(high));
const time = whole(0, 8_640_000_000_000_000);

const remote = v.variant('kind', [
  v.strictObject({ kind: v.literal('any') }),
  v.strictObject({ kind: v.literal('address'), address: text(45) }),
  v.strictObject({ kind: v.literal('network'), address: text(45), prefix: whole(0, 128) }),
  v.strictObject({ kind: v.literal('name'), name: text(253), subdomains: v.boolean() }),
]);

export const scopeSchema = v.strictObject({
  app: v.optional(text(4096)),
  user: v.optional(text(184)),
  remote,
  port: v.optional(v.strictObject({ from: whole(0, 65535), to: whole(0, 65535) })),
  protocol: v.optional(whole(0, 255)),
  direction: v.picklist(['out', 'in']),
});

const lifetime = v.variant('kind', [
  v.strictObject({ kind: v.literal('once') }),
  v.strictObject({ kind: v.literal('until'), at: time }),
  v.strictObject({ kind: v.literal('process'), pid: whole(0, 0xffffffff), startTime: v.optional(time) }),
  v.strictObject({ kind: v.literal('restart') }),
  v.strictObject({ kind: v.literal('permanent') }),
]);

/** The most characters a note may have. */
export const NOTE_MAX = 1000;

export const ruleSchema = v.strictObject({
  id: v.pipe(v.string(), v.regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'a GUID in lower case')),
  verdict: v.picklist(['permit', 'block']),
  scope: scopeSchema,
  lifetime,
  enabled: v.boolean(),
  note: v.optional(text(NOTE_MAX)),
  origin: v.picklist(['prompt', 'command', 'import', 'builtin']),
  createdAt: time,
});

/** Checks a value of unknown origin and gives the rule with its scope in canonical form. Throws ValiError or RuleError. */
export function toRule(value: unknown): Rule {
  const rule = v.parse(ruleSchema, value) as Rule;
  return { ...rule, scope: canonicalScope(rule.scope) };
}
