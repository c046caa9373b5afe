#include "check.h"
#include "builtin.h"

DWORD not_found(enum kind kind)
{
    static const DWORD codes[KIND_COUNT] = { FWP_E_PROVIDER_NOT_FOUND, FWP_E_PROVIDER_CONTEXT_NOT_FOUND, FWP_E_SUBLAYER_NOT_FOUND,
                                             FWP_E_CALLOUT_NOT_FOUND, FWP_E_FILTER_NOT_FOUND, FWP_E_LAYER_NOT_FOUND, FWP_E_NOT_FOUND };
    return codes[kind];
}

static int lasting(const struct object *object) { return object->lifetime == PERSISTENT || object->lifetime == BOOTTIME; }

DWORD check_reference(const struct object *from, const struct object *to, const GUID *fromProvider)
{
    if (to->lifetime == DYNAMIC && (from->lifetime != DYNAMIC || !guid_equal(&from->session, &to->session))) return FWP_E_LIFETIME_MISMATCH;
    if (to->lifetime == STATIC && lasting(from)) return FWP_E_LIFETIME_MISMATCH;
    if (to->lifetime == PERSISTENT && lasting(from) && to->kind != KIND_PROVIDER) {
        void *memory = malloc(to->block->size + 8);
        const GUID *owner = provider_of(to, block_place(to->block, memory));
        int other = owner && (!fromProvider || !guid_equal(owner, fromProvider));
        free(memory);
        if (other) return FWP_E_LIFETIME_MISMATCH;
    }
    return 0;
}

const GUID *provider_of(const struct object *object, const void *placed)
{
    return object->kind == KIND_PROVIDER || object->kind > KIND_FILTER ? NULL : ((const FWPM_FILTER0 *)placed)->providerKey;
}

DWORD check_new(struct session *session, const struct object *object, const GUID *providerKey, DWORD allowedFlags)
{
    UINT32 flags;
    memcpy(&flags, object->block->bytes + offsetof(struct common, flags), sizeof flags);
    if (flags & ~allowedFlags) return FWP_E_INVALID_FLAGS;
    if (table_find(&session->view, object->kind, &object->key)) return FWP_E_ALREADY_EXISTS;
    if (!providerKey) return 0;
    struct object *provider = table_find(&session->view, KIND_PROVIDER, providerKey);
    return provider ? check_reference(object, provider, providerKey) : FWP_E_PROVIDER_NOT_FOUND;
}

static int is_unsigned(int type) { return type >= FWP_UINT8 && type <= FWP_UINT64; }
static int is_sortable(int type)
{
    return (type >= FWP_UINT8 && type <= FWP_INT64) || type == FWP_BYTE_ARRAY16_TYPE || type == FWP_BYTE_BLOB_TYPE || type == FWP_UNICODE_STRING_TYPE;
}
static int is_mask(int type) { return type == FWP_V4_ADDR_MASK || type == FWP_V6_ADDR_MASK; }

/** The type that the condition compares; -1 for a range whose ends differ. */
static int compared(const FWP_CONDITION_VALUE0 *value)
{
    if (value->type == FWP_V4_ADDR_MASK) return FWP_UINT32;
    if (value->type == FWP_V6_ADDR_MASK) return FWP_BYTE_ARRAY16_TYPE;
    if (value->type != FWP_RANGE_TYPE) return value->type;
    return value->rangeValue->valueLow.type == value->rangeValue->valueHigh.type ? (int)value->rangeValue->valueLow.type : -1;
}

static DWORD check_type(int fieldType, int dataType, const FWP_CONDITION_VALUE0 *value, int enumerating)
{
    if (value->type == FWP_EMPTY) return 0;
    if (dataType == FWP_TOKEN_ACCESS_INFORMATION_TYPE || dataType == FWP_TOKEN_INFORMATION_TYPE)
        return value->type == FWP_SECURITY_DESCRIPTOR_TYPE || (enumerating && value->type == FWP_SID) ? 0 : FWP_E_TYPE_MISMATCH;
    if (is_mask(value->type) && fieldType != FWPM_FIELD_IP_ADDRESS) return FWP_E_TYPE_MISMATCH;
    return compared(value) == dataType ? 0 : FWP_E_TYPE_MISMATCH;
}

