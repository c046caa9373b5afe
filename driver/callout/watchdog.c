#include "watchdog.h"

#include "hold.h"
#include "table.h"

/* Looks at least this often: a request pended just now may have the earliest deadline. */
#define LONGEST_100NS 1000000ull /* 100 ms: SALLYPORT_MIN_DEADLINE_MS */

static KEVENT Wake;
static volatile LONG Stopping;
static PVOID Thread; /* the thread object, referenced */

static KSTART_ROUTINE Watch;

_Use_decl_annotations_ static VOID NTAPI Watch(PVOID context)
{
    UNREFERENCED_PARAMETER(context);
    while (InterlockedCompareExchange(&Stopping, 0, 0) == 0) {
        UINT64 now = KeQueryInterruptTime();
        UINT64 next = TableExpire(now);
        LARGE_INTEGER timeout;
        HoldCompleteReady();
        timeout.QuadPart = -(LONG64)(next - now < LONGEST_100NS ? next - now : LONGEST_100NS);
        (VOID)KeWaitForSingleObject(&Wake, Executive, KernelMode, FALSE, &timeout);
    }
    PsTerminateSystemThread(STATUS_SUCCESS);
}

_Use_decl_annotations_ NTSTATUS WatchdogInitialize(VOID)
{
    HANDLE handle;
    NTSTATUS status;
    KeInitializeEvent(&Wake, SynchronizationEvent, FALSE);
    InterlockedExchange(&Stopping, 0);
    status = PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, Watch, NULL);
    if (!NT_SUCCESS(status)) {
        return status;
    }
    status = ObReferenceObjectByHandle(handle, THREAD_ALL_ACCESS, NULL, KernelMode, &Thread, NULL);
    if (!NT_SUCCESS(status)) {
        /* Without the object its end is awaited by the handle. */
        InterlockedExchange(&Stopping, 1);
        WatchdogWake();
        (VOID)ZwWaitForSingleObject(handle, FALSE, NULL);
    }
    (VOID)ZwClose(handle);
    return status;
}

_Use_decl_annotations_ VOID WatchdogUninitialize(VOID)
{
    InterlockedExchange(&Stopping, 1);
    WatchdogWake();
    (VOID)KeWaitForSingleObject(Thread, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(Thread);
    Thread = NULL;
}

_Use_decl_annotations_ VOID WatchdogWake(VOID)
{
    (VOID)KeSetEvent(&Wake, IO_NO_INCREMENT, FALSE);
}
