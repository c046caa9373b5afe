import { WfpError } from '../model/error.ts';
import type { FilterEnumTemplate } from '../model/filter-engine.ts';
import { type LayerSet, layerByKey } from '../model/layers.ts';
import type { Filter } from '../model/objects.ts';
import { ACTION_TYPE, FILTER_FLAG } from '../model/objects.ts';
import { conditionsContained, conditionsOverlap } from './condition-set.ts';
import type { ObjectView } from './object-table.ts';
import { conditionFault } from './validate-condition.ts';

const BEST_TERMINATING_MATCH = 1;
const SORTED = 2;
const BOOTTIME_ONLY = 4;
const INCLUDE_BOOTTIME = 8;
const INCLUDE_DISABLED = 0x10;
const ANY_ACTION = 0xffffffff;
const CALLOUT_FLAG = 0x4000;
const TERMINATING_FLAG = 0x1000;

function check(template: FilterEnumTemplate, set: LayerSet): void {
  const call = 'FwpmFilterCreateEnumHandle0';
  const layer = layerByKey(template.layerKey, set);
  if (layer === undefined) throw new WfpError(call, 'FWP_E_LAYER_NOT_FOUND', template.layerKey);
  if (((template.flags ?? 0) & ~0x1f) !== 0) throw new WfpError(call, 'FWP_E_INVALID_FLAGS', String(template.flags));
  const seen = new Set<string>();
  for (const condition of template.filterCondition ?? []) {
    if (seen.has(condition.fieldKey)) throw new WfpError(call, 'FWP_E_DUPLICATE_CONDITION', condition.fieldKey);
    seen.add(condition.fieldKey);
    const fault = conditionFault(layer, condition, true);
    if (fault !== undefined) throw new WfpError(call, fault.code, fault.detail);
  }
  const mask = template.actionMask ?? ANY_ACTION;
  if (mask !== ANY_ACTION && (mask & CALLOUT_FLAG) !== 0 && template.calloutKey === undefined)
    throw new WfpError(call, 'FWP_E_NULL_POINTER', 'an action mask with FWP_ACTION_FLAG_CALLOUT needs a calloutKey');
}

function visible(filter: Filter, flags: number): boolean {
  const boottime = (filter.flags & FILTER_FLAG.BOOTTIME) !== 0;
  if ((flags & BOOTTIME_ONLY) !== 0) return boottime;
  if (boottime) return (flags & INCLUDE_BOOTTIME) !== 0;
  return (filter.flags & FILTER_FLAG.DISABLED) === 0 || (flags & INCLUDE_DISABLED) !== 0;
}

const byId = (a: Filter, b: Filter) => (a.filterId < b.filterId ? -1 : a.filterId > b.filterId ? 1 : 0);

/** FwpmFilterEnum0: in ascending filterId; SORTED: by sublayer, then weight, the heaviest first. */
export function enumerateFilters(
  view: ObjectView,
  set: LayerSet,
  template: FilterEnumTemplate | undefined,
  activeForm: (filter: Filter) => Filter,
): readonly Filter[] {
  if (template !== undefined) check(template, set);
  const flags = template?.flags ?? 0;
  const mask = (template?.actionMask ?? ANY_ACTION) >>> 0;
  const conditions = template?.filterCondition ?? [];
  const fits = template?.enumType === 'FWP_FILTER_ENUM_FULLY_CONTAINED' ? conditionsContained : conditionsOverlap;
  const found: Filter[] = [];
  for (const { object } of view.all('filter')) {
    const filter = activeForm(object);
    if (!visible(filter, flags)) continue;
    if (template !== undefined) {
      if (filter.layerKey !== template.layerKey) continue;
      if (template.providerKey !== undefined && filter.providerKey !== template.providerKey) continue;
      if (template.calloutKey !== undefined && filter.action.calloutKey !== template.calloutKey) continue;
      if (mask !== ANY_ACTION && (ACTION_TYPE[filter.action.type] & mask) === 0) continue;
      if (!fits(filter.filterCondition, conditions)) continue;
    }
    found.push(filter);
  }
  const ordered = (flags & (SORTED | BEST_TERMINATING_MATCH)) !== 0;
  if (!ordered) return found.sort(byId);
  const weightOf = (filter: Filter) => view.get('sublayer', filter.subLayerKey)?.object.weight ?? 0;
  const heavier = (a: Filter, b: Filter) =>
    weightOf(b) - weightOf(a) ||
    (a.effectiveWeight > b.effectiveWeight ? -1 : a.effectiveWeight < b.effectiveWeight ? 1 : byId(a, b));
  found.sort(heavier);
  if ((flags & BEST_TERMINATING_MATCH) === 0) return found;
  const best = found.find(({ action }) => (ACTION_TYPE[action.type] & TERMINATING_FLAG) !== 0);
  return best === undefined ? [] : [best];
}
