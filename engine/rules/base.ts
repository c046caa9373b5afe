import type { FilterEngine } from '../model/filter-engine.ts';
import { OBJECT_FLAG } from '../model/objects.ts';
import { parseAddress } from './address.ts';
import { fixedKey } from './ask-filters.ts';
import { type AskingBy, addAsking, deleteAsking } from './asking.ts';
import { compileRule } from './compile.ts';
import type { EngineForm } from './conditions.ts';
import { ensure, gone } from './ensure.ts';
import type { Rule } from './rule.ts';
import { IPPROTO, SALLYPORT_PROVIDER, SALLYPORT_SUBLAYER, SALLYPORT_SUBLAYER_WEIGHT } from './well-known.ts';

export interface BaseOptions extends AskingBy {
  /** Addresses of name servers (as in /etc/resolv.conf) that may be asked without a question: UDP and TCP port 53. */
  readonly nameLookups?: readonly string[];
  /** How the engine names what the builtin rules name. */
  readonly form?: EngineForm;
}

/** Provider and sublayer, persistent: rules refer to them, so they must live as long. Safe to call again. */
export async function installProvider(engine: FilterEngine): Promise<void> {
  await engine.transaction(async () => {
    await ensure(
      engine.providerAdd({
        providerKey: SALLYPORT_PROVIDER,
        displayData: { name: 'Sallyport', description: 'Interactive firewall for the terminal' },
        flags: OBJECT_FLAG.PERSISTENT,
      }),
    );
    await ensure(
      engine.subLayerAdd({
        subLayerKey: SALLYPORT_SUBLAYER,
        displayData: { name: 'Sallyport', description: 'Rules, and the filters that ask' },
        flags: OBJECT_FLAG.PERSISTENT,
        providerKey: SALLYPORT_PROVIDER,
        weight: SALLYPORT_SUBLAYER_WEIGHT,
      }),
    );
  });
}

/** The builtin rules that let every program ask these name servers. Their ids are fixed per address, so they are never doubled. */
export function nameLookupRules(addresses: readonly string[]): Rule[] {
  return addresses.flatMap(text => {
    const address = parseAddress(text.split('%')[0] ?? '');
    if (!address) return [];
    return [IPPROTO.udp, IPPROTO.tcp].map(
      (protocol): Rule => ({
        id: fixedKey('name lookup', address.text, String(protocol)),
        verdict: 'permit',
        scope: { remote: { kind: 'address', address: address.text }, port: { from: 53, to: 53 }, protocol, direction: 'out' },
        lifetime: { kind: 'restart' },
        enabled: true,
        note: 'name server of this machine',
        origin: 'builtin',
        createdAt: 0,
      }),
    );
  });
}

/**
 * Sets up what asking needs: provider and sublayer in `engine`, persistent; in `dynamic` (usually a dynamic session, so that it goes with
 * the guard) the ask callouts, the ask filters below everything else, the permits that make a layer usable, and the builtin rules.
 * With `outlives`, what asks is in `engine` too. Each session changes in one transaction. Safe to call again.
 */
export async function installBase(engine: FilterEngine, dynamic: FilterEngine, options: BaseOptions): Promise<void> {
  await installProvider(engine);
  // In one transaction, so that there is no moment in which nothing asks. Where guards can leave something, it is looked for in any case.
  if (options.outlives !== undefined)
    await engine.transaction(async () => {
      await deleteAsking(engine);
      if (options.outlives) await addAsking(engine, options);
    });
  await dynamic.transaction(async () => {
    if (!options.outlives) await addAsking(dynamic, options);
    for (const rule of nameLookupRules(options.nameLookups ?? [])) {
      for (const filter of compileRule(rule, options.form)) await ensure(dynamic.filterAdd(filter));
    }
  });
}

/**
 * Makes the builtin rules of `dynamic` those of other name servers, in one transaction: programs may ask the new ones without a question,
 * and the old ones no more. @throws WfpError; nothing is changed then
 */
export async function changeNameLookups(
  dynamic: FilterEngine,
  from: readonly string[],
  to: readonly string[],
  form: EngineForm = {},
): Promise<void> {
  const filters = (addresses: readonly string[]) =>
    new Map(
      nameLookupRules(addresses).flatMap(rule => compileRule(rule, form).map(filter => [filter.filterKey, filter] as const)),
    );
  const [before, after] = [filters(from), filters(to)];
  await dynamic.transaction(async () => {
    for (const key of before.keys()) if (key !== undefined && !after.has(key)) await gone(dynamic.filterDeleteByKey(key));
    for (const [key, filter] of after) if (!before.has(key)) await ensure(dynamic.filterAdd(filter));
  });
}
