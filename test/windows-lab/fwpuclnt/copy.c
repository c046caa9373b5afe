#include "copy.h"

C_ASSERT(offsetof(FWPM_FILTER0, flags) == offsetof(struct common, flags));
C_ASSERT(offsetof(FWPM_PROVIDER0, flags) == offsetof(struct common, flags));
C_ASSERT(offsetof(FWPM_CALLOUT0, providerData) == offsetof(FWPM_FILTER0, providerData));
C_ASSERT(offsetof(FWPM_SUBLAYER0, providerData) == offsetof(FWPM_FILTER0, providerData));
C_ASSERT(offsetof(FWPM_PROVIDER_CONTEXT0, providerData) == offsetof(FWPM_FILTER0, providerData));

#define MAX_NAME 65536
#define MAX_BLOB (1u << 24)

static void copy_pointed(struct block *block, UINT32 slot, const void *data, UINT32 size)
{
    block_point(block, slot, block_append(block, data, size));
}

DWORD copy_string(struct block *block, UINT32 slot, const wchar_t *text)
{
    if (!text) return 0;
    UINT32 length = 0;
    for (;; length++) {
        if (length > MAX_NAME) return ERROR_INVALID_PARAMETER;
        if (!readable(text + length, sizeof *text)) {
            violation("a string without its NUL");
            return ERROR_INVALID_PARAMETER;
        }
        if (!text[length]) break;
    }
    copy_pointed(block, slot, text, (length + 1) * sizeof *text);
    return 0;
}

static DWORD copy_guid(struct block *block, UINT32 slot, const GUID *guid)
{
    if (!guid) return 0;
    if (!readable(guid, sizeof *guid)) {
        violation("a GUID pointer that cannot be read");
        return ERROR_INVALID_PARAMETER;
    }
    copy_pointed(block, slot, guid, sizeof *guid);
    return 0;
}

/** The blob at offset `at` is a member; its data follows elsewhere. */
static DWORD copy_blob(struct block *block, UINT32 at, const FWP_BYTE_BLOB *source)
{
    FWP_BYTE_BLOB empty = { source->size, NULL };
    memcpy(block->bytes + at, &empty, sizeof empty);
    if (!source->size) return 0;
    if (source->size > MAX_BLOB || !readable(source->data, source->size)) {
        violation("a blob of %u bytes that cannot be read", source->size);
        return FWP_E_NULL_POINTER;
    }
    copy_pointed(block, at + offsetof(FWP_BYTE_BLOB, data), source->data, source->size);
    return 0;
}

static DWORD copy_sid(struct block *block, UINT32 slot, SID *sid)
{
    if (!readable(sid, 8) || !IsValidSid(sid) || !readable(sid, GetLengthSid(sid))) {
        violation("a SID that is none");
        return ERROR_INVALID_SID;
    }
    copy_pointed(block, slot, sid, GetLengthSid(sid));
    return 0;
}

static DWORD copy_sids(struct block *block, UINT32 slot, const SID_AND_ATTRIBUTES *list, UINT32 count)
{
    DWORD error = 0;
    if (!count) return 0;
    if (count > 4096 || !readable(list, count * sizeof *list)) return FWP_E_NULL_POINTER;
    UINT32 at = block_append(block, NULL, count * sizeof *list);
    block_point(block, slot, at);
    for (UINT32 i = 0; i < count && !error; i++) {
        UINT32 entry = at + i * sizeof *list;
        memcpy(block->bytes + entry + offsetof(SID_AND_ATTRIBUTES, Attributes), &list[i].Attributes, sizeof(DWORD));
        error = copy_sid(block, entry + offsetof(SID_AND_ATTRIBUTES, Sid), list[i].Sid);
    }
    return error;
}

/** A pointer member of the union with `size` fixed bytes behind it. */
static DWORD copy_fixed(struct block *block, UINT32 slot, const void *data, UINT32 size)
{
    if (!data) return FWP_E_NULL_POINTER;
    if (!readable(data, size)) {
        violation("a value pointer that cannot be read");
        return FWP_E_NULL_POINTER;
    }
    copy_pointed(block, slot, data, size);
    return 0;
}

