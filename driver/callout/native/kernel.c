/* The kernel's part of the platform: locks with IRQL, pool that tells leaks and double frees, threads, time, requests. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "native.h"

void Violation(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "VIOLATION: ");
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
    abort();
}

/* --- per thread --- */

static _Thread_local KIRQL Irql;
static _Thread_local int LocksHeld;
static _Thread_local UINT64 Process = 4;

KIRQL KeGetCurrentIrql(VOID)
{
    return Irql;
}

KIRQL NativeSetIrql(KIRQL irql)
{
    KIRQL former = Irql;
    Irql = irql;
    return former;
}

void NativeSetProcess(UINT64 processId)
{
    Process = processId;
}

HANDLE PsGetCurrentProcessId(VOID)
{
    return (HANDLE)(uintptr_t)Process;
}

static void CheckIrql(const char *what, KIRQL most)
{
    if (Irql > most) {
        Violation("%s at IRQL %u, at most %u is allowed", what, Irql, most);
    }
}

void NativeCheckCall(const char *what, KIRQL most)
{
    CheckIrql(what, most);
    if (LocksHeld != 0) {
        Violation("%s with %d spin locks held", what, LocksHeld);
    }
}

/* --- faults --- */

static long FailAt, CallCount;

void NativeFailCall(long n)
{
    __atomic_store_n(&CallCount, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&FailAt, n, __ATOMIC_SEQ_CST);
}

long NativeCalls(void)
{
    return __atomic_load_n(&CallCount, __ATOMIC_SEQ_CST);
}

BOOLEAN NativeFails(const char *what)
{
    long call = __atomic_add_fetch(&CallCount, 1, __ATOMIC_SEQ_CST);
    long at = __atomic_load_n(&FailAt, __ATOMIC_SEQ_CST);
    (void)what;
    return at < 0 ? call >= -at : call == at;
}

/* --- pool --- */

typedef struct BLOCK {
    struct BLOCK *next, *previous;
    size_t bytes;
    ULONG tag;
    ULONG magic;
} BLOCK;

static pthread_mutex_t PoolLock = PTHREAD_MUTEX_INITIALIZER;
static BLOCK PoolList = { &PoolList, &PoolList, 0, 0, 0 };
static size_t PoolBytes, Mdls, Devices, Links, Callbacks, ThreadObjects, ThreadHandles;

#define BLOCK_MAGIC 0x600DB10Cu

PVOID ExAllocatePoolWithTag(POOL_TYPE type, SIZE_T bytes, ULONG tag)
{
    BLOCK *block;
    CheckIrql("ExAllocatePoolWithTag", DISPATCH_LEVEL);
    if (type != NonPagedPoolNx) {
        Violation("pool of type %d: must be NonPagedPoolNx", (int)type);
    }
    if (bytes == 0) {
        Violation("pool allocation of 0 bytes");
    }
    if (NativeFails("ExAllocatePoolWithTag")) {
        return NULL;
    }
    block = malloc(sizeof(*block) + bytes);
    memset(block + 1, 0xCD, bytes); /* pool is not zeroed */
    block->bytes = bytes;
    block->tag = tag;
    block->magic = BLOCK_MAGIC;
    pthread_mutex_lock(&PoolLock);
    block->next = &PoolList;
    block->previous = PoolList.previous;
    PoolList.previous->next = block;
    PoolList.previous = block;
    PoolBytes += bytes;
    pthread_mutex_unlock(&PoolLock);
    return block + 1;
}

VOID ExFreePoolWithTag(PVOID memory, ULONG tag)
{
    BLOCK *block = (BLOCK *)memory - 1;
    CheckIrql("ExFreePoolWithTag", DISPATCH_LEVEL);
    pthread_mutex_lock(&PoolLock);
    if (block->magic != BLOCK_MAGIC || block->tag != tag) {
        Violation("free of %p: freed twice, or with another tag", memory);
    }
    block->magic = 0;
    block->next->previous = block->previous;
    block->previous->next = block->next;
    PoolBytes -= block->bytes;
    pthread_mutex_unlock(&PoolLock);
    memset(block + 1, 0xDD, block->bytes);
    free(block);
}

size_t NativePoolBytes(void)
{
    size_t bytes;
    pthread_mutex_lock(&PoolLock);
    bytes = PoolBytes;
    pthread_mutex_unlock(&PoolLock);
    return bytes;
}

