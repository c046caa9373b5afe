#include "attempt.h"

#include "address.h"

static const FWP_VALUE0 *Field(_In_ const FWPS_INCOMING_VALUES0 *values, ULONG field)
{
    return field < values->valueCount ? &values->incomingValue[field].value : NULL;
}

UINT32 AttemptReadNumber(const FWPS_INCOMING_VALUES0 *values, ULONG field, UINT32 fallback)
{
    const FWP_VALUE0 *value = Field(values, field);
    if (value == NULL) {
        return fallback;
    }
    switch (value->type) {
    case FWP_UINT8:
        return value->uint8;
    case FWP_UINT16:
        return value->uint16;
    case FWP_UINT32:
        return value->uint32;
    default:
        return fallback;
    }
}

BOOLEAN AttemptReadAddress(const FWPS_INCOMING_VALUES0 *values, ULONG field, UCHAR family, UCHAR address[16])
{
    const FWP_VALUE0 *value = Field(values, field);
    RtlZeroMemory(address, 16);
    if (value == NULL) {
        return FALSE;
    }
    if (family == 4 && value->type == FWP_UINT32) {
        /* The engine gives IPv4 addresses in host order (fwptypes.h, FWPM_FIELD_IP_ADDRESS). */
        address[0] = (UCHAR)(value->uint32 >> 24);
        address[1] = (UCHAR)(value->uint32 >> 16);
        address[2] = (UCHAR)(value->uint32 >> 8);
        address[3] = (UCHAR)value->uint32;
        return TRUE;
    }
    if (family == 6 && value->type == FWP_BYTE_ARRAY16_TYPE && value->byteArray16 != NULL) {
        RtlCopyMemory(address, value->byteArray16->byteArray16, 16);
        return TRUE;
    }
    return FALSE;
}

static BYTES ReadText(_In_ const FWPS_INCOMING_VALUES0 *values, ULONG field)
{
    BYTES text = { NULL, 0 };
    const FWP_VALUE0 *value = Field(values, field);
    if (value != NULL && value->type == FWP_BYTE_BLOB_TYPE && value->byteBlob != NULL && value->byteBlob->data != NULL) {
        text.data = value->byteBlob->data;
        text.length = value->byteBlob->size & ~1u;
        /* The engine's blobs include the terminator (FwpmGetAppIdFromFileName0 writes it). */
        while (text.length >= 2 && text.data[text.length - 1] == 0 && text.data[text.length - 2] == 0) {
            text.length -= 2;
        }
    }
    return text;
}

static BYTES ReadSid(_In_ const FWPS_INCOMING_VALUES0 *values, ULONG field)
{
    BYTES sid = { NULL, 0 };
    const FWP_VALUE0 *value = Field(values, field);
    if (value != NULL && value->type == FWP_SID && value->sid != NULL) {
        const UCHAR *bytes = (const UCHAR *)value->sid;
        /* SID: revision 1, count of sub-authorities (at most 15), 6 bytes of authority, 4 bytes each ([MS-DTYP] 2.4.2.2). */
        if (bytes[0] == 1 && bytes[1] <= 15) {
            sid.data = bytes;
            sid.length = 8 + 4u * bytes[1];
        }
    }
    return sid;
}

static VOID ReadMetadata(_Inout_ ATTEMPT *attempt, _In_ const FWPS_INCOMING_METADATA_VALUES0 *metadata)
{
    if (FWPS_IS_METADATA_FIELD_PRESENT(metadata, FWPS_METADATA_FIELD_PROCESS_ID)) {
        attempt->processId = metadata->processId;
    }
    if (FWPS_IS_METADATA_FIELD_PRESENT(metadata, FWPS_METADATA_FIELD_TRANSPORT_ENDPOINT_HANDLE)) {
        attempt->endpointHandle = metadata->transportEndpointHandle;
    }
    if (FWPS_IS_METADATA_FIELD_PRESENT(metadata, FWPS_METADATA_FIELD_COMPLETION_HANDLE)) {
        attempt->completionHandle = metadata->completionHandle;
    }
    if (FWPS_IS_METADATA_FIELD_PRESENT(metadata, FWPS_METADATA_FIELD_COMPARTMENT_ID)) {
        attempt->compartmentId = (COMPARTMENT_ID)metadata->compartmentId;
    }
    if (FWPS_IS_METADATA_FIELD_PRESENT(metadata, FWPS_METADATA_FIELD_REMOTE_SCOPE_ID)) {
        attempt->remoteScopeId = metadata->remoteScopeId;
    }
    if (FWPS_IS_METADATA_FIELD_PRESENT(metadata, FWPS_METADATA_FIELD_IP_HEADER_SIZE)) {
        attempt->ipHeaderSize = metadata->ipHeaderSize;
    }
    if (FWPS_IS_METADATA_FIELD_PRESENT(metadata, FWPS_METADATA_FIELD_TRANSPORT_HEADER_SIZE)) {
        attempt->transportHeaderSize = metadata->transportHeaderSize;
    }
    if (FWPS_IS_METADATA_FIELD_PRESENT(metadata, FWPS_METADATA_FIELD_SUB_PROCESS_TAG)) {
        attempt->subProcessTag = (UINT64)(ULONG_PTR)metadata->subProcessTag;
    }
    if (FWPS_IS_METADATA_FIELD_PRESENT(metadata, FWPS_METADATA_FIELD_TRANSPORT_CONTROL_DATA)) {
        attempt->controlData = metadata->controlData;
        attempt->controlDataLength = metadata->controlData == NULL ? 0 : metadata->controlDataLength;
    }
    if (FWPS_IS_METADATA_FIELD_PRESENT(metadata, FWPS_METADATA_FIELD_TRANSPORT_HEADER_INCLUDE_HEADER) &&
        metadata->headerIncludeHeaderLength != 0) {
        attempt->packet = NULL;
    }
}

