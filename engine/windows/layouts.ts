import koffi, { type TypeObject } from 'koffi';

/**
 * The C structures of fwptypes.h and fwpmtypes.h on 64-bit Windows, under their C names. Only fixed-width types: koffi's `long` is
 * eight bytes on Linux, and these layouts must be the same everywhere so that they can be checked without Windows.
 * Enumerations are int32 (MSVC). Pointers are `void *`: the target is read by the layout that parse.ts chooses.
 * Source: https://learn.microsoft.com/windows/win32/api/fwpmtypes/ and https://learn.microsoft.com/windows/win32/api/fwptypes/
 */

const pointer = 'void *';

/** https://learn.microsoft.com/windows/win32/api/guiddef/ns-guiddef-guid (alignment 4, fields in host order). */
export const GUID = koffi.struct({
  Data1: 'uint32_t',
  Data2: 'uint16_t',
  Data3: 'uint16_t',
  Data4: koffi.array('uint8_t', 8),
});

export const FWP_BYTE_BLOB = koffi.struct({ size: 'uint32_t', data: pointer });
export const FWP_BYTE_ARRAY16 = koffi.struct({ byteArray16: koffi.array('uint8_t', 16) });
export const FWP_BYTE_ARRAY6 = koffi.struct({ byteArray6: koffi.array('uint8_t', 6) });
export const SID_AND_ATTRIBUTES = koffi.struct({ Sid: pointer, Attributes: 'uint32_t' });
export const FWP_TOKEN_INFORMATION = koffi.struct({
  sidCount: 'uint32_t',
  sids: pointer,
  restrictedSidCount: 'uint32_t',
  restrictedSids: pointer,
});

const singleValues = {
  uint8: 'uint8_t',
  uint16: 'uint16_t',
  uint32: 'uint32_t',
  uint64: pointer,
  int8: 'int8_t',
  int16: 'int16_t',
  int32: 'int32_t',
  int64: pointer,
  float32: 'float32',
  double64: pointer,
  byteArray16: pointer,
  byteBlob: pointer,
  sid: pointer,
  sd: pointer,
  tokenInformation: pointer,
  tokenAccessInformation: pointer,
  unicodeString: pointer,
  byteArray6: pointer,
};

/** 64-bit and larger values are pointers in this union, even uint64. https://learn.microsoft.com/windows/win32/api/fwptypes/ns-fwptypes-fwp_value0 */
export const FWP_VALUE0 = koffi.struct({ type: 'int32_t', value: koffi.union(singleValues) });
export const FWP_CONDITION_VALUE0 = koffi.struct({
  type: 'int32_t',
  value: koffi.union({ ...singleValues, v4AddrMask: pointer, v6AddrMask: pointer, rangeValue: pointer }),
});
export const FWP_RANGE0 = koffi.struct({ valueLow: FWP_VALUE0, valueHigh: FWP_VALUE0 });
/** Host byte order, both. */
export const FWP_V4_ADDR_AND_MASK = koffi.struct({ addr: 'uint32_t', mask: 'uint32_t' });
export const FWP_V6_ADDR_AND_MASK = koffi.struct({ addr: koffi.array('uint8_t', 16), prefixLength: 'uint8_t' });

export const FWPM_DISPLAY_DATA0 = koffi.struct({ name: pointer, description: pointer });
export const FWPM_ACTION0 = koffi.struct({ type: 'uint32_t', calloutKey: GUID });
export const FWPM_FILTER_CONDITION0 = koffi.struct({
  fieldKey: GUID,
  matchType: 'int32_t',
  conditionValue: FWP_CONDITION_VALUE0,
});
export const FWPM_FILTER0 = koffi.struct({
  filterKey: GUID,
  displayData: FWPM_DISPLAY_DATA0,
  flags: 'uint32_t',
  providerKey: pointer,
  providerData: FWP_BYTE_BLOB,
  layerKey: GUID,
  subLayerKey: GUID,
  weight: FWP_VALUE0,
  numFilterConditions: 'uint32_t',
  filterCondition: pointer,
  action: FWPM_ACTION0,
  context: koffi.union({ rawContext: 'uint64_t', providerContextKey: GUID }),
  reserved: pointer,
  filterId: 'uint64_t',
  effectiveWeight: FWP_VALUE0,
});
export const FWPM_PROVIDER0 = koffi.struct({
  providerKey: GUID,
  displayData: FWPM_DISPLAY_DATA0,
  flags: 'uint32_t',
  providerData: FWP_BYTE_BLOB,
  serviceName: pointer,
});
/** Version 0: the union holds a pointer for every type; ours is `dataBuffer`, FWPM_GENERAL_CONTEXT. */
export const FWPM_PROVIDER_CONTEXT0 = koffi.struct({
  providerContextKey: GUID,
  displayData: FWPM_DISPLAY_DATA0,
  flags: 'uint32_t',
  providerKey: pointer,
  providerData: FWP_BYTE_BLOB,
  type: 'int32_t',
  dataBuffer: pointer,
  providerContextId: 'uint64_t',
});
/** `flags` is UINT32 at Microsoft; mingw-w64 declares UINT16 (same offsets, other width). */
export const FWPM_SUBLAYER0 = koffi.struct({
  subLayerKey: GUID,
  displayData: FWPM_DISPLAY_DATA0,
  flags: 'uint32_t',
  providerKey: pointer,
  providerData: FWP_BYTE_BLOB,
  weight: 'uint16_t',
});
export const FWPM_CALLOUT0 = koffi.struct({
  calloutKey: GUID,
  displayData: FWPM_DISPLAY_DATA0,
  flags: 'uint32_t',
  providerKey: pointer,
  providerData: FWP_BYTE_BLOB,
  applicableLayer: GUID,
  calloutId: 'uint32_t',
});
export const FWPM_FIELD0 = koffi.struct({ fieldKey: pointer, type: 'int32_t', dataType: 'int32_t' });
export const FWPM_LAYER0 = koffi.struct({
  layerKey: GUID,
  displayData: FWPM_DISPLAY_DATA0,
  flags: 'uint32_t',
  numFields: 'uint32_t',
  field: pointer,
  defaultSubLayerKey: GUID,
  layerId: 'uint16_t',
});
export const FWPM_SESSION0 = koffi.struct({
  sessionKey: GUID,
  displayData: FWPM_DISPLAY_DATA0,
  flags: 'uint32_t',
  txnWaitTimeoutInMSec: 'uint32_t',
  processId: 'uint32_t',
  sid: pointer,
  username: pointer,
  kernelMode: 'int32_t',
});

