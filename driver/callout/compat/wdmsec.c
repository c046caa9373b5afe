/*
 * IoCreateDeviceSecure for the mingw-w64 build, where Microsoft's wdmsec.lib is missing (wdmsec.h gives the name its
 * library prefix). It calls the kernel's own function when there is one; otherwise it makes the device and sets
 * D:P(A;;GA;;;SY)(A;;GA;;;BA) on it before anybody can open it: DO_DEVICE_INITIALIZING is set until DriverEntry returns.
 */
#include "../platform.h"

typedef NTSTATUS(NTAPI *CREATE_SECURE)(PDRIVER_OBJECT, ULONG, PUNICODE_STRING, DEVICE_TYPE, ULONG, BOOLEAN, PCUNICODE_STRING,
                                       LPCGUID, PDEVICE_OBJECT *);

static NTSTATUS SetSecurity(PDEVICE_OBJECT device)
{
    /* ACL header 8 bytes, two allowed ACEs of 8 bytes each and their SIDs (12 and 16 bytes). */
    union {
        ACL acl;
        UCHAR bytes[64];
    } dacl;
    SECURITY_DESCRIPTOR descriptor;
    HANDLE handle;
    NTSTATUS status = RtlCreateAcl(&dacl.acl, sizeof(dacl), ACL_REVISION);
    if (NT_SUCCESS(status)) {
        status = RtlAddAccessAllowedAce(&dacl.acl, ACL_REVISION, GENERIC_ALL, SeExports->SeLocalSystemSid);
    }
    if (NT_SUCCESS(status)) {
        status = RtlAddAccessAllowedAce(&dacl.acl, ACL_REVISION, GENERIC_ALL, SeExports->SeAliasAdminsSid);
    }
    if (NT_SUCCESS(status)) {
        status = RtlCreateSecurityDescriptor(&descriptor, SECURITY_DESCRIPTOR_REVISION);
    }
    if (NT_SUCCESS(status)) {
        status = RtlSetDaclSecurityDescriptor(&descriptor, TRUE, &dacl.acl, FALSE);
    }
    if (!NT_SUCCESS(status)) {
        return status;
    }
    status = ObOpenObjectByPointer(device, OBJ_KERNEL_HANDLE, NULL, WRITE_DAC, NULL, KernelMode, &handle);
    if (NT_SUCCESS(status)) {
        status = ZwSetSecurityObject(handle, DACL_SECURITY_INFORMATION, &descriptor);
        (VOID)ZwClose(handle);
    }
    return status;
}

NTSTATUS NTAPI WdmlibIoCreateDeviceSecure(PDRIVER_OBJECT driver, ULONG extension, PUNICODE_STRING name, DEVICE_TYPE type,
                                          ULONG characteristics, BOOLEAN exclusive, PCUNICODE_STRING security, LPCGUID class,
                                          PDEVICE_OBJECT *device)
{
    UNICODE_STRING function = SALLYPORT_STRING(L"IoCreateDeviceSecure");
    CREATE_SECURE create = (CREATE_SECURE)(ULONG_PTR)MmGetSystemRoutineAddress(&function);
    NTSTATUS status;
    if (create != NULL) {
        return create(driver, extension, name, type, characteristics, exclusive, security, class, device);
    }
    status = IoCreateDevice(driver, extension, name, type, characteristics, exclusive, device);
    if (NT_SUCCESS(status)) {
        status = SetSecurity(*device);
        if (!NT_SUCCESS(status)) {
            IoDeleteDevice(*device);
        }
    }
    return status;
}
