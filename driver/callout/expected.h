/*
 * Offsets and sizes on x64 that the sources and the native tests rely on. Every build compiles this: without the WDK it
 * checks our stand-ins, with the WDK the same lines check Microsoft's headers against what the tests assumed.
 * From fwpstypes.h, fwptypes.h, ws2def.h, ws2ipdef.h (SDK), fwpsk.h, ndis.h (WDK 1709, 1809), ndis/nbl.h, wdm.h (WDK 2004).
 */
#ifndef SALLYPORT_EXPECTED_H
#define SALLYPORT_EXPECTED_H

#include "ioctl.h"
#include "platform.h"

#define AT(structure, member, offset) \
    SP_STATIC_ASSERT(SP_OFFSET(structure, member) == (offset), #structure "." #member)
#define BYTES_OF(structure, bytes) SP_STATIC_ASSERT(sizeof(structure) == (bytes), #structure)
#define EQUAL(name, value) SP_STATIC_ASSERT((name) == (value), #name)

BYTES_OF(FWP_VALUE0, 16);
AT(FWP_VALUE0, uint32, 8);
BYTES_OF(FWPS_INCOMING_VALUES0, 16);
AT(FWPS_INCOMING_VALUES0, incomingValue, 8);

/* Told to clients as a number. Their count depends on NTDDI_VERSION, which must be that of Windows 8 at least. */
EQUAL(FWPS_LAYER_STREAM_V4, 20);
EQUAL(FWPS_LAYER_STREAM_V6, 22);
EQUAL(FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V4, 44);
EQUAL(FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V6, 46);
EQUAL(FWPS_LAYER_ALE_AUTH_CONNECT_V4, 48);
EQUAL(FWPS_LAYER_ALE_AUTH_CONNECT_V6, 50);
EQUAL(FWPS_LAYER_ALE_FLOW_ESTABLISHED_V4, 52);
EQUAL(FWPS_LAYER_ALE_FLOW_ESTABLISHED_V6, 54);
EQUAL(FWPS_LAYER_ALE_ENDPOINT_CLOSURE_V4, 64);
EQUAL(FWPS_LAYER_ALE_ENDPOINT_CLOSURE_V6, 65);
EQUAL(FWPS_LAYER_ALE_CONNECT_REDIRECT_V4, 66);
EQUAL(FWPS_LAYER_ALE_CONNECT_REDIRECT_V6, 67);

BYTES_OF(FWPS_INCOMING_METADATA_VALUES0, 280);
AT(FWPS_INCOMING_METADATA_VALUES0, flowHandle, 32);
AT(FWPS_INCOMING_METADATA_VALUES0, ipHeaderSize, 40);
AT(FWPS_INCOMING_METADATA_VALUES0, processId, 64);
AT(FWPS_INCOMING_METADATA_VALUES0, compartmentId, 80);
AT(FWPS_INCOMING_METADATA_VALUES0, completionHandle, 104);
AT(FWPS_INCOMING_METADATA_VALUES0, transportEndpointHandle, 112);
AT(FWPS_INCOMING_METADATA_VALUES0, remoteScopeId, 120);
AT(FWPS_INCOMING_METADATA_VALUES0, controlData, 128);
AT(FWPS_INCOMING_METADATA_VALUES0, headerIncludeHeaderLength, 152);
AT(FWPS_INCOMING_METADATA_VALUES0, originalDestination, 208);
AT(FWPS_INCOMING_METADATA_VALUES0, redirectRecords, 216);
AT(FWPS_INCOMING_METADATA_VALUES0, subProcessTag, 264);

BYTES_OF(FWPS_FILTER2, 64);
AT(FWPS_FILTER2, flags, 26);
AT(FWPS_FILTER2, action, 40);
BYTES_OF(FWPS_CLASSIFY_OUT0, 40);
AT(FWPS_CLASSIFY_OUT0, rights, 24);
AT(FWPS_CLASSIFY_OUT0, flags, 28);
BYTES_OF(FWPS_CALLOUT2, 48);
AT(FWPS_CALLOUT2, classifyFn, 24);

AT(FWPS_TRANSPORT_SEND_PARAMS0, remoteScopeId, 8);
AT(FWPS_TRANSPORT_SEND_PARAMS0, controlData, 16);
AT(FWPS_TRANSPORT_SEND_PARAMS0, controlDataLength, 24);
BYTES_OF(FWPS_PACKET_LIST_INFORMATION0, 8);
BYTES_OF(FWPS_CONNECT_REQUEST0, 312);
AT(FWPS_CONNECT_REQUEST0, remoteAddressAndPort, 128);
AT(FWPS_CONNECT_REQUEST0, localRedirectTargetPID, 264);
AT(FWPS_CONNECT_REQUEST0, localRedirectContext, 296);
BYTES_OF(FWPS_STREAM_DATA0, 64);
AT(FWPS_STREAM_DATA0, dataLength, 48);
BYTES_OF(FWPS_STREAM_CALLOUT_IO_PACKET0, 40);
AT(FWPS_STREAM_CALLOUT_IO_PACKET0, streamAction, 32);
BYTES_OF(SCOPE_ID, 4);
BYTES_OF(WSACMSGHDR, 16);
BYTES_OF(SOCKADDR_STORAGE, 128);
BYTES_OF(ADDRESS_FAMILY, 2);
EQUAL(AF_INET, 2);
EQUAL(AF_INET6, 23);
EQUAL(IPPROTO_ICMP, 1);
EQUAL(IPPROTO_TCP, 6);
EQUAL(IPPROTO_UDP, 17);
EQUAL(IPPROTO_ICMPV6, 58);
AT(SOCKADDR_IN, sin_port, 2);
AT(SOCKADDR_IN, sin_addr, 4);
AT(SOCKADDR_IN6, sin6_port, 2);
AT(SOCKADDR_IN6, sin6_addr, 8);

AT(NET_BUFFER, CurrentMdl, 8);
AT(NET_BUFFER, DataLength, 24);
AT(NET_BUFFER, DataOffset, 40);
AT(NET_BUFFER, NdisPoolHandle, 56);
AT(NET_BUFFER_LIST, FirstNetBuffer, 8);
AT(NET_BUFFER_LIST, NdisPoolHandle, 32);
AT(NET_BUFFER_LIST, NdisReserved, 48);
AT(NET_BUFFER_LIST, Status, 140);
AT(NET_BUFFER_LIST, NetBufferListInfo, 144);
BYTES_OF(NET_BUFFER_LIST_POOL_PARAMETERS, 16);
AT(NET_BUFFER_LIST_POOL_PARAMETERS, ProtocolId, 4);
AT(NET_BUFFER_LIST_POOL_PARAMETERS, PoolTag, 8);
EQUAL(NET_BUFFER_LIST_POOL_PARAMETERS_REVISION_1, 1);

/* wdm.h: what the compiler takes from it without asking anybody. A pool type, a function code or a level is a number. */
EQUAL(NonPagedPoolNx, 512);
EQUAL(DISPATCH_LEVEL, 2);
EQUAL(Executive, 0);
EQUAL(IRP_MJ_CREATE, 0);
EQUAL(IRP_MJ_CLOSE, 2);
EQUAL(IRP_MJ_DEVICE_CONTROL, 14);
EQUAL(IRP_MJ_CLEANUP, 18);
EQUAL(IRP_MJ_MAXIMUM_FUNCTION, 27);
BYTES_OF(KIRQL, 1);
BYTES_OF(KSPIN_LOCK, 8);
BYTES_OF(LIST_ENTRY, 16);
BYTES_OF(UNICODE_STRING, 16);
BYTES_OF(IO_CSQ, 64);
AT(IO_CSQ, ReservePointer, 56);

/* The native tests have objects of their own, which are reached by the same names. */
#ifndef SALLYPORT_NATIVE
BYTES_OF(OBJECT_ATTRIBUTES, 48);
AT(DRIVER_OBJECT, DriverUnload, 104);
AT(DRIVER_OBJECT, MajorFunction, 112);
AT(FILE_OBJECT, FsContext, 24);
AT(FILE_OBJECT, FileName, 88);
AT(IRP, AssociatedIrp.SystemBuffer, 24);
AT(IRP, IoStatus.Information, 56);
AT(IRP, Tail.Overlay.ListEntry, 168);
AT(IO_STACK_LOCATION, Parameters.DeviceIoControl.OutputBufferLength, 8);
AT(IO_STACK_LOCATION, Parameters.DeviceIoControl.InputBufferLength, 16);
AT(IO_STACK_LOCATION, Parameters.DeviceIoControl.IoControlCode, 24);
AT(IO_STACK_LOCATION, FileObject, 48);
#endif

#undef AT
#undef BYTES_OF
#undef EQUAL

#endif
