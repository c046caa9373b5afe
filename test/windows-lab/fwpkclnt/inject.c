/* Injection: handles, the queue that a thread of the stack works off, and the answer to "is this one mine?". */
#include "lab.h"

typedef struct INJECTED {
    HANDLE handle, context;
    NET_BUFFER_LIST *list;
    UINT64 endpoint;
    const FWPS_TRANSPORT_SEND_PARAMS0 *sent; /* the caller's until the completion; NULL: received */
    FWPS_INJECT_COMPLETE0 complete;
    HANDLE completeContext;
    struct INJECTED *next;
} INJECTED;

typedef struct HANDLE_OBJECT {
    ULONG magic;
    ADDRESS_FAMILY family;
    LONG running;
} HANDLE_OBJECT;

#define HANDLE_MAGIC 0x494e4a48

static INJECTED *Queue, **Tail = &Queue, *Current;
static KEVENT Wake, Ended;
static BOOLEAN Stop;

NTSTATUS NTAPI FwpsInjectionHandleCreate0(ADDRESS_FAMILY family, UINT32 flags, HANDLE *out)
{
    HANDLE_OBJECT *made;
    if (!out || flags != FWPS_INJECTION_TYPE_TRANSPORT) return STATUS_INVALID_PARAMETER;
    made = Allocate(sizeof *made);
    if (!made) return STATUS_INSUFFICIENT_RESOURCES;
    made->magic = HANDLE_MAGIC;
    made->family = family;
    *out = made;
    InterlockedIncrement((LONG *)&Counters.injectionHandles);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI FwpsInjectionHandleDestroy0(HANDLE handle)
{
    HANDLE_OBJECT *object = handle;
    LARGE_INTEGER pause = { .QuadPart = -10000 };
    if (!object || object->magic != HANDLE_MAGIC) {
        Violation("FwpsInjectionHandleDestroy0 of no handle");
        return STATUS_INVALID_HANDLE;
    }
    /* As documented: waits for running injections. */
    while (object->running) KeDelayExecutionThread(KernelMode, FALSE, &pause);
    object->magic = 0;
    Free(object);
    InterlockedDecrement((LONG *)&Counters.injectionHandles);
    return STATUS_SUCCESS;
}

static NTSTATUS Push(HANDLE handle, INJECTED *injected)
{
    KIRQL irql;
    HANDLE_OBJECT *object = handle;
    if (!object || object->magic != HANDLE_MAGIC || !injected->list || !injected->complete) {
        Violation("an injection without handle, list or completion function");
        Free(injected);
        return STATUS_INVALID_PARAMETER;
    }
    InterlockedIncrement(&object->running);
    InterlockedIncrement((LONG *)&Counters.injected);
    LabLock(&irql);
    *Tail = injected;
    Tail = &injected->next;
    LabUnlock(irql);
    KeSetEvent(&Wake, 0, FALSE);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI FwpsInjectTransportSendAsync0(HANDLE handle, HANDLE context, UINT64 endpoint, UINT32 flags, FWPS_TRANSPORT_SEND_PARAMS0 *parameters,
                                             ADDRESS_FAMILY family, COMPARTMENT_ID compartment, NET_BUFFER_LIST *list,
                                             FWPS_INJECT_COMPLETE0 complete, HANDLE completeContext)
{
    INJECTED *injected = Allocate(sizeof *injected);
    (void)compartment, (void)family;
    if (!injected) return STATUS_INSUFFICIENT_RESOURCES;
    if (!parameters) {
        Violation("FwpsInjectTransportSendAsync0 without parameters");
        Free(injected);
        return STATUS_INVALID_PARAMETER;
    }
    if (flags || !parameters->remoteAddress) Violation("FwpsInjectTransportSendAsync0 without remote address or with flags");
    injected->handle = handle;
    injected->context = context;
    injected->list = list;
    injected->endpoint = endpoint;
    injected->sent = parameters;
    injected->complete = complete;
    injected->completeContext = completeContext;
    return Push(handle, injected);
}

NTSTATUS NTAPI FwpsInjectTransportReceiveAsync0(HANDLE handle, HANDLE context, PVOID reserved, UINT32 flags, ADDRESS_FAMILY family,
                                                COMPARTMENT_ID compartment, IF_INDEX interfaceIndex, IF_INDEX subInterfaceIndex,
                                                NET_BUFFER_LIST *list, FWPS_INJECT_COMPLETE0 complete, HANDLE completeContext)
{
    INJECTED *injected = Allocate(sizeof *injected);
    (void)family, (void)compartment, (void)interfaceIndex, (void)subInterfaceIndex;
    if (!injected) return STATUS_INSUFFICIENT_RESOURCES;
    if (reserved || flags) Violation("FwpsInjectTransportReceiveAsync0 with reserved or flags");
    injected->handle = handle;
    injected->context = context;
    injected->list = list;
    injected->complete = complete;
    injected->completeContext = completeContext;
    return Push(handle, injected);
}

/** Only the list that is on its way through the layers right now is asked about; every other one is the application's own. */
FWPS_PACKET_INJECTION_STATE NTAPI FwpsQueryPacketInjectionState0(HANDLE handle, const NET_BUFFER_LIST *list, HANDLE *context)
{
    INJECTED *current = Current;
    if (!current || current->list != list) return FWPS_PACKET_NOT_INJECTED;
    if (current->handle != handle) return FWPS_PACKET_INJECTED_BY_OTHER;
    if (context) *context = current->context;
    return FWPS_PACKET_INJECTED_BY_SELF;
}

static void NTAPI Work(void *unused)
{
    KIRQL irql;
    (void)unused;
    for (;;) {
        KeWaitForSingleObject(&Wake, Executive, KernelMode, FALSE, NULL);
        for (;;) {
            LabLock(&irql);
            INJECTED *injected = Queue;
            if (injected && !(Queue = injected->next)) Tail = &Queue;
            LabUnlock(irql);
            if (!injected) break;
            HANDLE_OBJECT *object = injected->handle;
            Current = injected;
            BOOLEAN sent = FlowInjected(injected->endpoint, injected->sent, injected->list);
            Current = NULL;
            NET_BUFFER_LIST_STATUS(injected->list) = sent ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
            injected->complete(injected->completeContext, injected->list, FALSE);
            InterlockedDecrement(&object->running);
            Free(injected);
        }
        if (Stop) break;
    }
    KeSetEvent(&Ended, 0, FALSE);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

void InjectStart(void)
{
    HANDLE thread;
    KeInitializeEvent(&Wake, SynchronizationEvent, FALSE);
    KeInitializeEvent(&Ended, NotificationEvent, FALSE);
    if (NT_SUCCESS(PsCreateSystemThread(&thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, Work, NULL))) ZwClose(thread);
}

void InjectStop(void)
{
    Stop = TRUE;
    KeSetEvent(&Wake, 0, FALSE);
    KeWaitForSingleObject(&Ended, Executive, KernelMode, FALSE, NULL);
}