DWORD copy_value(struct block *block, UINT32 at, const FWP_CONDITION_VALUE0 *source, int single)
{
    UINT32 slot = at + offsetof(FWP_CONDITION_VALUE0, uint8);
    memset(block->bytes + at, 0, sizeof *source);
    memcpy(block->bytes + at, &source->type, sizeof source->type);
    if (single && source->type > FWP_SINGLE_DATA_TYPE_MAX) return FWP_E_TYPE_MISMATCH;
    switch (source->type) {
    case FWP_EMPTY: return 0;
    case FWP_UINT8: case FWP_INT8:
        block->bytes[slot] = source->uint8;
        return 0;
    case FWP_UINT16: case FWP_INT16:
        memcpy(block->bytes + slot, &source->uint16, 2);
        return 0;
    case FWP_UINT32: case FWP_INT32: case FWP_FLOAT:
        memcpy(block->bytes + slot, &source->uint32, 4);
        return 0;
    case FWP_UINT64: case FWP_INT64: case FWP_DOUBLE: return copy_fixed(block, slot, source->uint64, 8);
    case FWP_BYTE_ARRAY16_TYPE: return copy_fixed(block, slot, source->byteArray16, 16);
    case FWP_BYTE_ARRAY6_TYPE: return copy_fixed(block, slot, source->byteArray6, 6);
    case FWP_V4_ADDR_MASK: return copy_fixed(block, slot, source->v4AddrMask, sizeof *source->v4AddrMask);
    case FWP_V6_ADDR_MASK: return copy_fixed(block, slot, source->v6AddrMask, sizeof *source->v6AddrMask);
    case FWP_SID: return copy_sid(block, slot, source->sid);
    case FWP_UNICODE_STRING_TYPE: return source->unicodeString ? copy_string(block, slot, source->unicodeString) : FWP_E_NULL_POINTER;
    case FWP_BYTE_BLOB_TYPE: case FWP_SECURITY_DESCRIPTOR_TYPE: case FWP_TOKEN_ACCESS_INFORMATION_TYPE: {
        if (!readable(source->byteBlob, sizeof *source->byteBlob)) return FWP_E_NULL_POINTER;
        if (source->type == FWP_SECURITY_DESCRIPTOR_TYPE &&
            (!readable(source->sd->data, source->sd->size) || !IsValidSecurityDescriptor(source->sd->data) ||
             GetSecurityDescriptorLength(source->sd->data) > source->sd->size)) return ERROR_INVALID_SECURITY_DESCR;
        UINT32 blob = block_append(block, NULL, sizeof(FWP_BYTE_BLOB));
        block_point(block, slot, blob);
        return copy_blob(block, blob, source->byteBlob);
    }
    case FWP_TOKEN_INFORMATION_TYPE: {
        const FWP_TOKEN_INFORMATION *token = source->tokenInformation;
        if (!readable(token, sizeof *token)) return FWP_E_NULL_POINTER;
        FWP_TOKEN_INFORMATION counts = { token->sidCount, NULL, token->restrictedSidCount, NULL };
        UINT32 to = block_append(block, &counts, sizeof counts);
        block_point(block, slot, to);
        DWORD error = copy_sids(block, to + offsetof(FWP_TOKEN_INFORMATION, sids), token->sids, token->sidCount);
        return error ? error : copy_sids(block, to + offsetof(FWP_TOKEN_INFORMATION, restrictedSids), token->restrictedSids,
                                         token->restrictedSidCount);
    }
    case FWP_RANGE_TYPE: {
        if (!readable(source->rangeValue, sizeof *source->rangeValue)) return FWP_E_NULL_POINTER;
        UINT32 range = block_append(block, NULL, sizeof(FWP_RANGE0));
        block_point(block, slot, range);
        DWORD error = copy_value(block, range, (const FWP_CONDITION_VALUE0 *)&source->rangeValue->valueLow, 1);
        return error ? error : copy_value(block, range + offsetof(FWP_RANGE0, valueHigh),
                                          (const FWP_CONDITION_VALUE0 *)&source->rangeValue->valueHigh, 1);
    }
    default:
        violation("the data type %d", source->type);
        return FWP_E_TYPE_MISMATCH;
    }
}