/* Where a redirected connect was to go (FWPS_METADATA_FIELD_ORIGINAL_DESTINATION). FALSE: not told, or of another family. */
static BOOLEAN ReadOriginal(_Inout_ ATTEMPT *attempt, _In_ const FWPS_INCOMING_METADATA_VALUES0 *metadata)
{
    const void *original = metadata->originalDestination;
    ADDRESS_FAMILY family;
    if (!FWPS_IS_METADATA_FIELD_PRESENT(metadata, FWPS_METADATA_FIELD_ORIGINAL_DESTINATION) || original == NULL) {
        return FALSE;
    }
    RtlCopyMemory(&family, original, sizeof(family)); /* every SOCKADDR begins with it */
    if (attempt->layer->family == 4 && family == AF_INET) {
        const SOCKADDR_IN *address = original;
        RtlZeroMemory(attempt->destinationAddress, 16);
        RtlCopyMemory(attempt->destinationAddress, &address->sin_addr, 4);
        attempt->destinationPortHost = AddressSwapPort(address->sin_port);
        return TRUE;
    }
    if (attempt->layer->family == 6 && family == AF_INET6) {
        const SOCKADDR_IN6 *address = original;
        RtlCopyMemory(attempt->destinationAddress, &address->sin6_addr, 16);
        attempt->destinationPortHost = AddressSwapPort(address->sin6_port);
        return TRUE;
    }
    return FALSE;
}

/* After the remote end: what the program asked for, which is what is told and decided. */
static VOID ReadDestination(_Inout_ ATTEMPT *attempt, _In_ const FWPS_INCOMING_METADATA_VALUES0 *metadata)
{
    RtlCopyMemory(attempt->destinationAddress, attempt->remoteAddress, 16);
    attempt->destinationPortHost = attempt->remotePortHost;
    attempt->loopback = (attempt->conditionFlags & FWP_CONDITION_FLAG_IS_LOOPBACK) != 0;
    if (attempt->layer->kind == LAYER_CONNECT && (attempt->conditionFlags & FWP_CONDITION_FLAG_IS_CONNECTION_REDIRECTED) != 0 &&
        (!ReadOriginal(attempt, metadata) || !AddressIsLoopback(attempt->layer->family, attempt->destinationAddress))) {
        attempt->loopback = FALSE; /* it is the proxy that is on this machine */
    }
}

_Use_decl_annotations_ BOOLEAN AttemptRead(ATTEMPT *attempt, const FWPS_INCOMING_VALUES0 *values,
                                           const FWPS_INCOMING_METADATA_VALUES0 *metadata, NET_BUFFER_LIST *packet,
                                           const FWPS_FILTER2 *filter)
{
    const LAYER *layer = LayerFind(values->layerId);
    const FWP_VALUE0 *luid;
    BOOLEAN complete;

    RtlZeroMemory(attempt, sizeof(*attempt));
    if (layer == NULL) {
        return FALSE;
    }
    attempt->layer = layer;
    attempt->filterId = filter->filterId;
    attempt->filterFlags = filter->flags;
    attempt->packet = packet;
    attempt->protocol = (UCHAR)AttemptReadNumber(values, layer->protocol, 0);
    attempt->localPortHost = (UINT16)AttemptReadNumber(values, layer->localPort, 0);
    attempt->remotePortHost = (UINT16)AttemptReadNumber(values, layer->remotePort, 0);
    attempt->conditionFlags = AttemptReadNumber(values, layer->flags, 0);
    attempt->interfaceIndex = AttemptReadNumber(values, layer->interfaceIndex, 0);
    attempt->subInterfaceIndex = AttemptReadNumber(values, layer->subInterfaceIndex, 0);
    attempt->reauthorizeReason = AttemptReadNumber(values, layer->reauthorizeReason, 0);
    attempt->localAddressKnown = AttemptReadAddress(values, layer->localAddress, layer->family, attempt->localAddress);
    attempt->appId = ReadText(values, layer->appId);
    attempt->peerName = ReadText(values, layer->peerName);
    attempt->packageSid = ReadSid(values, layer->packageId);
    luid = Field(values, layer->interfaceLuid);
    if (luid != NULL && luid->type == FWP_UINT64 && luid->uint64 != NULL) {
        attempt->interfaceLuid = *luid->uint64;
    }
    ReadMetadata(attempt, metadata);
    complete = AttemptReadAddress(values, layer->remoteAddress, layer->family, attempt->remoteAddress);
    ReadDestination(attempt, metadata);
    return complete;
}
