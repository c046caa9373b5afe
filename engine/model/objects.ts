import type { Guid } from './guid.ts';
import type { DataType, FwpConditionValue, FwpValue, MatchType } from './value.ts';

/**
 * The objects of the Base Filtering Engine, as plain immutable data. Field names follow the FWPM_* structures of fwpmtypes.h;
 * pointers that may be NULL are optional properties. Run-time ids (LUIDs) are given by the engine on add.
 */

/** FWPM_DISPLAY_DATA0. `name` may not be empty on an add (FWP_E_NULL_DISPLAY_NAME). */
export interface DisplayData {
  readonly name: string;
  readonly description?: string;
}

/** FWP_ACTION_TYPE by name, with its number. */
export const ACTION_TYPE = {
  FWP_ACTION_BLOCK: 0x1001,
  FWP_ACTION_PERMIT: 0x1002,
  FWP_ACTION_CALLOUT_TERMINATING: 0x5003,
  FWP_ACTION_CALLOUT_INSPECTION: 0x6004,
  FWP_ACTION_CALLOUT_UNKNOWN: 0x4005,
  FWP_ACTION_CONTINUE: 0x2006,
  FWP_ACTION_NONE: 7,
  FWP_ACTION_NONE_NO_MATCH: 8,
} as const;
export type ActionType = keyof typeof ACTION_TYPE;

/** FWPM_FILTER_FLAG_*. */
export const FILTER_FLAG = {
  PERSISTENT: 1,
  BOOTTIME: 2,
  HAS_PROVIDER_CONTEXT: 4,
  CLEAR_ACTION_RIGHT: 8,
  PERMIT_IF_CALLOUT_UNREGISTERED: 0x10,
  /** Output only. */
  DISABLED: 0x20,
  INDEXED: 0x40,
  HAS_SECURITY_REALM_PROVIDER_CONTEXT: 0x80,
  SYSTEMOS_ONLY: 0x100,
  GAMEOS_ONLY: 0x200,
  SILENT_MODE: 0x400,
  IPSEC_NO_ACQUIRE_INITIATE: 0x800,
} as const;

/** Flags of the other kinds of object. */
export const OBJECT_FLAG = {
  PERSISTENT: 1,
  PROVIDER_DISABLED: 0x10,
  CALLOUT_PERSISTENT: 0x10000,
  CALLOUT_USES_PROVIDER_CONTEXT: 0x20000,
  /** Output only: the kernel half of the callout is present. */
  CALLOUT_REGISTERED: 0x40000,
  SESSION_DYNAMIC: 1,
} as const;

/** FWPM_ACTION0. `calloutKey` only with the three callout actions. */
export interface FilterAction {
  readonly type: ActionType;
  readonly calloutKey?: Guid;
}

/** FWPM_FILTER_CONDITION0. `fieldKey` is the condition's GUID. */
export interface FilterCondition {
  readonly fieldKey: Guid;
  readonly matchType: MatchType;
  readonly conditionValue: FwpConditionValue;
}

/** FWPM_FILTER0. */
export interface Filter {
  readonly filterKey: Guid;
  readonly displayData: DisplayData;
  /** Bits of FILTER_FLAG. */
  readonly flags: number;
  readonly providerKey?: Guid;
  readonly providerData?: Uint8Array;
  readonly layerKey: Guid;
  readonly subLayerKey: Guid;
  /** As asked: FWP_EMPTY (automatic), FWP_UINT8 0–15 (range), FWP_UINT64 (exact). */
  readonly weight: FwpValue;
  readonly filterCondition: readonly FilterCondition[];
  readonly action: FilterAction;
  readonly rawContext?: bigint;
  readonly providerContextKey?: Guid;
  /** LUID, chosen by the engine; 0n before. */
  readonly filterId: bigint;
  /** What arbitration uses; an imported dump's value is taken as found. */
  readonly effectiveWeight: bigint;
}

/** What a caller gives to add a filter; the engine fills in the rest. A missing subLayerKey or NULL_GUID is the layer's default sublayer. */
export type FilterInput = Omit<Filter, 'filterKey' | 'filterId' | 'effectiveWeight' | 'subLayerKey' | 'flags' | 'weight'> & {
  readonly filterKey?: Guid;
  readonly subLayerKey?: Guid;
  readonly flags?: number;
  readonly weight?: FwpValue;
};

/** FWPM_PROVIDER0. */
export interface Provider {
  readonly providerKey: Guid;
  readonly displayData: DisplayData;
  readonly flags: number;
  readonly providerData?: Uint8Array;
  readonly serviceName?: string;
}

/** FWPM_SUBLAYER0. `weight` is a UINT16; higher is visited first. */
export interface SubLayer {
  readonly subLayerKey: Guid;
  readonly displayData: DisplayData;
  readonly flags: number;
  readonly providerKey?: Guid;
  readonly providerData?: Uint8Array;
  readonly weight: number;
}

/** FWPM_CALLOUT0. */
export interface Callout {
  readonly calloutKey: Guid;
  readonly displayData: DisplayData;
  readonly flags: number;
  readonly providerKey?: Guid;
  readonly providerData?: Uint8Array;
  readonly applicableLayer: Guid;
  readonly calloutId: number;
}

/** FWPM_PROVIDER_CONTEXT of type FWPM_GENERAL_CONTEXT: data that a provider keeps with the engine. */
export interface ProviderContext {
  readonly providerContextKey: Guid;
  readonly displayData: DisplayData;
  readonly flags: number;
  readonly providerKey?: Guid;
  readonly providerData?: Uint8Array;
  readonly dataBuffer: Uint8Array;
  readonly providerContextId: bigint;
}

/** FWPM_FIELD0 with the name its key has in fwpmu.h. */
export interface LayerField {
  readonly fieldKey: Guid;
  /** Without prefix: `IP_REMOTE_ADDRESS`. */
  readonly name: string;
  readonly type: 'FWPM_FIELD_RAW_DATA' | 'FWPM_FIELD_IP_ADDRESS' | 'FWPM_FIELD_FLAGS';
  readonly dataType: DataType;
}

/** FWPM_LAYER0. `name` is the name in fwpmu.h without prefix (`ALE_AUTH_CONNECT_V4`), or the GUID where it has none. */
export interface Layer {
  readonly layerKey: Guid;
  readonly name: string;
  readonly layerId: number;
  readonly flags: readonly string[];
  readonly fields: readonly LayerField[];
  readonly defaultSubLayerKey: Guid;
}

/** FWPM_SESSION0. */
export interface Session {
  readonly sessionKey: Guid;
  readonly displayData: DisplayData;
  readonly flags: number;
  readonly txnWaitTimeoutInMSec: number;
  readonly processId: number;
  readonly sid?: string;
  readonly username?: string;
  readonly kernelMode: boolean;
}