static int match_allowed(int match, const FWP_CONDITION_VALUE0 *value)
{
    int type = compared(value), range = value->type == FWP_RANGE_TYPE, mask = is_mask(value->type);
    switch (match) {
    case FWP_MATCH_EQUAL: return !range;
    case FWP_MATCH_NOT_EQUAL: return !range && (is_sortable(type) || type == FWP_SID || type == FWP_EMPTY);
    case FWP_MATCH_RANGE: return range && is_sortable(type);
    case FWP_MATCH_GREATER: case FWP_MATCH_LESS: case FWP_MATCH_GREATER_OR_EQUAL: case FWP_MATCH_LESS_OR_EQUAL:
        return !range && !mask && is_sortable(type);
    case FWP_MATCH_FLAGS_ALL_SET: case FWP_MATCH_FLAGS_ANY_SET: case FWP_MATCH_FLAGS_NONE_SET: return !range && !mask && is_unsigned(type);
    case FWP_MATCH_EQUAL_CASE_INSENSITIVE: return type == FWP_UNICODE_STRING_TYPE && !range;
    case 11: case 12: /* FWP_MATCH_PREFIX, FWP_MATCH_NOT_PREFIX: not in mingw's header */
        return (type == FWP_BYTE_BLOB_TYPE || type == FWP_UNICODE_STRING_TYPE) && !range;
    default: return 0;
    }
}

/** Signed and unsigned integers up to 64 bits on one scale; 0 when the type is none. */
static int integer(const FWP_VALUE0 *value, __int128 *out)
{
    switch (value->type) {
    case FWP_UINT8: *out = value->uint8; return 1;
    case FWP_UINT16: *out = value->uint16; return 1;
    case FWP_UINT32: *out = value->uint32; return 1;
    case FWP_UINT64: *out = *value->uint64; return 1;
    case FWP_INT8: *out = value->int8; return 1;
    case FWP_INT16: *out = value->int16; return 1;
    case FWP_INT32: *out = value->int32; return 1;
    case FWP_INT64: *out = *value->int64; return 1;
    default: return 0;
    }
}

/** Low and high end of what an EQUAL, RANGE or mask condition admits, as 17 big-endian bytes that memcmp orders; 0: not of that kind. */
static int interval(const FWPM_FILTER_CONDITION0 *condition, unsigned char low[17], unsigned char high[17])
{
    const FWP_CONDITION_VALUE0 *value = &condition->conditionValue;
    const FWP_VALUE0 *ends[2] = { (const FWP_VALUE0 *)value, (const FWP_VALUE0 *)value };
    unsigned char *into[2] = { low, high };
    memset(low, 0, 17);
    memset(high, 0, 17);
    if (value->type == FWP_V6_ADDR_MASK) {
        int prefix = value->v6AddrMask->prefixLength;
        for (int bit = 0; bit < 128; bit++) {
            int set = (value->v6AddrMask->addr[bit / 8] >> (7 - bit % 8)) & 1;
            if (bit >= prefix || set) high[1 + bit / 8] |= 0x80 >> bit % 8;
            if (bit < prefix && set) low[1 + bit / 8] |= 0x80 >> bit % 8;
        }
        return 1;
    }
    if (condition->matchType != FWP_MATCH_EQUAL && condition->matchType != FWP_MATCH_RANGE) return 0;
    if (value->type == FWP_RANGE_TYPE) {
        ends[0] = &value->rangeValue->valueLow;
        ends[1] = &value->rangeValue->valueHigh;
    }
    for (int i = 0; i < 2; i++) {
        __int128 number;
        if (ends[i]->type == FWP_BYTE_ARRAY16_TYPE) {
            memcpy(into[i] + 1, ends[i]->byteArray16, 16);
            continue;
        }
        if (value->type == FWP_V4_ADDR_MASK) {
            UINT32 net = value->v4AddrMask->addr & value->v4AddrMask->mask;
            number = i ? net | ~value->v4AddrMask->mask : net;
        } else if (!integer(ends[i], &number)) {
            return 0;
        }
        number += (__int128)1 << 64;
        for (int byte = 0; byte < 16; byte++) into[i][1 + byte] = (unsigned char)(number >> (8 * (15 - byte)));
    }
    return 1;
}