/** Key, names, flags; and the blob and key of the provider where they are. `blobAt` differs for FWPM_PROVIDER0. */
static DWORD copy_common(struct block *block, const void *source, UINT32 size, UINT32 blobAt, UINT32 providerKeyAt)
{
    if (!source) return FWP_E_NULL_POINTER;
    if (!readable(source, size) || (UINT64)source & 7) {
        violation("an object that cannot be read or is not aligned");
        return ERROR_INVALID_PARAMETER;
    }
    const struct common *common = source;
    if (!common->displayData.name || !*common->displayData.name) return FWP_E_NULL_DISPLAY_NAME;
    UINT32 at = block_append(block, NULL, size);
    memcpy(block->bytes + at, &common->key, sizeof common->key);
    memcpy(block->bytes + at + offsetof(struct common, flags), &common->flags, sizeof common->flags);
    DWORD error = copy_string(block, at + offsetof(struct common, displayData.name), common->displayData.name);
    if (!error) error = copy_string(block, at + offsetof(struct common, displayData.description), common->displayData.description);
    if (!error) error = copy_blob(block, at + blobAt, (const FWP_BYTE_BLOB *)((const char *)source + blobAt));
    if (!error && providerKeyAt)
        error = copy_guid(block, at + providerKeyAt, *(const GUID *const *)((const char *)source + providerKeyAt));
    return error;
}

#define COMMON(type) offsetof(type, providerData), offsetof(type, providerKey)
#define PUT(type, member) memcpy(block->bytes + offsetof(type, member), &source->member, sizeof source->member)

DWORD copy_provider(struct block *block, const FWPM_PROVIDER0 *source)
{
    DWORD error = copy_common(block, source, sizeof *source, offsetof(FWPM_PROVIDER0, providerData), 0);
    return error ? error : copy_string(block, offsetof(FWPM_PROVIDER0, serviceName), source->serviceName);
}

DWORD copy_provider_context(struct block *block, const FWPM_PROVIDER_CONTEXT0 *source)
{
    DWORD error = copy_common(block, source, sizeof *source, COMMON(FWPM_PROVIDER_CONTEXT0));
    if (error) return error;
    PUT(FWPM_PROVIDER_CONTEXT0, type);
    if (source->type != FWPM_GENERAL_CONTEXT) return ERROR_NOT_SUPPORTED;
    if (!source->dataBuffer) return FWP_E_NULL_POINTER;
    if (source->providerContextId) return ERROR_INVALID_PARAMETER;
    UINT32 blob = block_append(block, NULL, sizeof(FWP_BYTE_BLOB));
    block_point(block, offsetof(FWPM_PROVIDER_CONTEXT0, dataBuffer), blob);
    return copy_blob(block, blob, source->dataBuffer);
}

DWORD copy_sublayer(struct block *block, const FWPM_SUBLAYER0 *source)
{
    DWORD error = copy_common(block, source, sizeof *source, COMMON(FWPM_SUBLAYER0));
    if (!error) PUT(FWPM_SUBLAYER0, weight);
    return error;
}

DWORD copy_callout(struct block *block, const FWPM_CALLOUT0 *source)
{
    DWORD error = copy_common(block, source, sizeof *source, COMMON(FWPM_CALLOUT0));
    if (!error) PUT(FWPM_CALLOUT0, applicableLayer);
    return error;
}

DWORD copy_filter(struct block *block, const FWPM_FILTER0 *source)
{
    DWORD error = copy_common(block, source, sizeof *source, COMMON(FWPM_FILTER0));
    if (error) return error;
    if (source->reserved) return FWP_E_RESERVED;
    PUT(FWPM_FILTER0, layerKey);
    PUT(FWPM_FILTER0, subLayerKey);
    PUT(FWPM_FILTER0, action);
    PUT(FWPM_FILTER0, providerContextKey);
    PUT(FWPM_FILTER0, numFilterConditions);
    error = copy_value(block, offsetof(FWPM_FILTER0, weight), (const FWP_CONDITION_VALUE0 *)&source->weight, 1);
    UINT32 count = source->numFilterConditions;
    if (error || !count) return error;
    if (count > 4096 || !readable(source->filterCondition, count * sizeof *source->filterCondition)) return FWP_E_NULL_POINTER;
    UINT32 list = block_append(block, NULL, count * sizeof *source->filterCondition);
    block_point(block, offsetof(FWPM_FILTER0, filterCondition), list);
    for (UINT32 i = 0; i < count && !error; i++) {
        const FWPM_FILTER_CONDITION0 *from = &source->filterCondition[i];
        UINT32 to = list + i * sizeof *from;
        memcpy(block->bytes + to, from, offsetof(FWPM_FILTER_CONDITION0, conditionValue));
        error = copy_value(block, to + offsetof(FWPM_FILTER_CONDITION0, conditionValue), &from->conditionValue, 0);
    }
    return error;
}
