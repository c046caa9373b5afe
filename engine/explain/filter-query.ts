import { parseV4, parseV6 } from '../dumps/address.ts';
import type { DumpFilter } from '../dumps/dump.ts';
import { utf16 } from '../dumps/keep.ts';
import { compileCondition, NO } from '../embedded/condition.ts';
import { CONDITION_KEY, nameOfKey } from '../model/keys.ts';
import type { FwpValue } from '../model/value.ts';
import { actionWord } from './filter-report.ts';
import { FlowError } from './flow.ts';
import type { Machine } from './machine.ts';

/** Which filters are wanted; all that is given must hold. */
export interface FilterQuery {
  /** Layer name or a part of it, any case: `ale_auth_connect` is both versions. */
  readonly layer?: string;
  /** Part of the provider's name, or its key. */
  readonly provider?: string;
  /** Part of a program's path. */
  readonly app?: string;
  /** `permit`, `block`, `callout`, or an action type. */
  readonly action?: string;
  /** Filters that could match this remote address. */
  readonly remote?: string;
  /** Filters that could match this port on either side. */
  readonly port?: number;
  readonly id?: bigint;
  readonly key?: string;
  /** Part of anything that is shown: name, description, origin, program, key. */
  readonly search?: string;
}

/** Whether the conditions on a field leave room for this value. A field without conditions does. */
function couldMatch(filter: DumpFilter, fieldKey: string, value: FwpValue): boolean {
  const group = filter.filterCondition.filter(each => each.fieldKey === fieldKey);
  return group.length === 0 || group.some(condition => compileCondition(condition)(value) !== NO);
}

function remoteTest(text: string): (filter: DumpFilter) => boolean {
  const v4 = parseV4(text);
  const v6 = v4 === undefined ? parseV6(text) : undefined;
  if (v4 === undefined && !v6) throw new FlowError(`"${text.slice(0, 60)}" is no address: write 192.0.2.1 or 2001:db8::1`);
  const value: FwpValue = v6 ? { type: 'FWP_BYTE_ARRAY16_TYPE', value: v6 } : { type: 'FWP_UINT32', value: v4 ?? 0 };
  const other = v6 ? 'V4' : 'V6';
  return filter => {
    const layer = nameOfKey('layer', filter.layerKey) ?? '';
    if (layer.includes(`_${other}`)) return false;
    return (
      couldMatch(filter, CONDITION_KEY.IP_REMOTE_ADDRESS, value) &&
      couldMatch(filter, CONDITION_KEY.IP_DESTINATION_ADDRESS, value)
    );
  };
}

function portTest(port: number): (filter: DumpFilter) => boolean {
  const value: FwpValue = { type: 'FWP_UINT16', value: port };
  const fields = [CONDITION_KEY.IP_LOCAL_PORT, CONDITION_KEY.IP_REMOTE_PORT];
  return filter => {
    const asked = fields.filter(field => filter.filterCondition.some(each => each.fieldKey === field));
    return asked.length === 0 || asked.some(field => couldMatch(filter, field, value));
  };
}

const appsOf = (filter: DumpFilter): string[] =>
  filter.filterCondition.flatMap(({ conditionValue }) =>
    conditionValue.type === 'FWP_BYTE_BLOB_TYPE' ? [utf16(conditionValue.value).toLowerCase()] : [],
  );

/** The filters that a query asks for, in the order of the dump. @throws FlowError */
export function queryFilters(machine: Machine, query: FilterQuery): readonly DumpFilter[] {
  const tests: ((filter: DumpFilter) => boolean)[] = [];
  const { layer, provider, app, action, remote, port, id, key, search } = query;
  if (layer !== undefined) {
    const wanted = layer.toUpperCase().replace(/^FWPM_LAYER_/, '');
    const bare = layer.toLowerCase().replace(/[{}]/g, '');
    const exact = machine.dump.filters.some(filter => machine.layerName(filter.layerKey) === wanted);
    tests.push(
      filter =>
        filter.layerKey === bare ||
        (exact ? machine.layerName(filter.layerKey) === wanted : machine.layerName(filter.layerKey).includes(wanted)),
    );
  }
  if (provider !== undefined) {
    const wanted = provider
      .toLowerCase()
      .replace(/^fwpm_provider_/, '')
      .replace(/[{}]/g, '');
    tests.push(
      filter => filter.providerKey === wanted || machine.providerName(filter.providerKey).toLowerCase().includes(wanted),
    );
  }
  if (app !== undefined) tests.push(filter => appsOf(filter).some(each => each.includes(app.toLowerCase())));
  if (action !== undefined) tests.push(actionTest(action));
  if (remote !== undefined) tests.push(remoteTest(remote));
  if (port !== undefined) tests.push(portTest(port));
  if (id !== undefined) tests.push(filter => filter.filterId === id);
  if (key !== undefined) tests.push(filter => filter.filterKey === key.toLowerCase().replace(/[{}]/g, ''));
  if (search !== undefined) {
    const wanted = search.toLowerCase();
    tests.push(filter => searchText(machine, filter).includes(wanted));
  }
  return machine.dump.filters.filter(filter => tests.every(test => test(filter)));
}

function actionTest(action: string): (filter: DumpFilter) => boolean {
  const wanted = action.toLowerCase();
  if (['permit', 'block', 'callout'].includes(wanted)) return filter => actionWord(filter) === wanted;
  const type = `FWP_ACTION_${wanted.toUpperCase().replace(/^FWP_ACTION_/, '')}`;
  if (!/^FWP_ACTION_CALLOUT_(TERMINATING|INSPECTION|UNKNOWN)$|^FWP_ACTION_(PERMIT|BLOCK)$/.test(type))
    throw new FlowError(
      `"${action.slice(0, 40)}" is no action: write permit, block, callout, callout_terminating, callout_inspection or callout_unknown`,
    );
  return filter => filter.action.type === type;
}

/** Everything of a filter that can be searched, in lower case. */
export function searchText(machine: Machine, filter: DumpFilter): string {
  const { displayData } = filter;
  return [
    displayData.name,
    displayData.description ?? '',
    filter.origin ?? '',
    String(filter.filterId),
    filter.filterKey,
    machine.layerName(filter.layerKey),
    machine.providerName(filter.providerKey),
    machine.subLayerName(filter.subLayerKey),
    machine.conditionsText(filter),
  ]
    .join('\n')
    .toLowerCase();
}