static void Count(size_t *counter, int by)
{
    __atomic_add_fetch(counter, (size_t)(ssize_t)by, __ATOMIC_SEQ_CST);
}

void NativeCheckLeaks(void)
{
    BLOCK *block;
    for (block = PoolList.next; block != &PoolList; block = block->next) {
        fprintf(stderr, "leak: %zu bytes of pool at %p\n", block->bytes, (void *)(block + 1));
    }
    if (PoolBytes != 0 || Mdls != 0 || Devices != 0 || Links != 0 || Callbacks != 0 || ThreadObjects != 0 || ThreadHandles != 0) {
        Violation("left over: %zu pool bytes, %zu MDLs, %zu devices, %zu links, %zu callbacks, %zu thread objects, %zu handles",
                  PoolBytes, Mdls, Devices, Links, Callbacks, ThreadObjects, ThreadHandles);
    }
}

SIZE_T RtlCompareMemory(const VOID *a, const VOID *b, SIZE_T bytes)
{
    SIZE_T i = 0;
    while (i < bytes && ((const UCHAR *)a)[i] == ((const UCHAR *)b)[i]) {
        i++;
    }
    return i;
}

MDL *IoAllocateMdl(PVOID address, ULONG length, BOOLEAN secondary, BOOLEAN chargeQuota, PVOID irp)
{
    MDL *mdl;
    (void)secondary;
    (void)chargeQuota;
    (void)irp;
    CheckIrql("IoAllocateMdl", DISPATCH_LEVEL);
    if (NativeFails("IoAllocateMdl")) {
        return NULL;
    }
    mdl = calloc(1, sizeof(*mdl));
    mdl->address = address;
    mdl->length = length;
    Count(&Mdls, 1);
    return mdl;
}

VOID MmBuildMdlForNonPagedPool(MDL *mdl)
{
    CheckIrql("MmBuildMdlForNonPagedPool", DISPATCH_LEVEL);
    mdl->built = TRUE;
}

VOID IoFreeMdl(MDL *mdl)
{
    CheckIrql("IoFreeMdl", DISPATCH_LEVEL);
    Count(&Mdls, -1);
    free(mdl);
}

/* --- spin locks: a word that spins, so that the sanitizers see what real ones would give --- */

VOID KeInitializeSpinLock(KSPIN_LOCK *lock)
{
    *lock = 0;
}

static uintptr_t Self(void)
{
    static _Thread_local char self;
    return (uintptr_t)&self;
}

VOID KeAcquireSpinLockAtDpcLevel(KSPIN_LOCK *lock)
{
    uintptr_t expected = 0;
    if (Irql < DISPATCH_LEVEL) {
        Violation("KeAcquireSpinLockAtDpcLevel at IRQL %u", Irql);
    }
    if (__atomic_load_n(lock, __ATOMIC_RELAXED) == Self()) {
        Violation("spin lock acquired twice by one thread");
    }
    while (!__atomic_compare_exchange_n(lock, &expected, Self(), 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
        expected = 0;
        sched_yield();
    }
    LocksHeld++;
}

VOID KeReleaseSpinLockFromDpcLevel(KSPIN_LOCK *lock)
{
    if (__atomic_load_n(lock, __ATOMIC_RELAXED) != Self()) {
        Violation("spin lock released by a thread that does not hold it");
    }
    LocksHeld--;
    __atomic_store_n(lock, 0, __ATOMIC_RELEASE);
}

VOID NativeAcquire(KSPIN_LOCK *lock, KIRQL *irql)
{
    CheckIrql("KeAcquireSpinLock", DISPATCH_LEVEL);
    *irql = Irql;
    Irql = DISPATCH_LEVEL;
    KeAcquireSpinLockAtDpcLevel(lock);
}

VOID KeReleaseSpinLock(KSPIN_LOCK *lock, KIRQL irql)
{
    KeReleaseSpinLockFromDpcLevel(lock);
    Irql = irql;
}

static KSPIN_LOCK CancelLock;

VOID IoAcquireCancelSpinLock(KIRQL *irql)
{
    NativeAcquire(&CancelLock, irql);
}

VOID IoReleaseCancelSpinLock(KIRQL irql)
{
    KeReleaseSpinLock(&CancelLock, irql);
}

/* --- events, threads, time: one lock, one condition --- */

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

static pthread_mutex_t WaitLock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t WaitCondition = PTHREAD_COND_INITIALIZER;
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
    pthread_mutex_lock(&WaitLock);
    __atomic_add_fetch(&Now, (UINT64)milliseconds * 10000, __ATOMIC_SEQ_CST);
    pthread_cond_broadcast(&WaitCondition);
    pthread_mutex_unlock(&WaitLock);
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
    CheckIrql("KeSetEvent", DISPATCH_LEVEL);
    if (wait) {
        Violation("KeSetEvent with Wait");
    }
    pthread_mutex_lock(&WaitLock);
    former = (LONG)event->signalled;
    event->signalled = TRUE;
    pthread_cond_broadcast(&WaitCondition);
    pthread_mutex_unlock(&WaitLock);
    return former;
}

