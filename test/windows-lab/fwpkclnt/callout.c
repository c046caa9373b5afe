/* Registration of callouts, and which one is called at a layer. */
#include "lab.h"
#include "ioctl.h"

#define MAX_CALLOUTS 64

typedef struct REGISTERED {
    FWPS_CALLOUT2 callout;
    UINT32 id;
    LONG running;
    BOOLEAN leaving; /* unregistered while flows had its contexts: it gets no new ones */
} REGISTERED;

static REGISTERED Registered[MAX_CALLOUTS];
static UINT32 LastId = 256;

static const struct { UINT16 layerId; GUID key; } Keys[] = {
    { 48, SALLYPORT_CALLOUT_AUTH_CONNECT_V4 },     { 50, SALLYPORT_CALLOUT_AUTH_CONNECT_V6 },
    { 44, SALLYPORT_CALLOUT_AUTH_RECV_ACCEPT_V4 }, { 46, SALLYPORT_CALLOUT_AUTH_RECV_ACCEPT_V6 },
    { 64, SALLYPORT_CALLOUT_ENDPOINT_CLOSURE_V4 }, { 65, SALLYPORT_CALLOUT_ENDPOINT_CLOSURE_V6 },
    { 66, SALLYPORT_CALLOUT_CONNECT_REDIRECT_V4 }, { 67, SALLYPORT_CALLOUT_CONNECT_REDIRECT_V6 },
    { 52, SALLYPORT_CALLOUT_FLOW_ESTABLISHED_V4 }, { 54, SALLYPORT_CALLOUT_FLOW_ESTABLISHED_V6 },
    { 20, SALLYPORT_CALLOUT_STREAM_V4 },           { 22, SALLYPORT_CALLOUT_STREAM_V6 },
};

static BOOLEAN SameKey(const GUID *a, const GUID *b) { return RtlCompareMemory(a, b, sizeof *a) == sizeof *a; }

/* Debian's Wine sends IRP_MJ_CLOSE only. What the I/O manager does before, when the last handle goes, is done here. */

static DRIVER_DISPATCH *DriverClose;

