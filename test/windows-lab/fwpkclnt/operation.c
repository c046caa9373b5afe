/* FwpsPendOperation0 and FwpsCompleteOperation0. Every operation is kept until the end, so that a second completion is seen. */
#include "lab.h"

enum { OFFERED = 0x4f464652, PENDED = 0x50454e44, COMPLETED = 0x444f4e45, REFUSED = 0x52454655 };

typedef struct OPERATION {
    ULONG state;
    FLOW *flow;
    struct OPERATION *next;
} OPERATION;

static OPERATION *All;

HANDLE OperationOffer(FLOW *flow)
{
    KIRQL irql;
    OPERATION *operation = Allocate(sizeof *operation);
    if (!operation) return NULL;
    operation->state = OFFERED;
    operation->flow = flow;
    LabLock(&irql);
    operation->next = All;
    All = operation;
    LabUnlock(irql);
    return operation;
}

/** After classify: whether the callout took the offer. An offer not taken is void from now on. */
BOOLEAN OperationTaken(HANDLE completionHandle)
{
    OPERATION *operation = completionHandle;
    return operation && InterlockedCompareExchange((LONG *)&operation->state, REFUSED, OFFERED) != OFFERED;
}

static OPERATION *Find(HANDLE handle)
{
    KIRQL irql;
    OPERATION *at;
    LabLock(&irql);
    for (at = All; at && at != handle; at = at->next) {}
    LabUnlock(irql);
    return at;
}

NTSTATUS NTAPI FwpsPendOperation0(HANDLE completionHandle, HANDLE *completionContext)
{
    if (!completionHandle || !completionContext) return STATUS_FWP_NULL_POINTER;
    OPERATION *operation = Find(completionHandle);
    if (!operation) {
        Violation("FwpsPendOperation0 with a handle that was not offered: a reauthorization has none");
        return STATUS_FWP_CANNOT_PEND;
    }
    if (InterlockedCompareExchange((LONG *)&operation->state, PENDED, OFFERED) != OFFERED) {
        Violation("FwpsPendOperation0 twice, or after classify returned");
        return STATUS_FWP_CANNOT_PEND;
    }
    InterlockedIncrement((LONG *)&Counters.pended);
    InterlockedIncrement((LONG *)&Counters.operations);
    *completionContext = operation;
    return STATUS_SUCCESS;
}

void NTAPI FwpsCompleteOperation0(HANDLE completionContext, PNET_BUFFER_LIST netBufferList)
{
    OPERATION *operation = Find(completionContext);
    (void)netBufferList;
    if (!operation || InterlockedCompareExchange((LONG *)&operation->state, COMPLETED, PENDED) != PENDED) {
        Violation("FwpsCompleteOperation0 of an operation that is not pended: completed twice or never");
        return;
    }
    InterlockedIncrement((LONG *)&Counters.completed);
    InterlockedDecrement((LONG *)&Counters.operations);
    FlowCompleted(operation->flow);
}

void OperationsFree(void)
{
    while (All) {
        OPERATION *next = All->next;
        Free(All);
        All = next;
    }
}