export const FWPM_FILTER_ENUM_TEMPLATE0 = koffi.struct({
  providerKey: pointer,
  layerKey: GUID,
  enumType: 'int32_t',
  flags: 'uint32_t',
  providerContextTemplate: pointer,
  numFilterConditions: 'uint32_t',
  filterCondition: pointer,
  actionMask: 'uint32_t',
  calloutKey: pointer,
});
export const FWPM_SUBLAYER_ENUM_TEMPLATE0 = koffi.struct({ providerKey: pointer });
export const FWPM_CALLOUT_ENUM_TEMPLATE0 = koffi.struct({ providerKey: pointer, layerKey: GUID });
export const FWPM_PROVIDER_CONTEXT_ENUM_TEMPLATE0 = koffi.struct({ providerKey: pointer, providerContextType: 'int32_t' });

/** All FWPM_*_SUBSCRIPTION0 have this shape. */
export const FWPM_FILTER_SUBSCRIPTION0 = koffi.struct({ enumTemplate: pointer, flags: 'uint32_t', sessionKey: GUID });
export const FWPM_FILTER_CHANGE0 = koffi.struct({ changeType: 'int32_t', filterKey: GUID, filterId: 'uint64_t' });
export const FWPM_CALLOUT_CHANGE0 = koffi.struct({ changeType: 'int32_t', calloutKey: GUID, calloutId: 'uint32_t' });
export const FWPM_SUBLAYER_CHANGE0 = koffi.struct({ changeType: 'int32_t', subLayerKey: GUID });
export const FWPM_PROVIDER_CHANGE0 = koffi.struct({ changeType: 'int32_t', providerKey: GUID });
export const FWPM_PROVIDER_CONTEXT_CHANGE0 = koffi.struct({
  changeType: 'int32_t',
  providerContextKey: GUID,
  providerContextId: 'uint64_t',
});

/** `reserved` stands for what mingw calls enumTemplate; NULL means every event. */
export const FWPM_NET_EVENT_SUBSCRIPTION0 = koffi.struct({ enumTemplate: pointer, flags: 'uint32_t', sessionKey: GUID });
/** FILETIME as its two halves, so that it stays 4-aligned as in the header. */
export const FILETIME = koffi.struct({ dwLowDateTime: 'uint32_t', dwHighDateTime: 'uint32_t' });
const address = koffi.union({ v4: 'uint32_t', v6: koffi.array('uint8_t', 16) });

/** The part that all versions of FWPM_NET_EVENT_HEADER share (version 0 is exactly this). */
export const FWPM_NET_EVENT_HEADER0 = koffi.struct({
  timeStamp: FILETIME,
  flags: 'uint32_t',
  ipVersion: 'int32_t',
  ipProtocol: 'uint8_t',
  localAddr: address,
  remoteAddr: address,
  localPort: 'uint16_t',
  remotePort: 'uint16_t',
  scopeId: 'uint32_t',
  appId: FWP_BYTE_BLOB,
  userId: pointer,
});
/** Filter and layer stand in front in every version of CLASSIFY_DROP and CLASSIFY_ALLOW; version 1 adds the rest. */
export const FWPM_NET_EVENT_CLASSIFY_DROP1 = koffi.struct({
  filterId: 'uint64_t',
  layerId: 'uint16_t',
  reauthReason: 'uint32_t',
  originalProfile: 'uint32_t',
  currentProfile: 'uint32_t',
  msFwpDirection: 'uint32_t',
  isLoopback: 'int32_t',
});

/** Where `type` and the pointer behind it lie in FWPM_NET_EVENTn, by n. 2 and up are missing in mingw-w64: fwpmtypes.h of SDK 10.0.26100. */
export const NET_EVENT_TYPE_OFFSET = { 1: 144, 2: 104, 3: 136, 4: 136, 5: 136 } as const;

/** Offset of a member; `a.b` goes into nested structures and unions. */
export function offsetOf(type: TypeObject, path: string): number {
  let offset = 0;
  let at = type;
  for (const name of path.split('.')) {
    const member = at.members?.[name];
    if (!member) throw new Error(`layouts: no member ${path} (at ${name})`);
    offset += member.offset;
    at = member.type;
  }
  return offset;
}

/** Width in bytes of a member. */
export function sizeOf(type: TypeObject, path: string): number {
  let at = type;
  for (const name of path.split('.')) {
    const member = at.members?.[name];
    if (!member) throw new Error(`layouts: no member ${path} (at ${name})`);
    at = member.type;
  }
  return at.size;
}
