#include "device.h"

#include "client.h"
#include "control.h"
#include "hold.h"
#include "modules.h"
#include "policy.h"
#include "table.h"

/* At PASSIVE_LEVEL: nothing is above this device, and requests come from the system services. */
_Dispatch_type_(IRP_MJ_CREATE) static DRIVER_DISPATCH_PAGED Create;
_Dispatch_type_(IRP_MJ_CLEANUP) static DRIVER_DISPATCH_PAGED Cleanup;
_Dispatch_type_(IRP_MJ_CLOSE) static DRIVER_DISPATCH_PAGED Close;
_Dispatch_type_(IRP_MJ_DEVICE_CONTROL) static DRIVER_DISPATCH_PAGED DeviceControl;

static NTSTATUS Finish(_In_ IRP *irp, NTSTATUS status)
{
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = 0;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

_Use_decl_annotations_ static NTSTATUS NTAPI Create(DEVICE_OBJECT *device, IRP *irp)
{
    FILE_OBJECT *file = IoGetCurrentIrpStackLocation(irp)->FileObject;
    CLIENT *client;
    UNREFERENCED_PARAMETER(device);
    if (file->FileName.Length != 0) {
        return Finish(irp, STATUS_OBJECT_NAME_INVALID);
    }
    client = ClientCreate();
    if (client == NULL) {
        return Finish(irp, STATUS_INSUFFICIENT_RESOURCES);
    }
    file->FsContext = client;
    return Finish(irp, STATUS_SUCCESS);
}

/* The last handle is closed, by its owner or because the process died: what it held open ends here, cleanly. */
_Use_decl_annotations_ static NTSTATUS NTAPI Cleanup(DEVICE_OBJECT *device, IRP *irp)
{
    CLIENT *client = IoGetCurrentIrpStackLocation(irp)->FileObject->FsContext;
    BOOLEAN wasDecider;
    SALLYPORT_POLICY policy;
    UNREFERENCED_PARAMETER(device);
    PolicyGet(&policy);
    if (TableDetach(client, policy.onDetach, &wasDecider)) {
        HoldCompleteReady();
    }
    ClientClose(client);
    if (wasDecider) {
        PolicyEndExemptions(client);
        ModulesEnd(client);
        ClientsPost(EventState(FALSE, 0, ModulesRegistered()));
    }
    return Finish(irp, STATUS_SUCCESS);
}

_Use_decl_annotations_ static NTSTATUS NTAPI Close(DEVICE_OBJECT *device, IRP *irp)
{
    FILE_OBJECT *file = IoGetCurrentIrpStackLocation(irp)->FileObject;
    UNREFERENCED_PARAMETER(device);
    ClientRelease(file->FsContext);
    file->FsContext = NULL;
    return Finish(irp, STATUS_SUCCESS);
}

_Use_decl_annotations_ static NTSTATUS NTAPI DeviceControl(DEVICE_OBJECT *device, IRP *irp)
{
    IO_STACK_LOCATION *stack = IoGetCurrentIrpStackLocation(irp);
    CLIENT *client = stack->FileObject->FsContext;
    ULONG written = 0;
    NTSTATUS status;
    UNREFERENCED_PARAMETER(device);
    if (stack->Parameters.DeviceIoControl.IoControlCode == SALLYPORT_IOCTL_NEXT_EVENTS) {
        status = ControlNextEvents(client, irp);
        return status == STATUS_PENDING ? status : Finish(irp, status);
    }
    status = ControlDispatch(client, (UINT64)(ULONG_PTR)PsGetCurrentProcessId(),
                             stack->Parameters.DeviceIoControl.IoControlCode, irp->AssociatedIrp.SystemBuffer,
                             stack->Parameters.DeviceIoControl.InputBufferLength,
                             stack->Parameters.DeviceIoControl.OutputBufferLength, &written);
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = written;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

_Use_decl_annotations_ NTSTATUS DeviceInitialize(DRIVER_OBJECT *driver, DEVICE_OBJECT **device)
{
    /* {6d3a2c0e-51c7-4a0c-9a7b-2f3a90f6d1b4}: lets an administrator set other security in the registry. */
    static const GUID class = { 0x6d3a2c0e, 0x51c7, 0x4a0c, { 0x9a, 0x7b, 0x2f, 0x3a, 0x90, 0xf6, 0xd1, 0xb4 } };
    UNICODE_STRING security = SALLYPORT_STRING(L"D:P(A;;GA;;;SY)(A;;GA;;;BA)");
    UNICODE_STRING name = SALLYPORT_STRING(SALLYPORT_DEVICE_NAME);
    UNICODE_STRING link = SALLYPORT_STRING(SALLYPORT_LINK_NAME);
    NTSTATUS status =
        IoCreateDeviceSecure(driver, 0, &name, FILE_DEVICE_NETWORK, FILE_DEVICE_SECURE_OPEN, FALSE, &security, &class, device);
    if (!NT_SUCCESS(status)) {
        return status;
    }
    status = IoCreateSymbolicLink(&link, &name);
    if (!NT_SUCCESS(status)) {
        IoDeleteDevice(*device);
        return status;
    }
    driver->MajorFunction[IRP_MJ_CREATE] = Create;
    driver->MajorFunction[IRP_MJ_CLEANUP] = Cleanup;
    driver->MajorFunction[IRP_MJ_CLOSE] = Close;
    driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = DeviceControl;
    return STATUS_SUCCESS;
}

_Use_decl_annotations_ VOID DeviceUninitialize(DEVICE_OBJECT *device)
{
    UNICODE_STRING link = SALLYPORT_STRING(SALLYPORT_LINK_NAME);
    (VOID)IoDeleteSymbolicLink(&link);
    IoDeleteDevice(device);
}
