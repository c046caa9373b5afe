/* Events, threads and time: one lock, one condition. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "kernel.h"

enum { KIND_EVENT = 0xE7, KIND_THREAD = 0x74 };

typedef struct THREAD {
    ULONG kind; /* KIND_THREAD, at the place of KEVENT.kind */
    BOOLEAN ended;
    BOOLEAN joined;
    int references;
    pthread_t thread;
    KSTART_ROUTINE *routine;
    PVOID context;
} THREAD;

pthread_mutex_t KernelWaitLock = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t KernelWaitCondition = PTHREAD_COND_INITIALIZER;
static UINT64 Now = 1000ull * 10000000ull;

UINT64 KeQueryInterruptTime(VOID)
{
    return __atomic_load_n(&Now, __ATOMIC_SEQ_CST);
}

VOID KeQuerySystemTime(LARGE_INTEGER *time)
{
    time->QuadPart = (LONG64)(KeQueryInterruptTime() + 0x01DC000000000000ull);
}

void NativeAdvance(ULONG milliseconds)
{
    pthread_mutex_lock(&KernelWaitLock);
    __atomic_add_fetch(&Now, (UINT64)milliseconds * 10000, __ATOMIC_SEQ_CST);
    pthread_cond_broadcast(&KernelWaitCondition);
    pthread_mutex_unlock(&KernelWaitLock);
}

VOID KeInitializeEvent(KEVENT *event, EVENT_TYPE type, BOOLEAN signalled)
{
    event->kind = KIND_EVENT;
    event->type = type;
    event->signalled = signalled;
}

LONG KeSetEvent(KEVENT *event, LONG increment, BOOLEAN wait)
{
    LONG former;
    (void)increment;
    KernelCheckIrql("KeSetEvent", DISPATCH_LEVEL);
    if (wait) {
        Violation("KeSetEvent with Wait");
    }
    pthread_mutex_lock(&KernelWaitLock);
    former = (LONG)event->signalled;
    event->signalled = TRUE;
    pthread_cond_broadcast(&KernelWaitCondition);
    pthread_mutex_unlock(&KernelWaitLock);
    return former;
}

VOID KeClearEvent(KEVENT *event)
{
    KernelCheckIrql("KeClearEvent", DISPATCH_LEVEL);
    pthread_mutex_lock(&KernelWaitLock);
    event->signalled = FALSE;
    pthread_mutex_unlock(&KernelWaitLock);
}

static BOOLEAN Signalled(PVOID object)
{
    KEVENT *event = object;
    if (event->kind == KIND_THREAD) {
        return ((THREAD *)object)->ended;
    }
    if (event->kind != KIND_EVENT) {
        Violation("KeWaitForSingleObject on something that is no event and no thread");
    }
    if (!event->signalled) {
        return FALSE;
    }
    if (event->type == SynchronizationEvent) {
        event->signalled = FALSE;
    }
    return TRUE;
}

static _Thread_local void (*DuringWait)(void);

void NativeDuringWait(void (*run)(void))
{
    DuringWait = run;
}

NTSTATUS KeWaitForSingleObject(PVOID object, KWAIT_REASON reason, KPROCESSOR_MODE mode, BOOLEAN alertable,
                               LARGE_INTEGER *timeout)
{
    NTSTATUS status = STATUS_SUCCESS;
    UINT64 until;
    (void)reason;
    (void)mode;
    (void)alertable;
    NativeCheckCall("KeWaitForSingleObject", APC_LEVEL);
    if (DuringWait != NULL) {
        void (*run)(void) = DuringWait;
        DuringWait = NULL;
        run();
    }
    pthread_mutex_lock(&KernelWaitLock);
    until = timeout == NULL ? MAXUINT64 : KeQueryInterruptTime() + (UINT64)-timeout->QuadPart;
    while (!Signalled(object)) {
        if (KeQueryInterruptTime() >= until) {
            status = STATUS_TIMEOUT;
            break;
        }
        pthread_cond_wait(&KernelWaitCondition, &KernelWaitLock);
    }
    pthread_mutex_unlock(&KernelWaitLock);
    return status;
}

/* Real time: whoever is waited for runs in another thread and needs the processor, not the clock. */
NTSTATUS KeDelayExecutionThread(KPROCESSOR_MODE mode, BOOLEAN alertable, LARGE_INTEGER *interval)
{
    struct timespec pause = { 0, 100000 };
    (void)mode;
    (void)alertable;
    (void)interval;
    NativeCheckCall("KeDelayExecutionThread", APC_LEVEL);
    nanosleep(&pause, NULL);
    return STATUS_SUCCESS;
}

void KernelReleaseThread(THREAD *thread)
{
    if (__atomic_sub_fetch(&thread->references, 1, __ATOMIC_SEQ_CST) == 0) {
        pthread_join(thread->thread, NULL);
        free(thread);
    }
}

static void *RunThread(void *argument)
{
    THREAD *thread = argument;
    NativeSetProcess(4);
    thread->routine(thread->context);
    pthread_mutex_lock(&KernelWaitLock);
    thread->ended = TRUE;
    pthread_cond_broadcast(&KernelWaitCondition);
    pthread_mutex_unlock(&KernelWaitLock);
    return NULL;
}

NTSTATUS PsCreateSystemThread(HANDLE *handle, ULONG access, OBJECT_ATTRIBUTES *attributes, HANDLE process, PVOID client,
                              KSTART_ROUTINE *routine, PVOID context)
{
    THREAD *thread;
    (void)access;
    (void)attributes;
    (void)process;
    (void)client;
    NativeCheckCall("PsCreateSystemThread", PASSIVE_LEVEL);
    if (NativeFails("PsCreateSystemThread")) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    thread = calloc(1, sizeof(*thread));
    thread->kind = KIND_THREAD;
    thread->references = 1;
    thread->routine = routine;
    thread->context = context;
    pthread_create(&thread->thread, NULL, RunThread, thread);
    KernelCount(&KernelLeft.threadHandles, 1);
    *handle = thread;
    return STATUS_SUCCESS;
}

NTSTATUS PsTerminateSystemThread(NTSTATUS status)
{
    return status; /* the routine returns right after */
}

NTSTATUS ObReferenceObjectByHandle(HANDLE handle, ACCESS_MASK access, PVOID type, KPROCESSOR_MODE mode, PVOID *object,
                                   PVOID information)
{
    (void)access;
    (void)type;
    (void)mode;
    (void)information;
    if (NativeFails("ObReferenceObjectByHandle")) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    __atomic_add_fetch(&((THREAD *)handle)->references, 1, __ATOMIC_SEQ_CST);
    KernelCount(&KernelLeft.threadObjects, 1);
    *object = handle;
    return STATUS_SUCCESS;
}

NTSTATUS ZwWaitForSingleObject(HANDLE handle, BOOLEAN alertable, LARGE_INTEGER *timeout)
{
    return KeWaitForSingleObject(handle, Executive, KernelMode, alertable, timeout);
}

NTSTATUS ZwClose(HANDLE handle)
{
    NativeCheckCall("ZwClose", PASSIVE_LEVEL);
    KernelCount(&KernelLeft.threadHandles, -1);
    KernelReleaseThread(handle);
    return STATUS_SUCCESS;
}
