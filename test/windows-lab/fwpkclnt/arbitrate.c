/*
 * Which filters a classify meets, and what comes of it: sublayers and filters from heavy to light, hard and soft decisions, vetoes.
 * https://learn.microsoft.com/windows/win32/fwp/filter-arbitration
 * What the lab cannot evaluate is a violation, not a guess.
 */
#include "flow.h"

#define FWPM_FLAG_CLEAR_ACTION_RIGHT 0x8u
#define FWPM_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED 0x10u
/* FWP_MATCH_TYPE */
enum { MATCH_EQUAL = 0, MATCH_RANGE = 5, MATCH_ALL_SET = 6, MATCH_ANY_SET = 7, MATCH_NONE_SET = 8, MATCH_NOT_EQUAL = 10 };

typedef struct FILTERS {
    LONG users; /* one for being current */
    UINT64 version;
    UINT32 count;
    LAB_FILTER filters[];
} FILTERS;

static FILTERS *Current;

static FILTERS *Hold(void)
{
    KIRQL irql;
    LabLock(&irql);
    FILTERS *filters = Current;
    if (filters) filters->users++;
    LabUnlock(irql);
    return filters;
}

static void Release(FILTERS *filters)
{
    KIRQL irql;
    LabLock(&irql);
    LONG left = filters ? --filters->users : 1;
    LabUnlock(irql);
    if (!left) Free(filters);
}

NTSTATUS FiltersTake(const LAB_FILTERS *list, ULONG size)
{
    KIRQL irql;
    FILTERS *taken = NULL;
    if (list->count != LAB_DISCONNECT) {
        if (list->count > LAB_MOST_FILTERS || size != sizeof *list + list->count * sizeof(LAB_FILTER)) return STATUS_INVALID_PARAMETER;
        taken = Allocate(sizeof *taken + list->count * sizeof(LAB_FILTER));
        if (!taken) return STATUS_INSUFFICIENT_RESOURCES;
        taken->users = 1;
        taken->version = list->version;
        taken->count = list->count;
        RtlCopyMemory(taken->filters, list + 1, list->count * sizeof(LAB_FILTER));
    }
    LabLock(&irql);
    FILTERS *old = taken && Current && Current->version > taken->version ? taken : Current;
    if (old == Current) Current = taken;
    LabUnlock(irql);
    Release(old);
    return STATUS_SUCCESS;
}

void FiltersFree(void)
{
    Release(Current);
    Current = NULL;
}

static BOOLEAN NumberOf(const FWP_VALUE0 *value, UINT64 *number)
{
    switch (value->type) {
    case FWP_UINT8: *number = value->uint8; return TRUE;
    case FWP_UINT16: *number = value->uint16; return TRUE;
    case FWP_UINT32: *number = value->uint32; return TRUE;
    default: return FALSE;
    }
}

static BOOLEAN NumberHolds(const LAB_CONDITION *condition, UINT64 number)
{
    switch (condition->match) {
    case MATCH_EQUAL: return number == condition->low;
    case MATCH_NOT_EQUAL: return number != condition->low;
    case MATCH_RANGE: return number >= condition->low && number <= condition->high;
    case MATCH_ALL_SET: return (number & condition->low) == condition->low;
    case MATCH_ANY_SET: return (number & condition->low) != 0;
    case MATCH_NONE_SET: return (number & condition->low) == 0;
    default: Violation("a filter with a match type that the lab does not evaluate"); return FALSE;
    }
}

static BOOLEAN PrefixHolds(const LAB_CONDITION *condition, const UINT8 *address)
{
    for (UINT64 bit = 0; bit < condition->low; bit++)
        if ((address[bit / 8] ^ condition->bytes[bit / 8]) & (0x80 >> bit % 8)) return FALSE;
    return TRUE;
}

static BOOLEAN Holds(const LAB_CONDITION *condition, const CALL *shown)
{
    const FWP_VALUE0 *value = &shown->values[condition->field].value;
    UINT64 number;
    if (condition->field >= shown->fixed.valueCount || value->type == FWP_EMPTY) {
        Violation("a filter with a condition on a field that is not played");
        return FALSE;
    }
    switch (condition->kind) {
    case LAB_NUMBER:
        if (NumberOf(value, &number)) return NumberHolds(condition, number);
        break;
    case LAB_NUMBER_MASK:
        if (NumberOf(value, &number) && condition->match == MATCH_EQUAL) return (number & condition->high) == (condition->low & condition->high);
        break;
    case LAB_V6_PREFIX:
        if (value->type == FWP_BYTE_ARRAY16_TYPE && condition->match == MATCH_EQUAL) return PrefixHolds(condition, value->byteArray16->byteArray16);
        break;
    case LAB_BYTES:
        if (condition->match != MATCH_EQUAL) break;
        if (value->type == FWP_BYTE_ARRAY16_TYPE) return SameBytes(value->byteArray16->byteArray16, condition->bytes, 16);
        if (value->type == FWP_BYTE_BLOB_TYPE)
            return value->byteBlob->size == condition->size && SameBytes(value->byteBlob->data, condition->bytes, condition->size);
        break;
    default: break;
    }
    Violation("a filter with a condition that the lab does not evaluate");
    return FALSE;
}

