/* What a callout is shown of a flow at each layer: fields by the order that state dumps of real machines have, metadata by layer. */
#include "flow.h"
#include "fields.gen.h"

#define NONE (-1)

/** Places of the fields; the lists of V4 and V6 have the same order. */
typedef struct PLACES {
    UINT16 v4, v6;
    UINT8 count4, count6;
    INT8 appId, local, remote, localPort, remotePort, protocol, interfaceLuid, flags, reason, direction;
} PLACES;

#define GENERATED(v4, v6)                                                                                                                    \
    {                                                                                                                                        \
        v4, v6, FIELD_##v4##_COUNT, FIELD_##v6##_COUNT, FIELD_##v4##_ALE_APP_ID, FIELD_##v4##_IP_LOCAL_ADDRESS,                              \
            FIELD_##v4##_IP_REMOTE_ADDRESS, FIELD_##v4##_IP_LOCAL_PORT, FIELD_##v4##_IP_REMOTE_PORT, FIELD_##v4##_IP_PROTOCOL,               \
            FIELD_##v4##_IP_LOCAL_INTERFACE, FIELD_##v4##_FLAGS, FIELD_##v4##_REAUTHORIZE_REASON, NONE                                       \
    }
#define SAME(name) C_ASSERT(FIELD_48_##name == FIELD_50_##name && FIELD_44_##name == FIELD_46_##name)
SAME(ALE_APP_ID);
SAME(IP_LOCAL_ADDRESS);
SAME(IP_REMOTE_ADDRESS);
SAME(IP_LOCAL_PORT);
SAME(IP_REMOTE_PORT);
SAME(IP_PROTOCOL);
SAME(IP_LOCAL_INTERFACE);
SAME(FLAGS);
SAME(REAUTHORIZE_REASON);

static const PLACES Layers[] = {
    GENERATED(48, 50),
    GENERATED(44, 46),
    /* ALE_FLOW_ESTABLISHED, ALE_CONNECT_REDIRECT, ALE_ENDPOINT_CLOSURE and STREAM, counted in the same dumps. */
    { 52, 54, 25, 25, 0, 2, 6, 4, 7, 5, 11, 15, NONE, 12 },
    { 66, 67, 15, 15, 0, 2, 6, 4, 8, 5, NONE, 9, NONE, NONE },
    { 64, 65, 14, 14, 0, 2, 6, 4, 7, 5, 8, 9, NONE, NONE },
    { 20, 22, 8, 8, NONE, 0, 2, 3, 4, NONE, NONE, 6, NONE, 5 },
};

static const PLACES *PlacesOf(UINT16 layerId)
{
    for (ULONG i = 0; i < sizeof Layers / sizeof Layers[0]; i++)
        if (Layers[i].v4 == layerId || Layers[i].v6 == layerId) return &Layers[i];
    return NULL;
}

static void SetNumber(CALL *call, INT8 index, FWP_DATA_TYPE type, UINT32 number)
{
    if (index == NONE) return;
    FWP_VALUE0 *value = &call->values[index].value;
    value->type = type;
    if (type == FWP_UINT8) value->uint8 = (UINT8)number;
    else if (type == FWP_UINT16) value->uint16 = (UINT16)number;
    else value->uint32 = number;
}

static void SetAddress(CALL *call, UINT32 family, INT8 index, FWP_BYTE_ARRAY16 *copy, const UINT8 *bytes)
{
    if (family == 4) {
        SetNumber(call, index, FWP_UINT32, (UINT32)bytes[0] << 24 | (UINT32)bytes[1] << 16 | (UINT32)bytes[2] << 8 | bytes[3]);
        return;
    }
    RtlCopyMemory(copy->byteArray16, bytes, 16);
    call->values[index].value.type = FWP_BYTE_ARRAY16_TYPE;
    call->values[index].value.byteArray16 = copy;
}

static BOOLEAN IsLoopbackAddress(UINT32 family, const UCHAR *address)
{
    static const UCHAR six[16] = { [15] = 1 };
    return family == 4 ? address[0] == 127 : SameBytes(address, six, 16);
}

void WriteSocketAddress(SOCKADDR_STORAGE *storage, UINT32 family, const UCHAR *address, UINT16 port)
{
    UINT16 order = (UINT16)(port << 8 | port >> 8);
    RtlZeroMemory(storage, sizeof *storage);
    if (family == 4) {
        SOCKADDR_IN *in = (SOCKADDR_IN *)storage;
        in->sin_family = AF_INET;
        in->sin_port = order;
        RtlCopyMemory(&in->sin_addr, address, 4);
    } else {
        SOCKADDR_IN6 *in = (SOCKADDR_IN6 *)storage;
        in->sin6_family = AF_INET6;
        in->sin6_port = order;
        RtlCopyMemory(&in->sin6_addr, address, 16);
    }
}

void WriteControl(const FLOW *flow, UCHAR control[CONTROL_BYTES])
{
    WSACMSGHDR header = { .cmsg_len = CONTROL_BYTES, .cmsg_level = flow->play.family == 4 ? 0 : 41, .cmsg_type = 19 };
    RtlCopyMemory(control, &header, sizeof header);
    RtlCopyMemory(control + sizeof header, flow->play.local, 4);
    RtlCopyMemory(control + sizeof header + 4, &flow->endpoint, sizeof flow->endpoint);
}

