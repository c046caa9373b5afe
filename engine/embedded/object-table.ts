import type { Guid } from '../model/guid.ts';
import type { Callout, Filter, Provider, ProviderContext, SubLayer } from '../model/objects.ts';

/** How long an object lives. `builtin` cannot be deleted; `boottime` is kept but is not active while an engine runs. */
export type Lifetime = 'builtin' | 'persistent' | 'boottime' | 'static' | 'dynamic';

export interface ObjectOf {
  readonly provider: Provider;
  readonly providerContext: ProviderContext;
  readonly sublayer: SubLayer;
  readonly callout: Callout;
  readonly filter: Filter;
}
export type Kind = keyof ObjectOf;
/** In the order in which objects may refer to earlier ones. */
export const KINDS: readonly Kind[] = ['provider', 'providerContext', 'sublayer', 'callout', 'filter'];

export interface ObjectRecord<K extends Kind = Kind> {
  readonly kind: K;
  readonly key: Guid;
  readonly object: ObjectOf[K];
  readonly lifetime: Lifetime;
  /** The dynamic session that it belongs to. */
  readonly sessionKey?: Guid;
}

/** LUID of the kinds that have one. */
export function luidOf(record: ObjectRecord): bigint | undefined {
  if (record.kind === 'filter') return (record.object as Filter).filterId;
  if (record.kind === 'callout') return BigInt((record.object as Callout).calloutId);
  return record.kind === 'providerContext' ? (record.object as ProviderContext).providerContextId : undefined;
}

/** Anything objects can be looked up in. */
export interface ObjectView {
  get<K extends Kind>(kind: K, key: Guid): ObjectRecord<K> | undefined;
  filterById(id: bigint): ObjectRecord<'filter'> | undefined;
  all<K extends Kind>(kind: K): Iterable<ObjectRecord<K>>;
}

/** The committed objects. */
export class ObjectTable implements ObjectView {
  readonly #maps = new Map<Kind, Map<Guid, ObjectRecord>>(KINDS.map(kind => [kind, new Map()]));
  readonly #filters = new Map<bigint, ObjectRecord<'filter'>>();

  get<K extends Kind>(kind: K, key: Guid): ObjectRecord<K> | undefined {
    return this.#maps.get(kind)!.get(key) as ObjectRecord<K> | undefined;
  }

  filterById(id: bigint): ObjectRecord<'filter'> | undefined {
    return this.#filters.get(id);
  }

  all<K extends Kind>(kind: K): Iterable<ObjectRecord<K>> {
    return this.#maps.get(kind)!.values() as Iterable<ObjectRecord<K>>;
  }

  add(record: ObjectRecord): void {
    this.#maps.get(record.kind)!.set(record.key, record);
    if (record.kind === 'filter') this.#filters.set((record.object as Filter).filterId, record as ObjectRecord<'filter'>);
  }

  delete(record: ObjectRecord): void {
    this.#maps.get(record.kind)!.delete(record.key);
    if (record.kind === 'filter') this.#filters.delete((record.object as Filter).filterId);
  }
}

/** One step of a transaction, in the order in which it was made. */
export interface ObjectStep {
  readonly change: 'add' | 'delete';
  readonly record: ObjectRecord;
}

/** The committed objects with a transaction's own changes over them; nobody else sees those before they are committed. */
export class ObjectOverlay implements ObjectView {
  readonly steps: ObjectStep[] = [];
  readonly #base: ObjectTable;
  readonly #changed = new Map<Kind, Map<Guid, ObjectRecord | undefined>>(KINDS.map(kind => [kind, new Map()]));

  constructor(base: ObjectTable) {
    this.#base = base;
  }

  get<K extends Kind>(kind: K, key: Guid): ObjectRecord<K> | undefined {
    const changed = this.#changed.get(kind)!;
    return changed.has(key) ? (changed.get(key) as ObjectRecord<K> | undefined) : this.#base.get(kind, key);
  }

  filterById(id: bigint): ObjectRecord<'filter'> | undefined {
    const known = this.#base.filterById(id);
    if (known !== undefined) return this.get('filter', known.key) === known ? known : undefined;
    for (const record of this.#changed.get('filter')!.values())
      if (record !== undefined && (record.object as Filter).filterId === id) return record as ObjectRecord<'filter'>;
    return undefined;
  }

  *all<K extends Kind>(kind: K): Iterable<ObjectRecord<K>> {
    const changed = this.#changed.get(kind)!;
    for (const record of this.#base.all(kind)) if (!changed.has(record.key)) yield record;
    for (const record of changed.values()) if (record !== undefined) yield record as ObjectRecord<K>;
  }

  add(record: ObjectRecord): void {
    this.#changed.get(record.kind)!.set(record.key, record);
    this.steps.push({ change: 'add', record });
  }

  delete(record: ObjectRecord): void {
    this.#changed.get(record.kind)!.set(record.key, undefined);
    this.steps.push({ change: 'delete', record });
  }
}
