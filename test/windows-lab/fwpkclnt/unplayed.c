/*
 * Functions of the optional modules (redirect, stream), which no scenario of the lab plays: handles are counted, everything that would
 * need traffic answers as Windows does for a request that it does not support, and the driver's native tests cover the rest.
 */
#include "lab.h"

NTSTATUS NTAPI FwpsRedirectHandleCreate0(const GUID *provider, UINT32 flags, HANDLE *out)
{
    if (!provider || flags || !out) return STATUS_INVALID_PARAMETER;
    *out = Allocate(16);
    return *out ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

void NTAPI FwpsRedirectHandleDestroy0(HANDLE handle) { Free(handle); }

FWPS_CONNECTION_REDIRECT_STATE NTAPI FwpsQueryConnectionRedirectState0(HANDLE records, HANDLE handle, void **context)
{
    (void)records, (void)handle, (void)context;
    return FWPS_CONNECTION_NOT_REDIRECTED;
}

NTSTATUS NTAPI FwpsAcquireClassifyHandle0(void *context, UINT32 flags, UINT64 *handle)
{
    (void)context, (void)flags, (void)handle;
    return STATUS_NOT_SUPPORTED;
}

void NTAPI FwpsReleaseClassifyHandle0(UINT64 handle) { (void)handle; Violation("FwpsReleaseClassifyHandle0 without handle"); }

NTSTATUS NTAPI FwpsAcquireWritableLayerDataPointer0(UINT64 handle, UINT64 filterId, UINT32 flags, PVOID *data, FWPS_CLASSIFY_OUT0 *out)
{
    (void)handle, (void)filterId, (void)flags, (void)data, (void)out;
    return STATUS_NOT_SUPPORTED;
}

void NTAPI FwpsApplyModifiedLayerData0(UINT64 handle, PVOID data, UINT32 flags)
{
    (void)handle, (void)data, (void)flags;
    Violation("FwpsApplyModifiedLayerData0 without handle");
}

NTSTATUS NTAPI FwpsFlowAssociateContext0(UINT64 flow, UINT16 layer, UINT32 callout, UINT64 context)
{
    (void)flow, (void)layer, (void)callout, (void)context;
    return STATUS_NOT_SUPPORTED;
}

NTSTATUS NTAPI FwpsFlowRemoveContext0(UINT64 flow, UINT16 layer, UINT32 callout)
{
    (void)flow, (void)layer, (void)callout;
    return STATUS_UNSUCCESSFUL;
}

void NTAPI FwpsCopyStreamDataToBuffer0(const FWPS_STREAM_DATA0 *data, PVOID buffer, SIZE_T size, SIZE_T *copied)
{
    (void)data, (void)buffer, (void)size;
    *copied = 0;
}

NTSTATUS NTAPI FwpsConstructIpHeaderForTransportPacket0(NET_BUFFER_LIST *list, ULONG headerLength, ADDRESS_FAMILY family, const UCHAR *source,
                                                        const UCHAR *remote, IPPROTO next, UINT64 endpoint, const WSACMSGHDR *control,
                                                        ULONG controlLength, UINT32 flags, PVOID reserved, IF_INDEX interfaceIndex, IF_INDEX subInterfaceIndex)
{
    (void)list, (void)headerLength, (void)family, (void)source, (void)remote, (void)next, (void)endpoint, (void)control, (void)controlLength,
        (void)flags, (void)reserved, (void)interfaceIndex, (void)subInterfaceIndex;
    return STATUS_NOT_SUPPORTED;
}
