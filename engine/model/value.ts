/**
 * FWP_VALUE0 and FWP_CONDITION_VALUE0 as tagged unions.
 * Names of the tags are those that `netsh wfp` prints (the C names end in _TYPE where the struct name would clash).
 * Source: https://learn.microsoft.com/windows/win32/api/fwptypes/ne-fwptypes-fwp_data_type
 */

/** FWP_DATA_TYPE by name, with the number it has in fwptypes.h. */
export const DATA_TYPE = {
  FWP_EMPTY: 0,
  FWP_UINT8: 1,
  FWP_UINT16: 2,
  FWP_UINT32: 3,
  FWP_UINT64: 4,
  FWP_INT8: 5,
  FWP_INT16: 6,
  FWP_INT32: 7,
  FWP_INT64: 8,
  FWP_FLOAT: 9,
  FWP_DOUBLE: 10,
  FWP_BYTE_ARRAY16_TYPE: 11,
  FWP_BYTE_BLOB_TYPE: 12,
  FWP_SID: 13,
  FWP_SECURITY_DESCRIPTOR_TYPE: 14,
  FWP_TOKEN_INFORMATION_TYPE: 15,
  FWP_TOKEN_ACCESS_INFORMATION_TYPE: 16,
  FWP_UNICODE_STRING_TYPE: 17,
  FWP_BYTE_ARRAY6_TYPE: 18,
  FWP_V4_ADDR_MASK: 0x100,
  FWP_V6_ADDR_MASK: 0x101,
  FWP_RANGE_TYPE: 0x102,
} as const;

export type DataType = keyof typeof DATA_TYPE;

/** What is known of a process token. SIDs as text (`S-1-5-18`). On Linux: user S-1-22-1-UID, groups S-1-22-2-GID. */
export interface TokenInformation {
  /** User first, then groups. */
  readonly sids: readonly string[];
  /** Restricting SIDs of a restricted token. */
  readonly restrictedSids?: readonly string[];
  /** True when `sids` may lack some that the real token has: a descriptor that grants nothing to those listed is then *unknown*. */
  readonly partial?: boolean;
}

/** A single value: what a layer's field can hold. Integers in host order; an IPv4 address is the UINT32 0x7f000001 for 127.0.0.1. */
export type FwpValue =
  | { readonly type: 'FWP_EMPTY' }
  | { readonly type: 'FWP_UINT8' | 'FWP_UINT16' | 'FWP_UINT32' | 'FWP_INT8' | 'FWP_INT16' | 'FWP_INT32'; readonly value: number }
  | { readonly type: 'FWP_UINT64' | 'FWP_INT64'; readonly value: bigint }
  | { readonly type: 'FWP_FLOAT' | 'FWP_DOUBLE'; readonly value: number }
  | { readonly type: 'FWP_BYTE_ARRAY16_TYPE' | 'FWP_BYTE_ARRAY6_TYPE' | 'FWP_BYTE_BLOB_TYPE'; readonly value: Uint8Array }
  | { readonly type: 'FWP_SID' | 'FWP_UNICODE_STRING_TYPE'; readonly value: string }
  /** SDDL text (`O:SYG:SYD:(A;;CC;;;S-1-5-80-1)`). */
  | { readonly type: 'FWP_SECURITY_DESCRIPTOR_TYPE'; readonly value: string }
  | { readonly type: 'FWP_TOKEN_INFORMATION_TYPE' | 'FWP_TOKEN_ACCESS_INFORMATION_TYPE'; readonly value: TokenInformation };

/** FWP_RANGE0: both ends included, both of the field's type. */
export interface FwpRange {
  readonly low: FwpValue;
  readonly high: FwpValue;
}

/** What a condition compares a field with. */
export type FwpConditionValue =
  | FwpValue
  /** FWP_V4_ADDR_AND_MASK, host order. Matches when `(field & mask) === (addr & mask)`. */
  | { readonly type: 'FWP_V4_ADDR_MASK'; readonly value: { readonly addr: number; readonly mask: number } }
  | { readonly type: 'FWP_V6_ADDR_MASK'; readonly value: { readonly addr: Uint8Array; readonly prefixLength: number } }
  | { readonly type: 'FWP_RANGE_TYPE'; readonly value: FwpRange };

/** FWP_MATCH_TYPE by name, with its number. PREFIX and NOT_PREFIX test the *end* of a blob string, as WFP does. */
export const MATCH_TYPE = {
  FWP_MATCH_EQUAL: 0,
  FWP_MATCH_GREATER: 1,
  FWP_MATCH_LESS: 2,
  FWP_MATCH_GREATER_OR_EQUAL: 3,
  FWP_MATCH_LESS_OR_EQUAL: 4,
  FWP_MATCH_RANGE: 5,
  FWP_MATCH_FLAGS_ALL_SET: 6,
  FWP_MATCH_FLAGS_ANY_SET: 7,
  FWP_MATCH_FLAGS_NONE_SET: 8,
  FWP_MATCH_EQUAL_CASE_INSENSITIVE: 9,
  FWP_MATCH_NOT_EQUAL: 10,
  FWP_MATCH_PREFIX: 11,
  FWP_MATCH_NOT_PREFIX: 12,
} as const;

export type MatchType = keyof typeof MATCH_TYPE;