static DWORD check_bounds(const FWPM_FILTER_CONDITION0 *condition)
{
    const FWP_CONDITION_VALUE0 *value = &condition->conditionValue;
    unsigned char low[17], high[17];
    if (value->type == FWP_V6_ADDR_MASK && value->v6AddrMask->prefixLength > 128) return FWP_E_INVALID_NET_MASK;
    if (value->type == FWP_RANGE_TYPE && interval(condition, low, high) && memcmp(low, high, 17) > 0) return FWP_E_INVALID_RANGE;
    __int128 number;
    if (value->type <= FWP_INT64 && integer((const FWP_VALUE0 *)value, &number)) {
        static const struct { __int128 low, high; } ends[] = {
            { 0, 0 }, { 0, 0xff }, { 0, 0xffff }, { 0, 0xffffffff }, { 0, 0xffffffffffffffffull },
            { -128, 127 }, { -32768, 32767 }, { -2147483648LL, 2147483647 }, { -0x7fffffffffffffffLL - 1, 0x7fffffffffffffffLL } };
        if (condition->matchType == FWP_MATCH_GREATER && number == ends[value->type].high) return FWP_E_NEVER_MATCH;
        if (condition->matchType == FWP_MATCH_LESS && number == ends[value->type].low) return FWP_E_NEVER_MATCH;
    }
    return 0;
}

DWORD check_conditions(const GUID *layer, const FWPM_FILTER_CONDITION0 *list, UINT32 count, int enumerating)
{
    for (UINT32 i = 0; i < count; i++) {
        int type, dataType;
        if (!builtin_field(layer, &list[i].fieldKey, &type, &dataType)) return FWP_E_CONDITION_NOT_FOUND;
        for (UINT32 j = 0; enumerating && j < i; j++)
            if (guid_equal(&list[i].fieldKey, &list[j].fieldKey)) return FWP_E_DUPLICATE_CONDITION;
        DWORD error = check_type(type, dataType, &list[i].conditionValue, enumerating);
        if (!error && !match_allowed(list[i].matchType, &list[i].conditionValue)) error = FWP_E_MATCH_TYPE_MISMATCH;
        if (!error) error = check_bounds(&list[i]);
        if (error) return error;
    }
    return 0;
}

/** The engine's own weight: more exact conditions and fields further ahead weigh more. Its value is promised to nobody, its order is. */
static UINT64 automatic_weight(const FWPM_FILTER0 *filter)
{
    UINT64 weight = 0;
    for (UINT32 i = 0; i < filter->numFilterConditions; i++) {
        const FWPM_FILTER_CONDITION0 *condition = &filter->filterCondition[i];
        int exact = condition->matchType == FWP_MATCH_EQUAL && !is_mask(condition->conditionValue.type);
        int type, dataType, rank = builtin_field_rank(&filter->layerKey, &condition->fieldKey);
        builtin_field(&filter->layerKey, &condition->fieldKey, &type, &dataType);
        UINT64 prefix = condition->conditionValue.type == FWP_V4_ADDR_MASK ? __builtin_popcount(condition->conditionValue.v4AddrMask->mask)
                      : condition->conditionValue.type == FWP_V6_ADDR_MASK ? condition->conditionValue.v6AddrMask->prefixLength
                      : dataType == FWP_BYTE_ARRAY16_TYPE ? 128 : 32;
        if (type == FWPM_FIELD_IP_ADDRESS && condition->matchType == FWP_MATCH_EQUAL) weight |= prefix << 52;
        else weight |= (exact ? 3ull : 1ull) << (48 - 4 * rank);
    }
    return weight & FWPM_AUTO_WEIGHT_MAX;
}

