/* What is there from the start: layers, sublayers, providers. */
#pragma once
#include "store.h"

void builtin_add(struct table *table, void (*push)(struct table *, struct object *));
/** Type and data type of a layer's field; 0 when the layer has no such field. */
int builtin_field(const GUID *layer, const GUID *field, int *type, int *dataType);
/** NULL for an unknown layer. */
const FWPM_LAYER0 *builtin_layer(const GUID *layer);
/** The field's place in the layer's values, -1 when it has none there. */
int builtin_field_index(const GUID *layer, const GUID *field);
/** How much the field weighs in an automatic weight, 0 the most. */
int builtin_field_rank(const GUID *layer, const GUID *field);
