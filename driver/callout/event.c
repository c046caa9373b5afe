#include "event.h"

#include "pool.h"

static volatile LONG64 Sequence;
static UINT64 InstanceId;

_Use_decl_annotations_ VOID EventInitialize(VOID)
{
    LARGE_INTEGER now;
    KeQuerySystemTime(&now);
    InstanceId = (UINT64)now.QuadPart;
    Sequence = 0;
}

UINT64 EventInstanceId(VOID)
{
    return InstanceId;
}

static EVENT *Make(UINT16 type, ULONG size)
{
    ULONG padded = (size + 7u) & ~7u;
    ULONG offset = (ULONG)((sizeof(EVENT) + 7u) & ~(SIZE_T)7u);
    LARGE_INTEGER now;
    EVENT *event = PoolAllocate((SIZE_T)offset + padded);
    if (event == NULL) {
        return NULL;
    }
    event->references = 1;
    event->size = padded;
    event->header = (SALLYPORT_EVENT_HEADER *)((UCHAR *)event + offset);
    event->header->size = padded;
    event->header->type = type;
    event->header->sequence = (UINT64)InterlockedIncrement64(&Sequence);
    KeQuerySystemTime(&now);
    event->header->time100ns = (UINT64)now.QuadPart;
    return event;
}

static ULONG Least(ULONG a, ULONG b)
{
    return a < b ? a : b;
}

/* Appends bytes and tells where they lie. */
static VOID Append(_Inout_ SALLYPORT_ATTEMPT_EVENT *body, _Inout_ ULONG *end, BYTES bytes, ULONG length, _Out_ UINT16 *offset,
                   _Out_ UINT16 *written)
{
    *offset = length == 0 ? 0 : (UINT16)*end;
    *written = (UINT16)length;
    if (length != 0) {
        RtlCopyMemory((UCHAR *)body + *end, bytes.data, length);
        *end += length;
    }
}

static EVENT *MakeAttempt(UINT16 type, _In_ const ATTEMPT *attempt)
{
    ULONG appIdBytes = Least(attempt->appId.length, SALLYPORT_MAX_APP_ID_BYTES);
    ULONG peerNameBytes = Least(attempt->peerName.length, SALLYPORT_MAX_PEER_NAME_BYTES);
    ULONG sidBytes = attempt->packageSid.length;
    ULONG end = sizeof(SALLYPORT_ATTEMPT_EVENT);
    EVENT *event = Make(type, end + appIdBytes + peerNameBytes + sidBytes);
    SALLYPORT_ATTEMPT_EVENT *body;
    if (event == NULL) {
        return NULL;
    }
    body = (SALLYPORT_ATTEMPT_EVENT *)event->header;
    body->header.flags =
        (UINT16)((appIdBytes < attempt->appId.length ? SALLYPORT_EVENT_FLAG_APP_ID_TRUNCATED : 0) |
                 (peerNameBytes < attempt->peerName.length ? SALLYPORT_EVENT_FLAG_PEER_NAME_TRUNCATED : 0) |
                 (attempt->localAddressKnown ? 0 : SALLYPORT_EVENT_FLAG_LOCAL_ADDRESS_UNKNOWN));
    body->processId = attempt->processId;
    body->filterId = attempt->filterId;
    body->interfaceLuid = attempt->interfaceLuid;
    body->subProcessTag = attempt->subProcessTag;
    body->conditionFlags = attempt->conditionFlags;
    body->reauthorizeReason = attempt->reauthorizeReason;
    body->interfaceIndex = attempt->interfaceIndex;
    body->subInterfaceIndex = attempt->subInterfaceIndex;
    body->remoteScopeId = attempt->remoteScopeId.Value;
    body->compartmentId = (SP_U32)attempt->compartmentId;
    body->layerId = attempt->layer->layerId;
    body->family = attempt->layer->family;
    body->protocol = attempt->protocol;
    body->localPortHost = attempt->localPortHost;
    body->remotePortHost = attempt->destinationPortHost;
    RtlCopyMemory(body->localAddress, attempt->localAddress, 16);
    RtlCopyMemory(body->remoteAddress, attempt->destinationAddress, 16);
    Append(body, &end, attempt->appId, appIdBytes, &body->appIdOffset, &body->appIdBytes);
    Append(body, &end, attempt->peerName, peerNameBytes, &body->peerNameOffset, &body->peerNameBytes);
    Append(body, &end, attempt->packageSid, sidBytes, &body->packageSidOffset, &body->packageSidBytes);
    return event;
}

_Use_decl_annotations_ EVENT *EventPended(const ATTEMPT *attempt, UINT64 requestId, ULONG deadlineMs, ULONG packetBytes)
{
    EVENT *event = MakeAttempt(SALLYPORT_EVENT_PENDED, attempt);
    if (event != NULL) {
        SALLYPORT_ATTEMPT_EVENT *body = (SALLYPORT_ATTEMPT_EVENT *)event->header;
        body->requestId = requestId;
        body->deadlineMs = deadlineMs;
        body->packetBytes = packetBytes;
    }
    return event;
}

_Use_decl_annotations_ EVENT *EventDecided(const ATTEMPT *attempt, UCHAR verdict, UCHAR reason)
{
    EVENT *event = MakeAttempt(SALLYPORT_EVENT_DECIDED, attempt);
    if (event != NULL) {
        SALLYPORT_ATTEMPT_EVENT *body = (SALLYPORT_ATTEMPT_EVENT *)event->header;
        body->verdict = verdict;
        body->reason = reason;
    }
    return event;
}

/* Copies everything behind the header. */
static VOID CopyBody(_Inout_ EVENT *event, _In_ const SALLYPORT_EVENT_HEADER *from, ULONG size)
{
    RtlCopyMemory(event->header + 1, from + 1, size - sizeof(*from));
}

_Use_decl_annotations_ EVENT *EventCompleted(const SALLYPORT_COMPLETED_EVENT *completed)
{
    EVENT *event = Make(SALLYPORT_EVENT_COMPLETED, sizeof(*completed));
    if (event != NULL) {
        CopyBody(event, &completed->header, sizeof(*completed));
    }
    return event;
}

_Use_decl_annotations_ EVENT *EventState(BOOLEAN deciderAttached, UINT64 deciderProcessId, ULONG modules)
{
    EVENT *event = Make(SALLYPORT_EVENT_STATE, sizeof(SALLYPORT_STATE_EVENT));
    if (event != NULL) {
        SALLYPORT_STATE_EVENT *body = (SALLYPORT_STATE_EVENT *)event->header;
        body->deciderAttached = deciderAttached;
        body->deciderProcessId = deciderProcessId;
        body->modules = modules;
    }
    return event;
}

_Use_decl_annotations_ EVENT *EventStream(const SALLYPORT_STREAM_EVENT *stream, const UCHAR *data, ULONG length)
{
    EVENT *event = Make(SALLYPORT_EVENT_STREAM, sizeof(*stream) + length);
    if (event != NULL) {
        SALLYPORT_STREAM_EVENT *body = (SALLYPORT_STREAM_EVENT *)event->header;
        CopyBody(event, &stream->header, sizeof(*stream));
        body->dataOffset = length == 0 ? 0 : (UINT16)sizeof(*stream);
        body->dataBytes = (UINT16)length;
        if (length != 0) {
            RtlCopyMemory(body + 1, data, length);
        }
    }
    return event;
}

VOID EventReference(EVENT *event)
{
    InterlockedIncrement(&event->references);
}

VOID EventRelease(EVENT *event)
{
    if (event != NULL && InterlockedDecrement(&event->references) == 0) {
        PoolFree(event);
    }
}