/** Conditions on one field are alternatives, those on different fields must all hold. */
static BOOLEAN Matches(const LAB_FILTER *filter, const CALL *shown)
{
    for (ULONG i = 0; i < filter->conditionCount; i++) {
        BOOLEAN earlier = FALSE, any = FALSE;
        for (ULONG j = 0; j < i; j++) earlier |= filter->conditions[j].field == filter->conditions[i].field;
        for (ULONG j = i; !earlier && j < filter->conditionCount; j++)
            any |= filter->conditions[j].field == filter->conditions[i].field && Holds(&filter->conditions[j], shown);
        if (!earlier && !any) return FALSE;
    }
    return TRUE;
}

/** What one filter says; CONTINUE: nothing that ends its sublayer. */
static OUTCOME Evaluate(const LAB_FILTER *filter, const CLASSIFICATION *one, BOOLEAN right)
{
    OUTCOME outcome = { filter->action, FALSE, FALSE };
    BOOLEAN hard = (filter->flags & FWPM_FLAG_CLEAR_ACTION_RIGHT) != 0;
    if (filter->action == FWP_ACTION_PERMIT) outcome.right = !hard;
    if (!(filter->action & FWP_ACTION_FLAG_CALLOUT)) return outcome;
    UINT32 calloutId;
    FWPS_CALLOUT_CLASSIFY_FN2 classify = CalloutByKey(filter->callout, &calloutId);
    BOOLEAN lenient = (filter->flags & FWPM_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED) != 0;
    if (classify) {
        ASKING asking = { filter->id, (UINT16)((hard ? FWPS_FILTER_FLAG_CLEAR_ACTION_RIGHT : 0) |
                                               (lenient ? FWPS_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED : 0)),
                          right ? FWPS_RIGHT_ACTION_WRITE : 0 };
        return AskCallout(one, &asking, classify, calloutId);
    }
    outcome.action = lenient ? FWP_ACTION_PERMIT : FWP_ACTION_BLOCK;
    outcome.right = lenient && !hard;
    return outcome;
}

/** What a sublayer says on top of what the heavier ones said. */
static void Merge(OUTCOME *carried, const OUTCOME *yielded, BOOLEAN byCallout)
{
    if (carried->action == FWP_ACTION_CONTINUE || carried->right) {
        if (carried->action == FWP_ACTION_BLOCK && yielded->action == FWP_ACTION_BLOCK) carried->right = carried->right && yielded->right;
        else *carried = *yielded;
    } else if (carried->action == FWP_ACTION_PERMIT && yielded->action == FWP_ACTION_BLOCK && byCallout) {
        *carried = *yielded; /* a veto */
    }
}

static OUTCOME Layer(const FILTERS *filters, const CLASSIFICATION *one, const CALL *shown)
{
    OUTCOME carried = { FWP_ACTION_CONTINUE, TRUE, FALSE };
    LONG said = -1; /* the sublayer that has said something */
    for (ULONG i = 0; i < filters->count; i++) {
        const LAB_FILTER *filter = &filters->filters[i];
        if (filter->layerId != one->flow->layer || filter->subLayerWeight == said || !Matches(filter, shown)) continue;
        OUTCOME yielded = Evaluate(filter, one, carried.right);
        if (yielded.held) return yielded;
        if (yielded.action != FWP_ACTION_PERMIT && yielded.action != FWP_ACTION_BLOCK) continue;
        said = filter->subLayerWeight;
        Merge(&carried, &yielded, (filter->action & FWP_ACTION_FLAG_CALLOUT) != 0);
    }
    /* Nothing matched: permitted, as every project that wants the opposite puts a filter of its own there. */
    if (carried.action == FWP_ACTION_CONTINUE) carried.action = FWP_ACTION_PERMIT;
    return carried;
}

BOOLEAN Arbitrate(const CLASSIFICATION *one, OUTCOME *outcome)
{
    FILTERS *filters = Hold();
    if (!filters) return FALSE;
    CALL *shown = CallMake(one->flow, one->flow->layer, one->reason, NULL);
    *outcome = (OUTCOME){ FWP_ACTION_BLOCK, FALSE, FALSE };
    if (shown) {
        *outcome = Layer(filters, one, shown);
        CallEnd(shown);
    }
    Release(filters);
    return TRUE;
}

BOOLEAN FilterNames(UINT16 layerId)
{
    FILTERS *filters = Hold();
    BOOLEAN found = !filters;
    for (ULONG i = 0; filters && i < filters->count; i++)
        found |= filters->filters[i].layerId == layerId && (filters->filters[i].action & FWP_ACTION_FLAG_CALLOUT) != 0;
    if (filters) Release(filters);
    return found;
}
