/* IPsec: no scenario of the lab plays it; the driver's native tests cover what it does with the answer. */
#include "lab.h"

NTSTATUS NTAPI FwpsConstructIpHeaderForTransportPacket0(NET_BUFFER_LIST *list, ULONG headerLength, ADDRESS_FAMILY family, const UCHAR *source,
                                                        const UCHAR *remote, IPPROTO next, UINT64 endpoint, const WSACMSGHDR *control,
                                                        ULONG controlLength, UINT32 flags, PVOID reserved, IF_INDEX interfaceIndex, IF_INDEX subInterfaceIndex)
{
    (void)list, (void)headerLength, (void)family, (void)source, (void)remote, (void)next, (void)endpoint, (void)control, (void)controlLength,
        (void)flags, (void)reserved, (void)interfaceIndex, (void)subInterfaceIndex;
    return STATUS_NOT_SUPPORTED;
}
