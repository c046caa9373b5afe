#include "print.h"
#include <stdarg.h>

struct text { char *at, *end; };

static void put(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text->at, text->end - text->at, format, arguments);
    va_end(arguments);
    text->at += length < text->end - text->at ? length : text->end - text->at - 1;
}

static void put_string(struct text *text, const wchar_t *string)
{
    put(text, "\"");
    for (; string && *string; string++) put(text, "\\u%04x", *string);
    put(text, "\"");
}

static void put_hex(struct text *text, const void *data, UINT32 size)
{
    put(text, "\"");
    for (UINT32 i = 0; i < size; i++) put(text, "%02x", ((const unsigned char *)data)[i]);
    put(text, "\"");
}

static void put_guid(struct text *text, const GUID *guid)
{
    char buffer[40];
    put(text, "\"%s\"", guid_text(guid, buffer));
}

static void put_value(struct text *text, const FWP_CONDITION_VALUE0 *value)
{
    put(text, "{\"type\":%d,\"value\":", value->type);
    switch (value->type) {
    case FWP_UINT8: put(text, "%u", value->uint8); break;
    case FWP_UINT16: put(text, "%u", value->uint16); break;
    case FWP_UINT32: put(text, "%u", value->uint32); break;
    case FWP_UINT64: put(text, "\"%llu\"", *value->uint64); break;
    case FWP_BYTE_ARRAY16_TYPE: put_hex(text, value->byteArray16, 16); break;
    case FWP_BYTE_ARRAY6_TYPE: put_hex(text, value->byteArray6, 6); break;
    case FWP_BYTE_BLOB_TYPE: case FWP_SECURITY_DESCRIPTOR_TYPE: put_hex(text, value->byteBlob->data, value->byteBlob->size); break;
    case FWP_SID: put_hex(text, value->sid, GetLengthSid(value->sid)); break;
    case FWP_UNICODE_STRING_TYPE: put_string(text, value->unicodeString); break;
    case FWP_V4_ADDR_MASK: put(text, "[%lu,%lu]", (unsigned long)value->v4AddrMask->addr, (unsigned long)value->v4AddrMask->mask); break;
    case FWP_V6_ADDR_MASK: put_hex(text, value->v6AddrMask, 17); break;
    case FWP_RANGE_TYPE:
        put(text, "[");
        put_value(text, (const FWP_CONDITION_VALUE0 *)&value->rangeValue->valueLow);
        put(text, ",");
        put_value(text, (const FWP_CONDITION_VALUE0 *)&value->rangeValue->valueHigh);
        put(text, "]");
        break;
    default: put(text, "null");
    }
    put(text, "}");
}

static void put_head(struct text *text, const char *call, const struct common *object, DWORD error)
{
    put(text, "\"call\":\"%s\",\"error\":%lu,\"key\":", call, error);
    put_guid(text, &object->key);
    put(text, ",\"name\":");
    put_string(text, object->displayData.name);
    put(text, ",\"flags\":%u", object->flags);
}

void print_object(const char *call, const struct common *object, DWORD error)
{
    static char buffer[64 * 1024];
    struct text text = { buffer, buffer + sizeof buffer };
    put_head(&text, call, object, error);
    trace("%s", buffer);
}

void print_filter(const FWPM_FILTER0 *filter, DWORD error)
{
    static char buffer[128 * 1024];
    struct text text = { buffer, buffer + sizeof buffer };
    put_head(&text, "FwpmFilterAdd0", (const struct common *)filter, error);
    put(&text, ",\"layerKey\":");
    put_guid(&text, &filter->layerKey);
    put(&text, ",\"subLayerKey\":");
    put_guid(&text, &filter->subLayerKey);
    if (filter->providerKey) {
        put(&text, ",\"providerKey\":");
        put_guid(&text, filter->providerKey);
    }
    put(&text, ",\"providerData\":");
    put_hex(&text, filter->providerData.data, filter->providerData.size);
    put(&text, ",\"weight\":");
    put_value(&text, (const FWP_CONDITION_VALUE0 *)&filter->weight);
    put(&text, ",\"action\":{\"type\":%u,\"calloutKey\":", filter->action.type);
    put_guid(&text, &filter->action.calloutKey);
    put(&text, "},\"conditions\":[");
    for (UINT32 i = 0; i < filter->numFilterConditions; i++) {
        put(&text, "%s{\"fieldKey\":", i ? "," : "");
        put_guid(&text, &filter->filterCondition[i].fieldKey);
        put(&text, ",\"matchType\":%d,\"value\":", filter->filterCondition[i].matchType);
        put_value(&text, &filter->filterCondition[i].conditionValue);
        put(&text, "}");
    }
    put(&text, "]");
    trace("%s", buffer);
}
