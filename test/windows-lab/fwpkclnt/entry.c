#include "flow.h"

LAB_COUNTERS Counters;
static KSPIN_LOCK StateLock;
static DEVICE_OBJECT *Device;

void LabLock(KIRQL *irql) { KeAcquireSpinLock(&StateLock, irql); }
void LabUnlock(KIRQL irql) { KeReleaseSpinLock(&StateLock, irql); }

void *Allocate(SIZE_T size)
{
    void *memory = ExAllocatePoolWithTag(NonPagedPool, size, 'bal');
    if (memory) RtlZeroMemory(memory, size);
    return memory;
}

void Free(void *memory) { if (memory) ExFreePoolWithTag(memory, 'bal'); }

void Violation(const char *text)
{
    if (InterlockedIncrement((LONG *)&Counters.violations) > 1) return;
    for (ULONG i = 0; text[i] && i < sizeof Counters.first - 1; i++) Counters.first[i] = text[i];
}

static NTSTATUS Finish(IRP *irp, NTSTATUS status, ULONG_PTR written)
{
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = written;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

static NTSTATUS NTAPI OpenOrClose(DEVICE_OBJECT *device, IRP *irp)
{
    (void)device;
    return Finish(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS Stream(IRP *irp, UCHAR *buffer, ULONG in, ULONG out)
{
    LAB_STREAM_RESULT result = { 0 };
    if (in < sizeof(LAB_STREAM) || out < sizeof result) return Finish(irp, STATUS_INVALID_PARAMETER, 0);
    NTSTATUS status = StreamPlay((LAB_STREAM *)buffer, buffer + sizeof(LAB_STREAM), in - sizeof(LAB_STREAM), &result);
    RtlCopyMemory(buffer, &result, sizeof result);
    return Finish(irp, status, NT_SUCCESS(status) ? sizeof result : 0);
}

static NTSTATUS NTAPI Control(DEVICE_OBJECT *device, IRP *irp)
{
    IO_STACK_LOCATION *stack = IoGetCurrentIrpStackLocation(irp);
    ULONG in = stack->Parameters.DeviceIoControl.InputBufferLength, out = stack->Parameters.DeviceIoControl.OutputBufferLength;
    void *buffer = irp->AssociatedIrp.SystemBuffer;
    LAB_FLOWS flows;
    NTSTATUS status;
    ULONG written;
    (void)device;
    switch (stack->Parameters.DeviceIoControl.IoControlCode) {
    case LAB_IOCTL_PLAY:
        if (in != sizeof(LAB_PLAY) || out < sizeof flows) return Finish(irp, STATUS_INVALID_PARAMETER, 0);
        RtlZeroMemory(&flows, sizeof flows);
        status = Play(buffer, &flows);
        RtlCopyMemory(buffer, &flows, sizeof flows);
        return Finish(irp, status, NT_SUCCESS(status) ? sizeof flows : 0);
    case LAB_IOCTL_QUERY:
        if (in != sizeof flows || out < sizeof flows) return Finish(irp, STATUS_INVALID_PARAMETER, 0);
        Query(buffer);
        return Finish(irp, STATUS_SUCCESS, sizeof flows);
    case LAB_IOCTL_COUNTERS:
        if (out < sizeof Counters) return Finish(irp, STATUS_INVALID_PARAMETER, 0);
        RtlCopyMemory(buffer, &Counters, sizeof Counters);
        return Finish(irp, STATUS_SUCCESS, sizeof Counters);
    case LAB_IOCTL_STREAM:
        return Stream(irp, buffer, in, out);
    case LAB_IOCTL_REDIRECT:
        if (in != sizeof(LAB_REDIRECT) || out < sizeof(LAB_REDIRECT)) return Finish(irp, STATUS_INVALID_PARAMETER, 0);
        RedirectTell(buffer);
        return Finish(irp, STATUS_SUCCESS, sizeof(LAB_REDIRECT));
    case LAB_IOCTL_FILTERS:
        return Finish(irp, in < sizeof(LAB_FILTERS) ? STATUS_INVALID_PARAMETER : FiltersTake(buffer, in), 0);
    case LAB_IOCTL_FAKE:
        if (in != sizeof(UINT32)) return Finish(irp, STATUS_INVALID_PARAMETER, 0);
        FakeAs(*(UINT32 *)buffer);
        return Finish(irp, STATUS_SUCCESS, 0);
    default:
        if (FakeControl(stack->Parameters.DeviceIoControl.IoControlCode, buffer, out, &written)) return Finish(irp, STATUS_SUCCESS, written);
        return Finish(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
}

static void NTAPI Unload(DRIVER_OBJECT *driver)
{
    UNICODE_STRING link = RTL_CONSTANT_STRING(LAB_LINK);
    (void)driver;
    InjectStop();
    FlowsFree();
    FiltersFree();
    RedirectFree();
    OperationsFree();
    IoDeleteSymbolicLink(&link);
    IoDeleteDevice(Device);
}

NTSTATUS NTAPI DriverEntry(DRIVER_OBJECT *driver, UNICODE_STRING *path)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(LAB_DEVICE), link = RTL_CONSTANT_STRING(LAB_LINK);
    (void)path;
    KeInitializeSpinLock(&StateLock);
    NTSTATUS status = IoCreateDevice(driver, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    if (!NT_SUCCESS(status)) return status;
    status = IoCreateSymbolicLink(&link, &name);
    if (!NT_SUCCESS(status)) {
        IoDeleteDevice(Device);
        return status;
    }
    driver->MajorFunction[IRP_MJ_CREATE] = OpenOrClose;
    driver->MajorFunction[IRP_MJ_CLOSE] = OpenOrClose;
    driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control;
    driver->DriverUnload = Unload;
    InjectStart();
    return STATUS_SUCCESS;
}
