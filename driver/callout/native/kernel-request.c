/* Devices, requests and handles; load, unload and what `sc stop` does. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "kernel.h"

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
    KernelCount(&KernelLeft.devices, 1);
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
    KernelCount(&KernelLeft.devices, -1);
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
    KernelCount(&KernelLeft.links, 1);
    return STATUS_SUCCESS;
}

NTSTATUS IoDeleteSymbolicLink(UNICODE_STRING *link)
{
    (void)link;
    NativeCheckCall("IoDeleteSymbolicLink", PASSIVE_LEVEL);
    KernelCount(&KernelLeft.links, -1);
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
        pthread_mutex_lock(&KernelWaitLock);
        __atomic_store_n(&call->done, 1, __ATOMIC_SEQ_CST);
        pthread_cond_broadcast(&KernelWaitCondition);
        pthread_mutex_unlock(&KernelWaitLock);
    }
}

NTSTATUS NativeLoad(void)
{
    UNICODE_STRING path = SALLYPORT_STRING(L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\sallyport");
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
    pthread_mutex_lock(&KernelWaitLock);
    while (__atomic_load_n(&call->done, __ATOMIC_SEQ_CST) == 0) {
        pthread_cond_wait(&KernelWaitCondition, &KernelWaitLock);
    }
    pthread_mutex_unlock(&KernelWaitLock);
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
