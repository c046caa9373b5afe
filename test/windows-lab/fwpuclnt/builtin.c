#include "builtin.h"
#include "layers.gen.h"

static FWPM_LAYER0 layers[ARRAYSIZE(builtinLayers)];

static struct object *new_builtin(enum kind kind, const GUID *key, const wchar_t *name, UINT64 id, UINT32 size)
{
    struct object *object = calloc(1, sizeof *object);
    object->refs = 1;
    object->kind = kind;
    object->lifetime = BUILTIN;
    object->key = *key;
    object->id = id;
    object->block = block_new();
    block_append(object->block, NULL, size);
    memcpy(object->block->bytes, key, sizeof *key);
    copy_string(object->block, offsetof(struct common, displayData.name), name);
    return object;
}

void builtin_add(struct table *table, void (*push)(struct table *, struct object *))
{
    for (UINT32 i = 0; i < ARRAYSIZE(builtinProviders); i++)
        push(table, new_builtin(KIND_PROVIDER, &builtinProviders[i].key, builtinProviders[i].name, 0, sizeof(FWPM_PROVIDER0)));
    for (UINT32 i = 0; i < ARRAYSIZE(builtinSubLayers); i++) {
        struct object *object = new_builtin(KIND_SUBLAYER, &builtinSubLayers[i].key, builtinSubLayers[i].name, 0, sizeof(FWPM_SUBLAYER0));
        memcpy(object->block->bytes + offsetof(FWPM_SUBLAYER0, weight), &builtinSubLayers[i].weight, 2);
        push(table, object);
    }
    for (UINT32 i = 0; i < ARRAYSIZE(builtinLayers); i++) {
        struct object *object = new_builtin(KIND_LAYER, &builtinLayers[i].key, builtinLayers[i].name, builtinLayers[i].id, sizeof(FWPM_LAYER0));
        UINT32 count = builtinLayers[i].fieldCount;
        layers[i].layerKey = builtinLayers[i].key;
        layers[i].flags = builtinLayers[i].flags;
        layers[i].numFields = count;
        layers[i].defaultSubLayerKey = builtinLayers[i].subLayer;
        layers[i].layerId = builtinLayers[i].id;
        memcpy(object->block->bytes + offsetof(FWPM_LAYER0, flags), &layers[i].flags, sizeof layers[i].flags);
        memcpy(object->block->bytes + offsetof(FWPM_LAYER0, numFields), &count, sizeof count);
        memcpy(object->block->bytes + offsetof(FWPM_LAYER0, defaultSubLayerKey), &layers[i].defaultSubLayerKey, sizeof(GUID));
        memcpy(object->block->bytes + offsetof(FWPM_LAYER0, layerId), &layers[i].layerId, sizeof(UINT16));
        UINT32 list = block_append(object->block, NULL, count * sizeof(FWPM_FIELD0));
        block_point(object->block, offsetof(FWPM_LAYER0, field), list);
        for (UINT32 f = 0; f < count; f++) {
            FWPM_FIELD0 field = { NULL, builtinFields[builtinLayers[i].firstField + f].type, builtinFields[builtinLayers[i].firstField + f].dataType };
            UINT32 at = list + f * sizeof field;
            memcpy(object->block->bytes + at, &field, sizeof field);
            UINT32 key = block_append(object->block, &builtinFields[builtinLayers[i].firstField + f].key, sizeof(GUID));
            block_point(object->block, at, key);
        }
        push(table, object);
    }
}

const FWPM_LAYER0 *builtin_layer(const GUID *layer)
{
    for (UINT32 i = 0; i < ARRAYSIZE(layers); i++)
        if (guid_equal(&builtinLayers[i].key, layer)) return &layers[i];
    return NULL;
}

int builtin_field_index(const GUID *layer, const GUID *field)
{
    for (UINT32 i = 0; i < ARRAYSIZE(layers); i++)
        for (int f = 0; guid_equal(&builtinLayers[i].key, layer) && f < builtinLayers[i].fieldCount; f++)
            if (guid_equal(&builtinFields[builtinLayers[i].firstField + f].key, field)) return f;
    return -1;
}

int builtin_field(const GUID *layer, const GUID *field, int *type, int *dataType)
{
    for (UINT32 i = 0; i < ARRAYSIZE(layers); i++) {
        if (!guid_equal(&builtinLayers[i].key, layer)) continue;
        int f = builtin_field_index(layer, field);
        if (f < 0) return 0;
        *type = builtinFields[builtinLayers[i].firstField + f].type;
        *dataType = builtinFields[builtinLayers[i].firstField + f].dataType;
        return 1;
    }
    return 0;
}

int builtin_field_rank(const GUID *layer, const GUID *field)
{
    for (UINT32 i = 0; i < ARRAYSIZE(layers); i++) {
        int f = guid_equal(&builtinLayers[i].key, layer) ? builtin_field_index(layer, field) : -1;
        if (f >= 0) return builtinFields[builtinLayers[i].firstField + f].rank;
    }
    return 0;
}