static int action_valid(UINT32 type)
{
    return type == FWP_ACTION_BLOCK || type == FWP_ACTION_PERMIT || type == FWP_ACTION_CALLOUT_TERMINATING ||
           type == FWP_ACTION_CALLOUT_INSPECTION || type == FWP_ACTION_CALLOUT_UNKNOWN || type == FWP_ACTION_CONTINUE;
}

#define FILTER_FLAGS 0xfdfu

DWORD check_filter(struct session *session, struct object *object, const FWPM_FILTER0 *filter, UINT64 *effectiveWeight)
{
    UINT32 flags = filter->flags;
    if ((flags & FWPM_FILTER_FLAG_PERSISTENT) && (flags & FWPM_FILTER_FLAG_BOOTTIME)) return FWP_E_INVALID_FLAGS;
    DWORD error = check_new(session, object, filter->providerKey, FILTER_FLAGS);
    if (error) return error;
    const FWPM_LAYER0 *layer = builtin_layer(&filter->layerKey);
    if (!layer) return FWP_E_LAYER_NOT_FOUND;
    if ((flags & FWPM_FILTER_FLAG_BOOTTIME) && !(layer->flags & FWPM_LAYER_FLAG_KERNEL)) return FWP_E_INCOMPATIBLE_LAYER;
    struct object *subLayer = table_find(&session->view, KIND_SUBLAYER, &filter->subLayerKey);
    if (!subLayer) return FWP_E_SUBLAYER_NOT_FOUND;
    if ((error = check_reference(object, subLayer, filter->providerKey))) return error;
    if (!action_valid(filter->action.type)) return FWP_E_INVALID_ACTION_TYPE;
    int decides = filter->action.type == FWP_ACTION_CALLOUT_TERMINATING || filter->action.type == FWP_ACTION_CALLOUT_UNKNOWN;
    if ((flags & FWPM_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED) && !decides) return FWP_E_INVALID_FLAGS;
    struct object *callout = NULL;
    if (filter->action.type & FWP_ACTION_FLAG_CALLOUT) {
        if (!(callout = table_find(&session->view, KIND_CALLOUT, &filter->action.calloutKey))) return FWP_E_CALLOUT_NOT_FOUND;
        if (memcmp(callout->block->bytes + offsetof(FWPM_CALLOUT0, applicableLayer), &filter->layerKey, sizeof(GUID))) return FWP_E_INCOMPATIBLE_LAYER;
        if ((error = check_reference(object, callout, filter->providerKey))) return error;
    }
    if (flags & FWPM_FILTER_FLAG_HAS_PROVIDER_CONTEXT) {
        struct object *context = table_find(&session->view, KIND_PROVIDER_CONTEXT, &filter->providerContextKey);
        if (!context) return FWP_E_PROVIDER_CONTEXT_NOT_FOUND;
        if ((error = check_reference(object, context, filter->providerKey))) return error;
        UINT32 calloutFlags = FWPM_CALLOUT_FLAG_USES_PROVIDER_CONTEXT;
        if (callout) memcpy(&calloutFlags, callout->block->bytes + offsetof(struct common, flags), sizeof calloutFlags);
        if (!(calloutFlags & FWPM_CALLOUT_FLAG_USES_PROVIDER_CONTEXT)) return FWP_E_PROVIDER_CONTEXT_MISMATCH;
    }
    if ((error = check_conditions(&filter->layerKey, filter->filterCondition, filter->numFilterConditions, 0))) return error;
    switch (filter->weight.type) {
    case FWP_EMPTY: *effectiveWeight = automatic_weight(filter); return 0;
    case FWP_UINT64: *effectiveWeight = *filter->weight.uint64; return 0;
    case FWP_UINT8:
        if (filter->weight.uint8 > FWPM_WEIGHT_RANGE_MAX) return FWP_E_INVALID_WEIGHT;
        *effectiveWeight = ((UINT64)filter->weight.uint8 << FWPM_AUTO_WEIGHT_BITS) | automatic_weight(filter);
        return 0;
    default: return FWP_E_INVALID_WEIGHT;
    }
}