static NTSTATUS NTAPI CleanupDone(DEVICE_OBJECT *device, IRP *irp, void *context)
{
    (void)device, (void)irp, (void)context;
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static NTSTATUS NTAPI CleanupAndClose(DEVICE_OBJECT *device, IRP *irp)
{
    IRP *cleanup = IoAllocateIrp(device->StackSize, FALSE);
    if (cleanup) {
        IO_STACK_LOCATION *stack = IoGetNextIrpStackLocation(cleanup);
        stack->MajorFunction = IRP_MJ_CLEANUP;
        stack->FileObject = IoGetCurrentIrpStackLocation(irp)->FileObject;
        IoSetCompletionRoutine(cleanup, CleanupDone, NULL, TRUE, TRUE, TRUE);
        if (IoCallDriver(device, cleanup) == STATUS_PENDING) Violation("IRP_MJ_CLEANUP left pending");
        IoFreeIrp(cleanup);
    }
    return DriverClose(device, irp);
}

static void SendCleanups(DRIVER_OBJECT *driver)
{
    if (driver->MajorFunction[IRP_MJ_CLOSE] == CleanupAndClose) return;
    PoolWatch(driver);
    DriverClose = driver->MajorFunction[IRP_MJ_CLOSE];
    driver->MajorFunction[IRP_MJ_CLOSE] = CleanupAndClose;
}

NTSTATUS NTAPI FwpsCalloutRegister2(void *deviceObject, const FWPS_CALLOUT2 *callout, UINT32 *calloutId)
{
    KIRQL irql;
    NTSTATUS status = STATUS_INSUFFICIENT_RESOURCES;
    if (!deviceObject || !callout || !callout->classifyFn || !callout->notifyFn) {
        Violation("FwpsCalloutRegister2 without device, classifyFn or notifyFn");
        return STATUS_INVALID_PARAMETER;
    }
    SendCleanups(((DEVICE_OBJECT *)deviceObject)->DriverObject);
    if (((callout->flags & FWP_CALLOUT_FLAG_CONDITIONAL_ON_FLOW) != 0) != (callout->flowDeleteFn != NULL))
        Violation("FwpsCalloutRegister2: flow contexts need both FWP_CALLOUT_FLAG_CONDITIONAL_ON_FLOW and flowDeleteFn");
    if (callout->flags & ~0x7ffu) Violation("FwpsCalloutRegister2 with unknown flags");
    LabLock(&irql);
    for (ULONG i = 0; i < MAX_CALLOUTS; i++)
        if (Registered[i].id && SameKey(&Registered[i].callout.calloutKey, &callout->calloutKey)) {
            LabUnlock(irql);
            return (NTSTATUS)0xC0220009L; /* STATUS_FWP_ALREADY_EXISTS */
        }
    for (ULONG i = 0; i < MAX_CALLOUTS; i++) {
        if (Registered[i].id) continue;
        Registered[i].callout = *callout;
        Registered[i].running = 0;
        Registered[i].leaving = FALSE;
        Registered[i].id = ++LastId;
        if (calloutId) *calloutId = Registered[i].id;
        Counters.callouts++;
        status = STATUS_SUCCESS;
        break;
    }
    LabUnlock(irql);
    return status;
}

NTSTATUS NTAPI FwpsCalloutUnregisterById0(const UINT32 calloutId)
{
    KIRQL irql;
    NTSTATUS status = (NTSTATUS)0xC0220001L; /* STATUS_FWP_CALLOUT_NOT_FOUND */
    LabLock(&irql);
    for (ULONG i = 0; i < MAX_CALLOUTS; i++) {
        if (Registered[i].id != calloutId || !calloutId) continue;
        Registered[i].leaving = TRUE;
        status = ContextsOf(calloutId) ? STATUS_DEVICE_BUSY : Registered[i].running ? STATUS_FWP_IN_USE : STATUS_SUCCESS;
        if (NT_SUCCESS(status)) {
            Registered[i].id = 0;
            Counters.callouts--;
        }
    }
    LabUnlock(irql);
    if (status == (NTSTATUS)0xC0220001L) Violation("FwpsCalloutUnregisterById0 of a callout that is not registered");
    else if (!NT_SUCCESS(status)) StallEnd();
    return status;
}

FWPS_CALLOUT_CLASSIFY_FN2 CalloutByKey(const void *key, UINT32 *calloutId)
{
    KIRQL irql;
    FWPS_CALLOUT_CLASSIFY_FN2 found = NULL;
    LabLock(&irql);
    for (ULONG i = 0; i < MAX_CALLOUTS; i++) {
        if (!Registered[i].id || !SameKey(&Registered[i].callout.calloutKey, key)) continue;
        Registered[i].running++;
        *calloutId = Registered[i].id;
        found = Registered[i].callout.classifyFn;
    }
    LabUnlock(irql);
    return found;
}

FWPS_CALLOUT_CLASSIFY_FN2 CalloutFor(UINT16 layerId, UINT32 *calloutId)
{
    for (ULONG k = 0; k < sizeof Keys / sizeof Keys[0]; k++)
        if (Keys[k].layerId == layerId) return CalloutByKey(&Keys[k].key, calloutId);
    return NULL;
}

void CalloutLeave(UINT32 calloutId)
{
    KIRQL irql;
    LabLock(&irql);
    for (ULONG i = 0; i < MAX_CALLOUTS; i++)
        if (Registered[i].id == calloutId) Registered[i].running--;
    LabUnlock(irql);
}

FWPS_CALLOUT_FLOW_DELETE_NOTIFY_FN0 CalloutFlowDelete(UINT32 calloutId, UINT16 layerId)
{
    for (ULONG i = 0; calloutId && i < MAX_CALLOUTS; i++)
        for (ULONG k = 0; Registered[i].id == calloutId && k < sizeof Keys / sizeof Keys[0]; k++)
            if (Keys[k].layerId == layerId && SameKey(&Registered[i].callout.calloutKey, &Keys[k].key)) return Registered[i].callout.flowDeleteFn;
    return NULL;
}

BOOLEAN CalloutLeaving(UINT32 calloutId)
{
    for (ULONG i = 0; i < MAX_CALLOUTS; i++)
        if (Registered[i].id == calloutId) return Registered[i].leaving;
    return TRUE;
}
