/* Contexts that callouts associate with flows, and when flowDeleteFn is called for them. */
#include "flow.h"

static FLOW *FlowOfHandle(UINT64 handle)
{
    FLOW *flow = handle > 0xf10a0000ull ? FlowAt(handle - 0xf10a0000ull) : NULL;
    return flow && flow->established && !flow->ended ? flow : NULL;
}

/** Under the lab's lock. */
static FLOW_CONTEXT **Find(FLOW *flow, UINT16 layerId, UINT32 calloutId)
{
    FLOW_CONTEXT **at = &flow->contexts;
    while (*at && ((*at)->layerId != layerId || (*at)->calloutId != calloutId || (*at)->removed)) at = &(*at)->next;
    return at;
}

NTSTATUS NTAPI FwpsFlowAssociateContext0(UINT64 handle, UINT16 layerId, UINT32 calloutId, UINT64 value)
{
    KIRQL irql;
    FLOW *flow = FlowOfHandle(handle);
    if (!flow) {
        Violation("FwpsFlowAssociateContext0 with no flow's handle");
        return STATUS_INVALID_PARAMETER;
    }
    if (!value || !CalloutFlowDelete(calloutId, layerId) || (flow->play.family == 4) != (layerId == 20)) {
        Violation("FwpsFlowAssociateContext0 without context, for another family, or for a callout without flowDeleteFn at this layer");
        return STATUS_INVALID_PARAMETER;
    }
    if (CalloutLeaving(calloutId)) return STATUS_FWP_IN_USE; /* its unregistration has begun */
    FLOW_CONTEXT *made = Allocate(sizeof *made);
    if (!made) return STATUS_INSUFFICIENT_RESOURCES;
    made->layerId = layerId;
    made->calloutId = calloutId;
    made->value = value;
    LabLock(&irql);
    if (*Find(flow, layerId, calloutId)) {
        LabUnlock(irql);
        Free(made);
        Violation("FwpsFlowAssociateContext0 twice for one flow and callout");
        return STATUS_OBJECT_NAME_EXISTS;
    }
    made->next = flow->contexts;
    flow->contexts = made;
    Counters.flowContexts++;
    LabUnlock(irql);
    return STATUS_SUCCESS;
}

/** Tells the callout that the context is its own again. Not under the lock. */
static void Delete(FLOW_CONTEXT *context)
{
    FWPS_CALLOUT_FLOW_DELETE_NOTIFY_FN0 function = CalloutFlowDelete(context->calloutId, context->layerId);
    if (function) function(context->layerId, context->calloutId, context->value);
    else Violation("a callout that is gone before the contexts of its flows");
    InterlockedDecrement((LONG *)&Counters.flowContexts);
    Free(context);
}

NTSTATUS NTAPI FwpsFlowRemoveContext0(UINT64 handle, UINT16 layerId, UINT32 calloutId)
{
    KIRQL irql;
    FLOW *flow = FlowOfHandle(handle);
    FLOW_CONTEXT *found = NULL;
    if (!flow) return STATUS_UNSUCCESSFUL; /* it has ended meanwhile, with everything that was its */
    LabLock(&irql);
    FLOW_CONTEXT **at = Find(flow, layerId, calloutId);
    if (*at && (*at)->running) {
        (*at)->removed = TRUE;
        LabUnlock(irql);
        StallEnd();
        return STATUS_PENDING;
    }
    if (*at) {
        found = *at;
        *at = found->next;
    }
    LabUnlock(irql);
    if (!found) return STATUS_UNSUCCESSFUL;
    Delete(found);
    return STATUS_SUCCESS;
}

UINT64 ContextEnter(FLOW *flow, UINT16 layerId, UINT32 calloutId)
{
    KIRQL irql;
    LabLock(&irql);
    FLOW_CONTEXT *context = *Find(flow, layerId, calloutId);
    UINT64 value = context ? context->value : 0;
    if (context) context->running++;
    LabUnlock(irql);
    return value;
}

void ContextLeave(FLOW *flow, UINT16 layerId, UINT32 calloutId)
{
    KIRQL irql;
    FLOW_CONTEXT **at, *gone = NULL;
    LabLock(&irql);
    for (at = &flow->contexts; *at && ((*at)->layerId != layerId || (*at)->calloutId != calloutId || !(*at)->running); at = &(*at)->next) {}
    if (*at && --(*at)->running == 0 && (*at)->removed) {
        gone = *at;
        *at = gone->next;
    }
    LabUnlock(irql);
    if (gone) Delete(gone);
}

void ContextsEnd(FLOW *flow)
{
    KIRQL irql;
    for (;;) {
        LabLock(&irql);
        flow->ended = TRUE;
        FLOW_CONTEXT *context = flow->contexts;
        if (context) flow->contexts = context->next;
        LabUnlock(irql);
        if (!context) return;
        Delete(context);
    }
}

ULONG ContextsOf(UINT32 calloutId)
{
    ULONG count = 0;
    FLOW *flow;
    for (UINT64 endpoint = 1; (flow = FlowAt(endpoint)); endpoint++)
        for (FLOW_CONTEXT *context = flow->contexts; context; context = context->next) count += context->calloutId == calloutId;
    return count;
}