static int refers(const struct object *from, const struct object *to)
{
    void *memory = malloc(from->block->size + 8);
    const FWPM_FILTER0 *filter = block_place(from->block, memory);
    const GUID *provider = provider_of(from, filter);
    int found = to->kind == KIND_PROVIDER && provider && guid_equal(provider, &to->key);
    if (!found && from->kind == KIND_FILTER) {
        if (to->kind == KIND_SUBLAYER) found = guid_equal(&filter->subLayerKey, &to->key);
        if (to->kind == KIND_CALLOUT) found = (filter->action.type & FWP_ACTION_FLAG_CALLOUT) && guid_equal(&filter->action.calloutKey, &to->key);
        if (to->kind == KIND_PROVIDER_CONTEXT)
            found = (filter->flags & FWPM_FILTER_FLAG_HAS_PROVIDER_CONTEXT) && guid_equal(&filter->providerContextKey, &to->key);
    }
    free(memory);
    return found;
}

DWORD check_delete(struct session *session, const struct object *object)
{
    if (object->lifetime == BUILTIN) return FWP_E_BUILTIN_OBJECT;
    if (session->dynamic && object->lifetime != DYNAMIC) return FWP_E_DYNAMIC_SESSION_IN_PROGRESS;
    if (session->dynamic && !guid_equal(&object->session, &session->key)) return FWP_E_WRONG_SESSION;
    for (UINT32 i = 0; object->kind != KIND_FILTER && i < session->view.count; i++)
        if (session->view.items[i]->kind <= KIND_FILTER && session->view.items[i] != object && refers(session->view.items[i], object)) return FWP_E_IN_USE;
    return 0;
}

static int one_fits(const FWPM_FILTER_CONDITION0 *own, const FWPM_FILTER_CONDITION0 *wanted, int contained)
{
    unsigned char low[17], high[17], wantedLow[17], wantedHigh[17];
    if (interval(own, low, high) && interval(wanted, wantedLow, wantedHigh))
        return contained ? memcmp(low, wantedLow, 17) >= 0 && memcmp(high, wantedHigh, 17) <= 0
                         : memcmp(low, wantedHigh, 17) <= 0 && memcmp(high, wantedLow, 17) >= 0;
    if (own->conditionValue.type == FWP_BYTE_BLOB_TYPE && wanted->conditionValue.type == FWP_BYTE_BLOB_TYPE) {
        const FWP_BYTE_BLOB *a = own->conditionValue.byteBlob, *b = wanted->conditionValue.byteBlob;
        return a->size == b->size && !memcmp(a->data, b->data, a->size);
    }
    return !contained;
}

int conditions_fit(const FWPM_FILTER0 *filter, const FWPM_FILTER_ENUM_TEMPLATE0 *template)
{
    int contained = template->enumType == FWP_FILTER_ENUM_FULLY_CONTAINED;
    for (UINT32 w = 0; w < template->numFilterConditions; w++) {
        int seen = 0;
        for (UINT32 i = 0; i < filter->numFilterConditions; i++) {
            if (!guid_equal(&filter->filterCondition[i].fieldKey, &template->filterCondition[w].fieldKey)) continue;
            seen = 1;
            if (!one_fits(&filter->filterCondition[i], &template->filterCondition[w], contained)) return 0;
        }
        if (contained && !seen) return 0;
    }
    return 1;
}
