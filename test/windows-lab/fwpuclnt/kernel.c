#include "kernel.h"
#include "builtin.h"
#include <winioctl.h>
#include "../filters.h"

#define LAB_IOCTL_FILTERS CTL_CODE(FILE_DEVICE_UNKNOWN, 0x806, METHOD_BUFFERED, FILE_ANY_ACCESS)

/** The layers that the lab's kernel plays by filters: ALE_AUTH_RECV_ACCEPT, ALE_AUTH_CONNECT, ALE_ENDPOINT_CLOSURE. */
static int is_played(UINT16 layerId) { return layerId == 44 || layerId == 46 || layerId == 48 || layerId == 50 || layerId == 64 || layerId == 65; }

static int number_of(const FWP_VALUE0 *value, UINT64 *number)
{
    switch (value->type) {
    case FWP_UINT8: *number = value->uint8; return 1;
    case FWP_UINT16: *number = value->uint16; return 1;
    case FWP_UINT32: *number = value->uint32; return 1;
    default: return 0;
    }
}

static void write_condition(LAB_CONDITION *to, const GUID *layer, const FWPM_FILTER_CONDITION0 *from)
{
    const FWP_CONDITION_VALUE0 *value = &from->conditionValue;
    to->field = (UINT16)builtin_field_index(layer, &from->fieldKey);
    to->match = (UINT16)from->matchType;
    to->kind = LAB_OTHER;
    if (value->type == FWP_RANGE_TYPE) {
        if (number_of(&value->rangeValue->valueLow, &to->low) && number_of(&value->rangeValue->valueHigh, &to->high)) to->kind = LAB_NUMBER;
    } else if (value->type == FWP_V4_ADDR_MASK) {
        to->kind = LAB_NUMBER_MASK;
        to->low = value->v4AddrMask->addr;
        to->high = value->v4AddrMask->mask;
    } else if (value->type == FWP_V6_ADDR_MASK) {
        to->kind = LAB_V6_PREFIX;
        to->low = value->v6AddrMask->prefixLength;
        memcpy(to->bytes, value->v6AddrMask->addr, 16);
    } else if (value->type == FWP_BYTE_ARRAY16_TYPE) {
        to->kind = LAB_BYTES;
        to->size = 16;
        memcpy(to->bytes, value->byteArray16->byteArray16, 16);
    } else if (value->type == FWP_BYTE_BLOB_TYPE && value->byteBlob->size <= sizeof to->bytes) {
        to->kind = LAB_BYTES;
        to->size = value->byteBlob->size;
        memcpy(to->bytes, value->byteBlob->data, to->size);
    } else if (number_of((const FWP_VALUE0 *)value, &to->low)) {
        to->kind = LAB_NUMBER;
    }
}

static int write_filter(LAB_FILTER *to, const struct object *object)
{
    void *memory = malloc(object->block->size + 8);
    const FWPM_FILTER0 *filter = block_place(object->block, memory);
    const FWPM_LAYER0 *layer = builtin_layer(&filter->layerKey);
    const struct object *subLayer = table_find(&committed, KIND_SUBLAYER, &filter->subLayerKey);
    int played = layer && subLayer && is_played(layer->layerId);
    if (played) {
        memset(to, 0, sizeof *to);
        to->id = object->id;
        to->weight = *filter->effectiveWeight.uint64;
        to->layerId = layer->layerId;
        memcpy(&to->subLayerWeight, subLayer->block->bytes + offsetof(FWPM_SUBLAYER0, weight), sizeof to->subLayerWeight);
        to->flags = filter->flags;
        to->action = filter->action.type;
        if (to->action & FWP_ACTION_FLAG_CALLOUT) memcpy(to->callout, &filter->action.calloutKey, sizeof to->callout);
        to->conditionCount = filter->numFilterConditions;
        if (to->conditionCount > LAB_MOST_CONDITIONS) to->conditionCount = 1, to->conditions[0].kind = LAB_OTHER;
        else for (UINT32 i = 0; i < to->conditionCount; i++) write_condition(&to->conditions[i], &filter->layerKey, &filter->filterCondition[i]);
    }
    free(memory);
    return played;
}

/** Heavy before light; of equal ones, about which nothing is documented, the older first. */
static int order(const void *one, const void *other)
{
    const LAB_FILTER *a = one, *b = other;
    if (a->layerId != b->layerId) return a->layerId < b->layerId ? -1 : 1;
    if (a->subLayerWeight != b->subLayerWeight) return a->subLayerWeight > b->subLayerWeight ? -1 : 1;
    if (a->weight != b->weight) return a->weight > b->weight ? -1 : 1;
    return a->id < b->id ? -1 : a->id > b->id;
}

int kernel_push(UINT64 version)
{
    DWORD done;
    if (!GetEnvironmentVariableW(L"SALLYPORT_LAB_KERNEL", NULL, 0)) return 1;
    HANDLE device = CreateFileW(L"\\\\.\\SallyportLab", GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
    if (device == INVALID_HANDLE_VALUE) return 0;
    LAB_FILTERS *list = malloc(sizeof *list + LAB_MOST_FILTERS * sizeof(LAB_FILTER));
    LAB_FILTER *filters = (LAB_FILTER *)(list + 1);
    *list = (LAB_FILTERS){ version, 0, 0 };
    for (UINT32 i = 0; i < committed.count && list->count < LAB_MOST_FILTERS; i++)
        if (committed.items[i]->kind == KIND_FILTER) list->count += write_filter(&filters[list->count], committed.items[i]);
    if (list->count == LAB_MOST_FILTERS) violation("more filters than the lab's kernel classifies by");
    qsort(filters, list->count, sizeof *filters, order);
    int told = DeviceIoControl(device, LAB_IOCTL_FILTERS, list, sizeof *list + list->count * sizeof *filters, NULL, 0, &done, NULL);
    free(list);
    CloseHandle(device);
    return told;
}
