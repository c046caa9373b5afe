import type { AuditEvent } from '../dumps/audit-event.ts';
import type { DumpFilter } from '../dumps/dump.ts';
import type { ClassifyTrace, ClassifyValues, FilterTrace } from '../model/classify.ts';
import { CONDITION_KEY, nameOfKey } from '../model/keys.ts';
import type { Layer } from '../model/objects.ts';
import type { FwpValue } from '../model/value.ts';

const PROFILE_FIELDS = [
  'ORIGINAL_PROFILE_ID',
  'CURRENT_PROFILE_ID',
  'LOCAL_INTERFACE_PROFILE_ID',
  'ARRIVAL_INTERFACE_PROFILE_ID',
  'NEXTHOP_INTERFACE_PROFILE_ID',
];
const NO_PACKAGE: FwpValue = { type: 'FWP_SID', value: 'S-1-0-0' };

/**
 * What earlier decisions of a log prove about values that no event tells. A decision by a filter proves that its conditions held, so the
 * profile of the interface with that local address; and that what would have decided before it did not match, so whether the
 * process is an app. A process keeps its token; a profile may change, then the next decision disagrees and the proof is dropped.
 */
export class Evidence {
  private readonly profiles = new Map<string, FwpValue>();
  private readonly packages = new Map<string, FwpValue>();

  /** Adds what is proven to what an event tells. Undefined when nothing is. */
  add(event: AuditEvent, layer: Layer, local: string | undefined, values: ClassifyValues): ClassifyValues | undefined {
    const more: Record<string, FwpValue> = {};
    for (const { name } of layer.fields) {
      if (values[name] !== undefined) continue;
      const known =
        name === 'ALE_PACKAGE_ID'
          ? this.packageOf(event)
          : PROFILE_FIELDS.includes(name)
            ? this.profiles.get(profileKey(event, local, name))
            : undefined;
      if (known) more[name] = known;
    }
    return Object.keys(more).length === 0 ? undefined : { ...values, ...more };
  }

  /** The kernel itself runs in no app package. */
  private packageOf(event: AuditEvent): FwpValue | undefined {
    return event.fields['Application'] === 'System' ? NO_PACKAGE : this.packages.get(processKey(event));
  }

  /** Drops what is thought to be known of an event's process and interface. */
  forget(event: AuditEvent, local: string | undefined): void {
    this.packages.delete(processKey(event));
    for (const name of PROFILE_FIELDS) this.profiles.delete(profileKey(event, local, name));
  }

  /** Learns from a decision that names `named`; `trace` is what the event alone settles. */
  learn(event: AuditEvent, local: string | undefined, named: DumpFilter, trace: ClassifyTrace): void {
    for (const { fieldKey, matchType, conditionValue } of named.filterCondition) {
      const name = nameOfKey('condition', fieldKey);
      const alone = named.filterCondition.filter(each => each.fieldKey === fieldKey).length === 1;
      if (
        name &&
        alone &&
        PROFILE_FIELDS.includes(name) &&
        matchType === 'FWP_MATCH_EQUAL' &&
        conditionValue.type === 'FWP_UINT32'
      )
        this.profiles.set(profileKey(event, local, name), conditionValue);
    }
    if (provesNoPackage(named, trace)) this.packages.set(processKey(event), NO_PACKAGE);
  }
}

const profileKey = (event: AuditEvent, local: string | undefined, field: string): string =>
  `${event.host} ${local ?? ''} ${field}`;
const processKey = (event: AuditEvent): string =>
  `${event.host} ${event.fields['ProcessID'] ?? event.fields['ProcessId'] ?? ''} ${event.fields['Application'] ?? ''}`;

/** Whether a filter would have matched if the process were an app: all that is unknown of it is that there is a package. */
function waitsForPackage(each: FilterTrace): boolean {
  return (
    each.outcome === 'unknown' &&
    each.conditions.every(({ index, outcome }) => {
      if (outcome === 'matched') return true;
      const condition = each.filter.filterCondition[index];
      return (
        outcome === 'unknown' &&
        condition?.fieldKey === CONDITION_KEY.ALE_PACKAGE_ID &&
        condition.matchType === 'FWP_MATCH_NOT_EQUAL' &&
        condition.conditionValue.type === 'FWP_SID' &&
        condition.conditionValue.value === 'S-1-0-0'
      );
    })
  );
}

/**
 * A block that waits only for a package and is looked at before the named permit would have blocked for good, so there is no package.
 * (Windows' own firewall blocks apps that way unless a capability permits; such a permit would have been named.)
 */
function provesNoPackage(named: DumpFilter, trace: ClassifyTrace): boolean {
  if (named.action.type !== 'FWP_ACTION_PERMIT') return false;
  for (const subLayer of trace.subLayers) {
    for (const each of subLayer.filters) {
      if (each.filter.filterId === named.filterId) return false;
      if (each.yields === 'block' && waitsForPackage(each) && nothingUncertainAbove(subLayer.filters, each)) return true;
    }
  }
  return false;
}

/**
 * Nothing in the sublayer could have permitted before this block unless the process is an app with a capability: then that permit would
 * have been named, and it was not.
 */
function nothingUncertainAbove(filters: readonly FilterTrace[], block: FilterTrace): boolean {
  const before = filters.slice(0, filters.indexOf(block));
  return before.every(each => each.outcome === 'not-matched' || each.yields === 'permit' || each.yields === 'continue');
}
