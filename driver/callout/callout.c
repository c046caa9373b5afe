#include "callout.h"

#include "authorize.h"
#include "expected.h"

static const CALLOUT Authorization[] = {
    { SALLYPORT_CALLOUT_AUTH_CONNECT_V4, 0, AuthorizeClassify, NULL },
    { SALLYPORT_CALLOUT_AUTH_CONNECT_V6, 0, AuthorizeClassify, NULL },
    { SALLYPORT_CALLOUT_AUTH_RECV_ACCEPT_V4, 0, AuthorizeClassify, NULL },
    { SALLYPORT_CALLOUT_AUTH_RECV_ACCEPT_V6, 0, AuthorizeClassify, NULL },
    { SALLYPORT_CALLOUT_ENDPOINT_CLOSURE_V4, 0, AuthorizeClosure, NULL },
    { SALLYPORT_CALLOUT_ENDPOINT_CLOSURE_V6, 0, AuthorizeClosure, NULL },
};

#define AUTHORIZATION_COUNT (sizeof(Authorization) / sizeof(Authorization[0]))

static UINT32 Ids[AUTHORIZATION_COUNT];

/* Filters come and go through the filtering engine in user mode; the driver keeps nothing per filter. */
static NTSTATUS NTAPI Notify(FWPS_CALLOUT_NOTIFY_TYPE type, const GUID *filterKey, FWPS_FILTER2 *filter)
{
    UNREFERENCED_PARAMETER(type);
    UNREFERENCED_PARAMETER(filterKey);
    UNREFERENCED_PARAMETER(filter);
    return STATUS_SUCCESS;
}

_Use_decl_annotations_ NTSTATUS CalloutsRegister(DEVICE_OBJECT *device, const CALLOUT *callouts, ULONG count, UINT32 *ids)
{
    ULONG i;
    RtlZeroMemory(ids, count * sizeof(*ids));
    for (i = 0; i < count; i++) {
        FWPS_CALLOUT2 callout;
        NTSTATUS status;
        RtlZeroMemory(&callout, sizeof(callout));
        callout.calloutKey = callouts[i].key;
        callout.flags = callouts[i].flags;
        callout.classifyFn = callouts[i].classify;
        callout.notifyFn = Notify;
        callout.flowDeleteFn = callouts[i].flowDelete;
        status = FwpsCalloutRegister2(device, &callout, &ids[i]);
        if (!NT_SUCCESS(status)) {
            ids[i] = 0;
            CalloutsUnregister(ids, count);
            return status;
        }
    }
    return STATUS_SUCCESS;
}

_Use_decl_annotations_ VOID CalloutsUnregister(UINT32 *ids, ULONG count)
{
    ULONG i = count;
    while (i-- > 0) {
        NTSTATUS status;
        if (ids[i] == 0) {
            continue;
        }
        while ((status = FwpsCalloutUnregisterById0(ids[i])) == STATUS_DEVICE_BUSY || status == STATUS_FWP_IN_USE) {
            LARGE_INTEGER pause;
            pause.QuadPart = -10 * 10000; /* 10 ms */
            (VOID)KeDelayExecutionThread(KernelMode, FALSE, &pause);
        }
        ids[i] = 0;
    }
}

_Use_decl_annotations_ NTSTATUS CalloutInitialize(DEVICE_OBJECT *device)
{
    return CalloutsRegister(device, Authorization, AUTHORIZATION_COUNT, Ids);
}

_Use_decl_annotations_ VOID CalloutUninitialize(VOID)
{
    CalloutsUnregister(Ids, AUTHORIZATION_COUNT);
}