VOID KeClearEvent(KEVENT *event)
{
    CheckIrql("KeClearEvent", DISPATCH_LEVEL);
    pthread_mutex_lock(&WaitLock);
    event->signalled = FALSE;
    pthread_mutex_unlock(&WaitLock);
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
    pthread_mutex_lock(&WaitLock);
    until = timeout == NULL ? MAXUINT64 : KeQueryInterruptTime() + (UINT64)-timeout->QuadPart;
    while (!Signalled(object)) {
        if (KeQueryInterruptTime() >= until) {
            status = STATUS_TIMEOUT;
            break;
        }
        pthread_cond_wait(&WaitCondition, &WaitLock);
    }
    pthread_mutex_unlock(&WaitLock);
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

static void ReleaseThread(THREAD *thread)
{
    if (__atomic_sub_fetch(&thread->references, 1, __ATOMIC_SEQ_CST) == 0) {
        pthread_join(thread->thread, NULL);
        free(thread);
    }
}

static void *RunThread(void *argument)
{
    THREAD *thread = argument;
    Process = 4;
    thread->routine(thread->context);
    pthread_mutex_lock(&WaitLock);
    thread->ended = TRUE;
    pthread_cond_broadcast(&WaitCondition);
    pthread_mutex_unlock(&WaitLock);
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
    Count(&ThreadHandles, 1);
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
    Count(&ThreadObjects, 1);
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
    Count(&ThreadHandles, -1);
    ReleaseThread(handle);
    return STATUS_SUCCESS;
}

/* --- the power callback --- */

struct NATIVE_CALLBACK {
    CALLBACK_FUNCTION *function;
    PVOID context;
};
static struct NATIVE_CALLBACK PowerCallback;

NTSTATUS ExCreateCallback(PCALLBACK_OBJECT *object, OBJECT_ATTRIBUTES *attributes, BOOLEAN create, BOOLEAN many)
{
    static const WCHAR name[] = L"\\Callback\\PowerState";
    (void)create;
    (void)many;
    NativeCheckCall("ExCreateCallback", PASSIVE_LEVEL);
    if (memcmp(attributes->name->Buffer, name, sizeof(name)) != 0) {
        Violation("ExCreateCallback of another name than \\Callback\\PowerState");
    }
    if (NativeFails("ExCreateCallback")) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Count(&Callbacks, 1);
    *object = &PowerCallback;
    return STATUS_SUCCESS;
}

PVOID ExRegisterCallback(PCALLBACK_OBJECT object, CALLBACK_FUNCTION *function, PVOID context)
{
    NativeCheckCall("ExRegisterCallback", APC_LEVEL);
    if (NativeFails("ExRegisterCallback")) {
        return NULL;
    }
    object->function = function;
    object->context = context;
    Count(&Callbacks, 1);
    return object;
}

VOID ExUnregisterCallback(PVOID registration)
{
    NativeCheckCall("ExUnregisterCallback", APC_LEVEL);
    ((PCALLBACK_OBJECT)registration)->function = NULL;
    Count(&Callbacks, -1);
}

void NativePower(BOOLEAN working)
{
    KIRQL irql = NativeSetIrql(DISPATCH_LEVEL);
    PowerCallback.function(PowerCallback.context, (PVOID)PO_CB_SYSTEM_STATE_LOCK, (PVOID)(ULONG_PTR)working);
    PowerCallback.function(PowerCallback.context, (PVOID)1, (PVOID)0); /* another argument: not ours */
    NativeSetIrql(irql);
}

VOID ObDereferenceObject(PVOID object)
{
    if (object == &PowerCallback) {
        Count(&Callbacks, -1);
        return;
    }
    Count(&ThreadObjects, -1);
    ReleaseThread(object);
}

/* --- devices and requests --- */

NTSTATUS DriverEntry(DRIVER_OBJECT *driver, UNICODE_STRING *registryPath);

static DRIVER_OBJECT Driver;
static DEVICE_OBJECT *Device;
static WCHAR Security[128];

NTSTATUS IoCreateDeviceSecure(DRIVER_OBJECT *driver, ULONG extension, UNICODE_STRING *name, DEVICE_TYPE type,
                              ULONG characteristics, BOOLEAN exclusive, PCUNICODE_STRING security, LPCGUID class,
                              DEVICE_OBJECT **device)
{
    (void)extension;
    (void)name;
    (void)exclusive;
    (void)class;
    NativeCheckCall("IoCreateDeviceSecure", APC_LEVEL);
    if (type != FILE_DEVICE_NETWORK || (characteristics & FILE_DEVICE_SECURE_OPEN) == 0) {
        Violation("device without FILE_DEVICE_SECURE_OPEN");
    }
    if (NativeFails("IoCreateDeviceSecure")) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    memcpy(Security, security->Buffer, security->Length);
    Security[security->Length / sizeof(WCHAR)] = 0;
    *device = calloc(1, sizeof(**device));
    (*device)->DriverObject = driver;
    Device = *device;
    Count(&Devices, 1);
    return STATUS_SUCCESS;
}

const WCHAR *NativeDeviceSecurity(void)
{
    return Security;
}

DEVICE_OBJECT *NativeDevice(void)
{
    return Device;
}

VOID IoDeleteDevice(DEVICE_OBJECT *device)
{
    NativeCheckCall("IoDeleteDevice", APC_LEVEL);
    Count(&Devices, -1);
    free(device);
    Device = NULL;
}

NTSTATUS IoCreateSymbolicLink(UNICODE_STRING *link, UNICODE_STRING *name)
{
    (void)link;
    (void)name;
    NativeCheckCall("IoCreateSymbolicLink", PASSIVE_LEVEL);
    if (NativeFails("IoCreateSymbolicLink")) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Count(&Links, 1);
    return STATUS_SUCCESS;
}

NTSTATUS IoDeleteSymbolicLink(UNICODE_STRING *link)
{
    (void)link;
    NativeCheckCall("IoDeleteSymbolicLink", PASSIVE_LEVEL);
    Count(&Links, -1);
    return STATUS_SUCCESS;
}

IO_STACK_LOCATION *IoGetCurrentIrpStackLocation(IRP *irp)
{
    return &irp->stack;
}

VOID IoMarkIrpPending(IRP *irp)
{
    irp->pending = TRUE;
}

VOID IoCompleteRequest(IRP *irp, CHAR boost)
{
    CALL *call = irp->owner;
    (void)boost;
    NativeCheckCall("IoCompleteRequest", DISPATCH_LEVEL);
    if (InterlockedIncrement(&irp->completed) != 1) {
        Violation("request completed twice");
    }
    if (__atomic_load_n(&irp->CancelRoutine, __ATOMIC_SEQ_CST) != NULL) {
        Violation("request completed with a cancel routine set");
    }
    if (call != NULL) {
        if (!NT_SUCCESS(irp->IoStatus.Status) && irp->IoStatus.Information != 0) {
            Violation("a failed request returns %zu bytes", (size_t)irp->IoStatus.Information);
        }
        if (irp->IoStatus.Information > irp->stack.Parameters.DeviceIoControl.OutputBufferLength) {
            Violation("a request returns more than its buffer holds");
        }
        pthread_mutex_lock(&WaitLock);
        __atomic_store_n(&call->done, 1, __ATOMIC_SEQ_CST);
        pthread_cond_broadcast(&WaitCondition);
        pthread_mutex_unlock(&WaitLock);
    }
}

NTSTATUS NativeLoad(void)
{
    UNICODE_STRING path = RTL_CONSTANT_STRING(L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\sallyport");
    memset(&Driver, 0, sizeof(Driver));
    return DriverEntry(&Driver, &path);
}

void NativeUnload(void)
{
    Driver.DriverUnload(&Driver);
}

/* As the I/O manager does: no new handles from now on, and DriverUnload when the last one is closed. */
static LONG Handles;
static BOOLEAN Stopping;

BOOLEAN NativeStop(void)
{
    Stopping = Handles != 0;
    if (!Stopping) {
        NativeUnload();
    }
    return !Stopping;
}

static NTSTATUS Send(HANDLE_FILE *file, UCHAR major)
{
    IRP irp;
    memset(&irp, 0, sizeof(irp));
    irp.stack.MajorFunction = major;
    irp.stack.FileObject = &file->file;
    return Driver.MajorFunction[major](Device, &irp);
}

NTSTATUS NativeOpen(HANDLE_FILE *file, const WCHAR *name)
{
    NTSTATUS status;
    memset(file, 0, sizeof(*file));
    if (name != NULL) {
        file->file.FileName.Buffer = (WCHAR *)name;
        while (name[file->file.FileName.Length / sizeof(WCHAR)] != 0) {
            file->file.FileName.Length += sizeof(WCHAR);
        }
    }
    if (Stopping) {
        return STATUS_NO_SUCH_DEVICE;
    }
    status = Send(file, IRP_MJ_CREATE);
    if (NT_SUCCESS(status)) {
        InterlockedIncrement(&Handles);
    }
    return status;
}

void NativeCleanup(HANDLE_FILE *file)
{
    Send(file, IRP_MJ_CLEANUP);
}

void NativeCloseAfterCleanup(HANDLE_FILE *file)
{
    Send(file, IRP_MJ_CLOSE);
    if (InterlockedDecrement(&Handles) == 0 && Stopping) {
        Stopping = FALSE;
        NativeUnload();
    }
}

void NativeClose(HANDLE_FILE *file)
{
    NativeCleanup(file);
    NativeCloseAfterCleanup(file);
}

NTSTATUS NativeControl(HANDLE_FILE *file, CALL *call, ULONG code, const void *input, ULONG inputLength, ULONG outputLength)
{
    NTSTATUS status;
    memset(call, 0, sizeof(*call));
    call->bufferLength = inputLength > outputLength ? inputLength : outputLength;
    call->buffer = call->bufferLength == 0 ? NULL : malloc(call->bufferLength);
    if (call->buffer != NULL) {
        memset(call->buffer, 0xEE, call->bufferLength);
        if (inputLength != 0) {
            memcpy(call->buffer, input, inputLength);
        }
    }
    call->irp.owner = call;
    call->irp.AssociatedIrp.SystemBuffer = call->buffer;
    call->irp.stack.MajorFunction = IRP_MJ_DEVICE_CONTROL;
    call->irp.stack.FileObject = &file->file;
    call->irp.stack.Parameters.DeviceIoControl.IoControlCode = code;
    call->irp.stack.Parameters.DeviceIoControl.InputBufferLength = inputLength;
    call->irp.stack.Parameters.DeviceIoControl.OutputBufferLength = outputLength;
    status = Driver.MajorFunction[IRP_MJ_DEVICE_CONTROL](Device, &call->irp);
    if (status != STATUS_PENDING && __atomic_load_n(&call->done, __ATOMIC_SEQ_CST) == 0) {
        Violation("dispatch returned 0x%x without completing the request", (unsigned)status);
    }
    if (status == STATUS_PENDING && !call->irp.pending) {
        Violation("dispatch returned STATUS_PENDING without IoMarkIrpPending");
    }
    return status;
}

NTSTATUS NativeWait(CALL *call)
{
    pthread_mutex_lock(&WaitLock);
    while (__atomic_load_n(&call->done, __ATOMIC_SEQ_CST) == 0) {
        pthread_cond_wait(&WaitCondition, &WaitLock);
    }
    pthread_mutex_unlock(&WaitLock);
    return call->irp.IoStatus.Status;
}

void NativeCancel(CALL *call)
{
    DRIVER_CANCEL *routine;
    KIRQL irql;
    IoAcquireCancelSpinLock(&irql);
    call->irp.Cancel = TRUE;
    routine = IoSetCancelRoutine(&call->irp, NULL);
    if (routine == NULL) {
        IoReleaseCancelSpinLock(irql);
        return;
    }
    call->irp.CancelIrql = irql;
    routine(Device, &call->irp);
}

void NativeFree(CALL *call)
{
    free(call->buffer);
    call->buffer = NULL;
}