static void SetMetadata(CALL *call, FLOW *flow, UINT16 layerId, HANDLE completion)
{
    FWPS_INCOMING_METADATA_VALUES0 *metadata = &call->metadata;
    const LAB_PLAY *play = &flow->play;
    UINT32 present = 0;
    BOOLEAN stream = layerId == 20 || layerId == 22;
    if (!stream) { /* STREAM tells no process */
        present |= FWPS_METADATA_FIELD_PROCESS_ID | FWPS_METADATA_FIELD_TRANSPORT_ENDPOINT_HANDLE;
        metadata->processId = play->processId;
        metadata->transportEndpointHandle = flow->endpoint;
    }
    if (stream || layerId == 52 || layerId == 54) {
        present |= FWPS_METADATA_FIELD_FLOW_HANDLE;
        metadata->flowHandle = FLOW_HANDLE(flow);
    }
    if (completion) {
        present |= FWPS_METADATA_FIELD_COMPLETION_HANDLE;
        metadata->completionHandle = completion;
    }
    if (play->action == LAB_SEND && (layerId == 48 || layerId == 50)) {
        present |= FWPS_METADATA_FIELD_TRANSPORT_CONTROL_DATA;
        WriteControl(flow, call->control);
        metadata->controlData = (WSACMSGHDR *)call->control;
        metadata->controlDataLength = sizeof call->control;
    }
    if (layerId == 44 || layerId == 46) {
        present |= FWPS_METADATA_FIELD_IP_HEADER_SIZE | FWPS_METADATA_FIELD_TRANSPORT_HEADER_SIZE;
        metadata->ipHeaderSize = play->family == 4 ? 20 : 40;
        metadata->transportHeaderSize = play->protocol == IPPROTO_TCP ? 20 : 8;
    }
    if ((layerId == 48 || layerId == 50) && flow->records.times) {
        present |= 0x10000000 | 0x20000000; /* LOCAL_REDIRECT_TARGET_PID, ORIGINAL_DESTINATION */
        metadata->localRedirectTargetPID = flow->records.targetProcessId;
        WriteSocketAddress(&call->original, play->family, play->remote, play->remotePort);
        metadata->originalDestination = &call->original;
    }
    metadata->currentMetadataValues = present;
}

CALL *CallMake(FLOW *flow, UINT16 layerId, UINT32 reauthorizeReason, HANDLE completion)
{
    CALL *call = Allocate(sizeof *call);
    const PLACES *places = PlacesOf(layerId);
    const LAB_PLAY *play = &flow->play;
    BOOLEAN redirected = flow->records.times && layerId != 66 && layerId != 67;
    const UCHAR *remote = redirected ? flow->records.remote : play->remote;
    UINT32 flags = play->conditionFlags | (reauthorizeReason ? IS_REAUTHORIZE : 0);
    ULONG length = 0;
    if (!call || !places) {
        Free(call);
        return NULL;
    }
    call->fixed.layerId = layerId;
    call->fixed.valueCount = layerId == places->v4 ? places->count4 : places->count6;
    call->fixed.incomingValue = call->values;
    if (places->appId != NONE) {
        while (length < 63 && play->appId[length]) length++;
        RtlCopyMemory(call->appIdText, play->appId, length * sizeof(WCHAR));
        call->appId.size = (length + 1) * sizeof(WCHAR);
        call->appId.data = (UINT8 *)call->appIdText;
        call->values[places->appId].value.type = FWP_BYTE_BLOB_TYPE;
        call->values[places->appId].value.byteBlob = &call->appId;
    }
    SetAddress(call, play->family, places->local, &call->local, play->local);
    SetAddress(call, play->family, places->remote, &call->remote, remote);
    SetNumber(call, places->localPort, FWP_UINT16, play->localPort);
    SetNumber(call, places->remotePort, FWP_UINT16, redirected ? flow->records.remotePort : play->remotePort);
    SetNumber(call, places->protocol, FWP_UINT8, play->protocol);
    if (places->interfaceLuid != NONE) {
        call->interfaceLuid = 0x6000001000000ull;
        call->values[places->interfaceLuid].value.type = FWP_UINT64;
        call->values[places->interfaceLuid].value.uint64 = &call->interfaceLuid;
    }
    if (redirected && (layerId == 48 || layerId == 50))
        flags |= IS_CONNECTION_REDIRECTED | (IsLoopbackAddress(play->family, remote) ? IS_LOOPBACK : 0);
    SetNumber(call, places->flags, FWP_UINT32, flags);
    SetNumber(call, places->reason, FWP_UINT32, reauthorizeReason);
    SetNumber(call, places->direction, FWP_UINT32, IsConnect(flow) ? FWP_DIRECTION_OUTBOUND : FWP_DIRECTION_INBOUND);
    SetMetadata(call, flow, layerId, completion);
    call->filter.filterId = 0x10000 + layerId;
    call->filter.flags = (UINT16)play->filterFlags;
    call->filter.action.type = FWP_ACTION_CALLOUT_TERMINATING;
    call->out.actionType = FWP_ACTION_CONTINUE;
    call->out.rights = play->rights;
    return call;
}

void CallEnd(CALL *call)
{
    RtlFillMemory(call, sizeof *call, 0xdd);
    Free(call);
}
