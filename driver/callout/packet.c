#include "packet.h"

#include "pool.h"
#include "statistics.h"

struct INJECTION {
    PACKET *packet;
    MDL *mdl;
    NET_BUFFER_LIST *list;
    ROUTE route;
    BOOLEAN hard;
    FWPS_TRANSPORT_SEND_PARAMS0 parameters; /* must live until the completion function */
};

/* Longest datagram plus headers; anything longer is no packet. */
#define PACKET_MAX_BYTES (64u * 1024u + 512u)

static HANDLE Handles[2][2]; /* [LAYER_KIND][family is 6]; written at PASSIVE_LEVEL before and after all classifies */
static NDIS_HANDLE Pool;

static ADDRESS_FAMILY Family(UCHAR family)
{
    return family == 4 ? AF_INET : AF_INET6;
}

static NDIS_HANDLE CreatePool(VOID)
{
    NET_BUFFER_LIST_POOL_PARAMETERS parameters;
    RtlZeroMemory(&parameters, sizeof(parameters));
    parameters.Header.Type = NDIS_OBJECT_TYPE_DEFAULT;
    parameters.Header.Revision = NET_BUFFER_LIST_POOL_PARAMETERS_REVISION_1;
    parameters.Header.Size = (USHORT)NDIS_SIZEOF_NET_BUFFER_LIST_POOL_PARAMETERS_REVISION_1;
    parameters.ProtocolId = NDIS_PROTOCOL_ID_DEFAULT;
    parameters.fAllocateNetBuffer = TRUE;
    parameters.PoolTag = SALLYPORT_POOL_TAG;
    return NdisAllocateNetBufferListPool(NULL, &parameters);
}

