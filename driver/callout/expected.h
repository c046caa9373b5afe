/*
 * Offsets and sizes on x64 that the sources and the native tests rely on. Every build compiles this: without the WDK it
 * checks our stand-ins, with the WDK the same lines check Microsoft's headers against what the tests assumed.
 * From fwpstypes.h, fwptypes.h (SDK), fwpsk.h (WDK 1809) and ndis/nbl.h.
 */
#ifndef SALLYPORT_EXPECTED_H
#define SALLYPORT_EXPECTED_H

#include <stddef.h>

#include "platform.h"

#define AT(structure, member, offset) \
    _Static_assert(offsetof(structure, member) == (offset), #structure "." #member)
#define BYTES_OF(structure, bytes) _Static_assert(sizeof(structure) == (bytes), #structure)

BYTES_OF(FWP_VALUE0, 16);
AT(FWP_VALUE0, uint32, 8);
BYTES_OF(FWPS_INCOMING_VALUES0, 16);
AT(FWPS_INCOMING_VALUES0, incomingValue, 8);

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
_Static_assert(NDIS_SIZEOF_NET_BUFFER_LIST_POOL_PARAMETERS_REVISION_1 == 16, "NET_BUFFER_LIST_POOL_PARAMETERS");

#undef AT
#undef BYTES_OF

#endif
