import type { Dump, DumpCallout, DumpFilter, DumpSubLayer } from '../dumps/dump.ts';
import { shownKey } from '../dumps/key-names.ts';
import { Classifier } from '../embedded/classifier.ts';
import type { Guid } from '../model/guid.ts';
import { allLayers, layerByKey } from '../model/layers.ts';
import { type Layer, OBJECT_FLAG } from '../model/objects.ts';
import { UNREADABLE_CALLOUT } from '../model/unreadable.ts';
import { conditionsText } from './condition-text.ts';

/** A dump made ready for questions. Everything is built on first use, so a question about one layer costs little. */
export class Machine {
  readonly dump: Dump;
  private built: Classifier | undefined;
  private filtersById: Map<bigint, DumpFilter> | undefined;
  private readonly subLayersByKey: Map<Guid, DumpSubLayer>;
  private readonly byLayer = new Map<Guid, DumpFilter[]>();

  constructor(dump: Dump) {
    this.dump = dump;
    this.subLayersByKey = new Map(dump.subLayers.map(each => [each.subLayerKey, each]));
    for (const filter of dump.filters) {
      const list = this.byLayer.get(filter.layerKey);
      if (list) list.push(filter);
      else this.byLayer.set(filter.layerKey, [filter]);
    }
  }

  /** Arbitration over one layer's filters, as found. */
  classifier(layerKey: Guid): Classifier {
    const one = this.layerClassifiers.get(layerKey);
    if (one) return one;
    const filters = this.filtersAt(layerKey);
    const classifier = new Classifier({ filters, subLayers: this.dump.subLayers, callouts: this.calloutsOf(filters) });
    this.layerClassifiers.set(layerKey, classifier);
    return classifier;
  }
  private readonly layerClassifiers = new Map<Guid, Classifier>();

  /** Arbitration over every layer. */
  get whole(): Classifier {
    this.built ??= new Classifier({
      filters: this.dump.filters,
      subLayers: this.dump.subLayers,
      callouts: this.calloutsOf(this.dump.filters),
    });
    return this.built;
  }

  filtersAt(layerKey: Guid): readonly DumpFilter[] {
    return this.byLayer.get(layerKey) ?? [];
  }

  filter(id: bigint): DumpFilter | undefined {
    this.filtersById ??= new Map(this.dump.filters.map(each => [each.filterId, each]));
    return this.filtersById.get(id);
  }

  subLayer(key: Guid): DumpSubLayer | undefined {
    return this.subLayersByKey.get(key);
  }

  callout(key: Guid): DumpCallout | undefined {
    this.calloutsByKey ??= new Map(this.dump.callouts.map(each => [each.calloutKey, each]));
    return this.calloutsByKey.get(key);
  }
  private calloutsByKey: Map<Guid, DumpCallout> | undefined;

  /** The layer as the dump tells it, else as Windows' own table has it. */
  layer(key: Guid): Layer | undefined {
    return this.dump.layers.find(each => each.layerKey === key && each.fields.length > 0) ?? layerByKey(key);
  }

  layerById(id: number): Layer | undefined {
    return (
      this.dump.layers.find(each => each.layerId === id) ??
      (this.dump.layers.length === 0 ? allLayers().find(each => each.layerId === id) : undefined)
    );
  }

  subLayerName(key: Guid): string {
    const own = shownKey('sublayer', key, this.dump.names);
    const display = this.subLayer(key)?.displayData.name;
    return own.startsWith('{') && display ? display : own;
  }

  providerName(key: Guid | undefined): string {
    if (key === undefined) return '';
    const own = shownKey('provider', key, this.dump.names);
    const display = this.dump.providers.find(each => each.providerKey === key)?.displayData.name;
    return own.startsWith('{') && display ? display : own;
  }

  conditionsText(filter: DumpFilter): string {
    return conditionsText(filter.filterCondition, this.dump.names);
  }

  fieldName(key: Guid): string {
    return shownKey('condition', key, this.dump.names);
  }

  layerName(key: Guid): string {
    return layerByKey(key)?.name ?? shownKey('layer', key, this.dump.names);
  }

  /**
   * Callouts that may answer anything: those that the dump says are registered; all of them when it does not list callouts.
   * One that is listed as not registered, or not listed at all, is not registered.
   */
  private calloutsOf(filters: readonly DumpFilter[]): Iterable<readonly [Guid, 'opaque']> {
    const keys = new Set<Guid>([UNREADABLE_CALLOUT]);
    if (this.dump.tellsCallouts) {
      for (const each of this.dump.callouts) if ((each.flags & OBJECT_FLAG.CALLOUT_REGISTERED) !== 0) keys.add(each.calloutKey);
    } else {
      for (const filter of filters) if (filter.action.calloutKey) keys.add(filter.action.calloutKey);
    }
    return [...keys].map(key => [key, 'opaque'] as const);
  }
}