_Use_decl_annotations_ NTSTATUS PacketInitialize(VOID)
{
    ULONG kind, six;
    NTSTATUS status;
    RtlZeroMemory(Handles, sizeof(Handles));
    Pool = CreatePool();
    if (Pool == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    for (kind = 0; kind < 2; kind++) {
        for (six = 0; six < 2; six++) {
            status = FwpsInjectionHandleCreate0(six ? AF_INET6 : AF_INET, FWPS_INJECTION_TYPE_TRANSPORT, &Handles[kind][six]);
            if (!NT_SUCCESS(status)) {
                Handles[kind][six] = NULL;
                PacketUninitialize();
                return status;
            }
        }
    }
    return STATUS_SUCCESS;
}

_Use_decl_annotations_ VOID PacketUninitialize(VOID)
{
    ULONG kind, six;
    for (kind = 0; kind < 2; kind++) {
        for (six = 0; six < 2; six++) {
            if (Handles[kind][six] != NULL) {
                (VOID)FwpsInjectionHandleDestroy0(Handles[kind][six]);
                Handles[kind][six] = NULL;
            }
        }
    }
    NdisFreeNetBufferListPool(Pool);
    Pool = NULL;
}

_Use_decl_annotations_ VOID PacketRoute(ROUTE *route, const ATTEMPT *attempt)
{
    RtlZeroMemory(route, sizeof(*route));
    route->endpointHandle = attempt->endpointHandle;
    route->compartmentId = attempt->compartmentId;
    route->interfaceIndex = attempt->interfaceIndex;
    route->subInterfaceIndex = attempt->subInterfaceIndex;
    route->remoteScopeId = attempt->remoteScopeId;
    route->ipHeaderSize = attempt->ipHeaderSize;
    route->family = attempt->layer->family;
    route->kind = attempt->layer->kind;
    route->protocol = attempt->protocol;
    RtlCopyMemory(route->localAddress, attempt->localAddress, 16);
    RtlCopyMemory(route->remoteAddress, attempt->remoteAddress, 16);
    if (attempt->packet != NULL && attempt->layer->kind == LAYER_RECV_ACCEPT) {
        FWPS_PACKET_LIST_INFORMATION0 information;
        RtlZeroMemory(&information, sizeof(information));
        if (NT_SUCCESS(FwpsGetPacketListSecurityInformation0(
                attempt->packet, FWPS_PACKET_LIST_INFORMATION_QUERY_IPSEC | FWPS_PACKET_LIST_INFORMATION_QUERY_INBOUND,
                &information))) {
            route->ipsecProtected = (BOOLEAN)information.ipsecInformation.inbound.isSecure;
        }
    }
}

/*
 * A packet with room for its bytes and for the socket's control data behind them, which is copied: it belongs to the
 * classify, and a packet sent without it takes another route or source address than the program asked for.
 */
static PACKET *AllocatePacket(ULONG length, _In_ const ATTEMPT *attempt)
{
    SIZE_T control = (FIELD_OFFSET(PACKET, bytes) + (SIZE_T)length + sizeof(SIZE_T) - 1) & ~(sizeof(SIZE_T) - 1);
    PACKET *packet = PoolAllocate(control + attempt->controlDataLength);
    if (packet != NULL) {
        packet->length = length;
        if (attempt->controlDataLength != 0) {
            packet->controlData = (WSACMSGHDR *)(PVOID)((UCHAR *)packet + control);
            packet->controlDataLength = attempt->controlDataLength;
            RtlCopyMemory(packet->controlData, attempt->controlData, attempt->controlDataLength);
        }
    }
    return packet;
}

/* One buffer; `headers` bytes before its data belong to the packet too (inbound) and are given back afterwards. */
static NTSTATUS CopyBuffer(_In_ NET_BUFFER *buffer, ULONG headers, _In_ const ATTEMPT *attempt, _Out_ PACKET **copy)
{
    NTSTATUS status = STATUS_SUCCESS;
    ULONG length;
    PACKET *packet;

    *copy = NULL;
    if (NdisRetreatNetBufferDataStart(buffer, headers, 0, NULL) != NDIS_STATUS_SUCCESS) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    length = NET_BUFFER_DATA_LENGTH(buffer);
    if (length == 0 || length > PACKET_MAX_BYTES || attempt->controlDataLength > PACKET_MAX_CONTROL_BYTES) {
        status = STATUS_INVALID_BUFFER_SIZE;
    } else if ((packet = AllocatePacket(length, attempt)) == NULL) {
        status = STATUS_INSUFFICIENT_RESOURCES;
    } else {
        const VOID *data = NdisGetDataBuffer(buffer, length, packet->bytes, 1, 0);
        if (data == NULL) {
            PoolFree(packet);
            status = STATUS_INSUFFICIENT_RESOURCES;
        } else {
            if (data != packet->bytes) {
                RtlCopyMemory(packet->bytes, data, length);
            }
            *copy = packet;
        }
    }
    NdisAdvanceNetBufferDataStart(buffer, headers, FALSE, NULL);
    return status;
}

_Use_decl_annotations_ NTSTATUS PacketCopy(const ATTEMPT *attempt, LIST_ENTRY *packets, ULONG *count, ULONG *bytes)
{
    /* RECV_ACCEPT shows the data behind the transport header, CONNECT from the transport header on. */
    ULONG headers = attempt->layer->kind == LAYER_RECV_ACCEPT ? attempt->ipHeaderSize + attempt->transportHeaderSize : 0;
    NTSTATUS status = STATUS_SUCCESS;
    NET_BUFFER_LIST *list;
    NET_BUFFER *buffer;

    *count = 0;
    *bytes = 0;
    for (list = attempt->packet; list != NULL; list = NET_BUFFER_LIST_NEXT_NBL(list)) {
        for (buffer = NET_BUFFER_LIST_FIRST_NB(list); buffer != NULL; buffer = NET_BUFFER_NEXT_NB(buffer)) {
            PACKET *packet = NULL;
            status = *count == PACKETS_PER_REQUEST ? STATUS_INVALID_BUFFER_SIZE : CopyBuffer(buffer, headers, attempt, &packet);
            if (!NT_SUCCESS(status)) {
                (VOID)PacketFreeAll(packets);
                *count = 0;
                *bytes = 0;
                return status;
            }
            packet->checksumInfo = NET_BUFFER_LIST_INFO(list, TcpIpChecksumNetBufferListInfo);
            InsertTailList(packets, &packet->link);
            *count += 1;
            *bytes += packet->length;
        }
    }
    return status;
}

_Use_decl_annotations_ ULONG PacketFreeAll(LIST_ENTRY *packets)
{
    ULONG count = 0;
    while (!IsListEmpty(packets)) {
        PoolFree(CONTAINING_RECORD(RemoveHeadList(packets), PACKET, link));
        count++;
    }
    return count;
}

static VOID FreeInjection(_In_ INJECTION *injection)
{
    if (injection->list != NULL) {
        FwpsFreeNetBufferList0(injection->list);
    }
    if (injection->mdl != NULL) {
        IoFreeMdl(injection->mdl);
    }
    PoolFree(injection->packet);
    PoolFree(injection);
}

/* The sum over an IPv4 header (RFC 791, RFC 1071); offload hardware may have left none in a packet we saw. */
static VOID WriteHeaderChecksum(_Inout_ UCHAR *header, ULONG length)
{
    ULONG sum = 0, i;
    header[10] = 0;
    header[11] = 0;
    for (i = 0; i + 1 < length; i += 2) {
        sum += ((ULONG)header[i] << 8) | header[i + 1];
    }
    while (sum >> 16) {
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    header[10] = (UCHAR)(~sum >> 8);
    header[11] = (UCHAR)~sum;
}

static NTSTATUS MakeReceivable(_In_ INJECTION *injection)
{
    const ROUTE *route = &injection->route;
    if (route->ipsecProtected) {
        return FwpsConstructIpHeaderForTransportPacket0(injection->list, route->ipHeaderSize, Family(route->family),
                                                        route->remoteAddress, route->localAddress, (IPPROTO)route->protocol, 0,
                                                        NULL, 0, 0, NULL, 0, 0);
    }
    /* A copy that does not begin with its IP header (its size was not told) is nothing that the stack may be given. */
    if (injection->packet->length < (route->family == 4 ? 20u : 40u) || injection->packet->bytes[0] >> 4 != route->family) {
        return STATUS_INVALID_BUFFER_SIZE;
    }
    if (route->family == 4) {
        ULONG length = (injection->packet->bytes[0] & 0x0Fu) * 4u;
        if (length < 20 || length > injection->packet->length) {
            return STATUS_INVALID_BUFFER_SIZE;
        }
        WriteHeaderChecksum(injection->packet->bytes, length);
    }
    return STATUS_SUCCESS;
}

_Use_decl_annotations_ NTSTATUS PacketPrepare(PACKET *packet, const ROUTE *route, BOOLEAN hard, INJECTION **injection)
{
    NTSTATUS status;
    INJECTION *made = PoolAllocate(sizeof(*made));

    *injection = NULL;
    if (made == NULL) {
        PoolFree(packet);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    made->packet = packet;
    made->route = *route;
    made->hard = hard;
    made->parameters.remoteAddress = made->route.remoteAddress;
    made->parameters.remoteScopeId = route->remoteScopeId;
    made->parameters.controlData = packet->controlData;
    made->parameters.controlDataLength = packet->controlDataLength;
    made->mdl = IoAllocateMdl(packet->bytes, packet->length, FALSE, FALSE, NULL);
    if (made->mdl == NULL) {
        FreeInjection(made);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    MmBuildMdlForNonPagedPool(made->mdl);
    status = FwpsAllocateNetBufferAndNetBufferList0(Pool, 0, 0, made->mdl, 0, packet->length, &made->list);
    if (!NT_SUCCESS(status)) {
        made->list = NULL;
        FreeInjection(made);
        return status;
    }
    NET_BUFFER_LIST_INFO(made->list, TcpIpChecksumNetBufferListInfo) = packet->checksumInfo;
    if (route->kind == LAYER_RECV_ACCEPT) {
        status = MakeReceivable(made);
        if (!NT_SUCCESS(status)) {
            FreeInjection(made);
            return status;
        }
    }
    *injection = made;
    return STATUS_SUCCESS;
}

NET_BUFFER_LIST *PacketList(INJECTION *injection)
{
    return injection->list;
}

static VOID NTAPI Injected(VOID *context, NET_BUFFER_LIST *list, BOOLEAN dispatchLevel)
{
    UNREFERENCED_PARAMETER(dispatchLevel);
    if (NT_SUCCESS(NET_BUFFER_LIST_STATUS(list))) {
        COUNT(packetsInjected);
    } else {
        COUNT(injectFailures);
    }
    FreeInjection(context);
}

_Use_decl_annotations_ NTSTATUS PacketInject(INJECTION *injection)
{
    const ROUTE *route = &injection->route;
    HANDLE handle = Handles[route->kind][route->family == 6];
    HANDLE context = (HANDLE)(ULONG_PTR)injection->hard;
    NTSTATUS status;
    if (route->kind == LAYER_CONNECT) {
        status = FwpsInjectTransportSendAsync0(handle, context, route->endpointHandle, 0, &injection->parameters,
                                               Family(route->family), route->compartmentId, injection->list, Injected, injection);
    } else {
        status = FwpsInjectTransportReceiveAsync0(handle, context, NULL, 0, Family(route->family), route->compartmentId,
                                                  route->interfaceIndex, route->subInterfaceIndex, injection->list, Injected,
                                                  injection);
    }
    if (!NT_SUCCESS(status)) {
        /* The completion function is not called then. */
        COUNT(injectFailures);
        FreeInjection(injection);
    }
    return status;
}

_Use_decl_annotations_ BOOLEAN PacketIsOwn(const NET_BUFFER_LIST *list, const LAYER *layer, BOOLEAN *hard)
{
    HANDLE context = NULL;
    FWPS_PACKET_INJECTION_STATE state =
        FwpsQueryPacketInjectionState0(Handles[layer->kind][layer->family == 6], list, &context);
    if (state != FWPS_PACKET_INJECTED_BY_SELF && state != FWPS_PACKET_PREVIOUSLY_INJECTED_BY_SELF) {
        *hard = FALSE;
        return FALSE;
    }
    *hard = context != NULL;
    return TRUE;
}
