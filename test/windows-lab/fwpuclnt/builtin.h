/* What is there from the start: layers, sublayers, providers. */
#pragma once
#include "store.h"

void builtin_add(struct table *table, void (*push)(struct table *, struct object *));
/** Type and data type of a layer's field; 0 when the layer has no such field. */
int builtin_field(const GUID *layer, const GUID *field, int *type, int *dataType);
/** NULL for an unknown layer. */
const FWPM_LAYER0 *builtin_layer(const GUID *layer);
/** How much the field weighs in an automatic weight, 0 the most. */
int builtin_field_rank(const GUID *layer, const GUID *field);
