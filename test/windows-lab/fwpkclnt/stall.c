/* A classify that takes its time: it runs on a thread of its own and stops inside a function of the engine until it is asked to hurry. */
#include "lab.h"

typedef struct APART {
    void (*work)(void *);
    void *argument;
} APART;

static KEVENT Hurry;
static LONG Made;

static void NTAPI Run(void *context)
{
    APART apart = *(APART *)context;
    Free(context);
    apart.work(apart.argument);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

NTSTATUS RunApart(void (*work)(void *), void *argument)
{
    HANDLE thread;
    APART *apart = Allocate(sizeof *apart);
    if (!apart) return STATUS_INSUFFICIENT_RESOURCES;
    if (!InterlockedExchange(&Made, 1)) KeInitializeEvent(&Hurry, SynchronizationEvent, FALSE);
    KeClearEvent(&Hurry);
    apart->work = work;
    apart->argument = argument;
    NTSTATUS status = PsCreateSystemThread(&thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, Run, apart);
    if (NT_SUCCESS(status)) ZwClose(thread);
    else Free(apart);
    return status;
}

void StallHere(void)
{
    LARGE_INTEGER limit = { .QuadPart = -20ll * 10000000 };
    InterlockedIncrement((LONG *)&Counters.stalled);
    if (KeWaitForSingleObject(&Hurry, Executive, KernelMode, FALSE, &limit) != STATUS_SUCCESS)
        Violation("a stalled classify that nobody wanted to end");
    InterlockedDecrement((LONG *)&Counters.stalled);
}

void StallEnd(void)
{
    if (Counters.stalled) KeSetEvent(&Hurry, 0, FALSE);
}
