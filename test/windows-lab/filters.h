/* What the two stand-ins share: the filters of the engine (fwpuclnt/kernel.c) as the kernel classifies by them (fwpkclnt/arbitrate.c). */
#pragma once

/* One condition. Numbers in `low` (and `high`: the end of a range, or a mask); other values in `bytes`. */
typedef struct LAB_CONDITION {
    UINT16 field; /* place in the layer's incoming values */
    UINT16 match; /* FWP_MATCH_TYPE */
    UINT32 kind;  /* LAB_CONDITION_KIND */
    UINT64 low, high;
    UINT32 size; /* of `bytes` */
    UINT32 reserved;
    UINT8 bytes[160];
} LAB_CONDITION;

enum LAB_CONDITION_KIND { LAB_NUMBER = 1, LAB_NUMBER_MASK = 2, LAB_BYTES = 3, LAB_V6_PREFIX = 4, LAB_OTHER = 5 };
#define LAB_MOST_CONDITIONS 8

typedef struct LAB_FILTER {
    UINT64 id, weight;
    UINT8 callout[16]; /* the key, of a callout filter */
    UINT16 layerId, subLayerWeight;
    UINT32 flags;  /* FWPM_FILTER_FLAG_* */
    UINT32 action; /* FWP_ACTION_TYPE */
    UINT32 conditionCount;
    LAB_CONDITION conditions[LAB_MOST_CONDITIONS];
} LAB_FILTER;

/* All filters of the layers that are played: by layer, then sublayers and filters from heavy to light. A list with a lower version than the
 * last one is late and left out. `count` LAB_DISCONNECT: from now on the callout of a layer is called whatever the engine holds. */
typedef struct LAB_FILTERS {
    UINT64 version;
    UINT32 count;
    UINT32 reserved;
} LAB_FILTERS;

#define LAB_DISCONNECT 0xffffffffu
#define LAB_MOST_FILTERS 1024u

C_ASSERT(sizeof(LAB_CONDITION) == 192);
C_ASSERT(sizeof(LAB_FILTER) == 48 + 192 * LAB_MOST_CONDITIONS);
C_ASSERT(sizeof(LAB_FILTERS) == 16);
