#include "stream.h"

#include "attempt.h"
#include "callout.h"
#include "event.h"
#include "client.h"
#include "pool.h"
#include "statistics.h"

static void NTAPI Established(const FWPS_INCOMING_VALUES0 *values, const FWPS_INCOMING_METADATA_VALUES0 *metadata,
                              void *layerData, const void *classifyContext, const FWPS_FILTER2 *filter, UINT64 flowContext,
                              FWPS_CLASSIFY_OUT0 *out);
static void NTAPI Segment(const FWPS_INCOMING_VALUES0 *values, const FWPS_INCOMING_METADATA_VALUES0 *metadata, void *layerData,
                          const void *classifyContext, const FWPS_FILTER2 *filter, UINT64 flowContext,
                          FWPS_CLASSIFY_OUT0 *out);
static void NTAPI FlowDeleted(UINT16 layerId, UINT32 calloutId, UINT64 flowContext);

/* By what they do, because they end one kind after the other. */
#define SEGMENT_FIRST 0u
#define ESTABLISHED_FIRST 2u

static const CALLOUT Callouts[] = {
    { SALLYPORT_CALLOUT_STREAM_V4, FWP_CALLOUT_FLAG_CONDITIONAL_ON_FLOW, Segment, FlowDeleted },
    { SALLYPORT_CALLOUT_STREAM_V6, FWP_CALLOUT_FLAG_CONDITIONAL_ON_FLOW, Segment, FlowDeleted },
    { SALLYPORT_CALLOUT_FLOW_ESTABLISHED_V4, 0, Established, NULL },
    { SALLYPORT_CALLOUT_FLOW_ESTABLISHED_V6, 0, Established, NULL },
};

#define CALLOUT_COUNT (sizeof(Callouts) / sizeof(Callouts[0]))

/* The context of a flow, owned by the engine between associate and flowDeleteFn. */
typedef struct FLOW {
    LIST_ENTRY link;
    UINT64 flowHandle;
    UINT16 layerId;
    UINT32 calloutId;
    BOOLEAN removing;
    SALLYPORT_STREAM_EVENT event; /* what all its events have in common */
    ULONG told[2];                /* bytes told, outbound and inbound */
    BOOLEAN stopped[2];           /* no more bytes will be told: some could not be */
    BOOLEAN ended[2];             /* its `last` event is out, or being made */
} FLOW;

static UINT32 Ids[CALLOUT_COUNT]; /* written before the first classify and after the last */
static ULONG BytesPerDirection;   /* likewise */
static ULONG MostFlows;           /* likewise */
static KSPIN_LOCK Lock;
static _Guarded_by_(Lock) LIST_ENTRY Flows;
static _Guarded_by_(Lock) ULONG FlowCount;
static _Guarded_by_(Lock) BOOLEAN Stopping;
static _Guarded_by_(Lock) UINT64 NextFlowId; /* never starts again: an id is given once while the driver is loaded */

typedef struct FLOW_FIELDS {
    UCHAR family;
    UINT16 localAddress, localPort, protocol, remoteAddress, remotePort;
} FLOW_FIELDS;

#define FIELDS(version, number)                                                                                          \
    {                                                                                                                    \
        number, FWPS_FIELD_ALE_FLOW_ESTABLISHED_##version##_IP_LOCAL_ADDRESS,                                            \
            FWPS_FIELD_ALE_FLOW_ESTABLISHED_##version##_IP_LOCAL_PORT,                                                   \
            FWPS_FIELD_ALE_FLOW_ESTABLISHED_##version##_IP_PROTOCOL,                                                     \
            FWPS_FIELD_ALE_FLOW_ESTABLISHED_##version##_IP_REMOTE_ADDRESS,                                               \
            FWPS_FIELD_ALE_FLOW_ESTABLISHED_##version##_IP_REMOTE_PORT                                                   \
    }

static const FLOW_FIELDS Fields[2] = { FIELDS(V4, 4), FIELDS(V6, 6) };

static FLOW *MakeFlow(_In_ const FWPS_INCOMING_VALUES0 *values, _In_ const FWPS_INCOMING_METADATA_VALUES0 *metadata)
{
    BOOLEAN six = values->layerId == FWPS_LAYER_ALE_FLOW_ESTABLISHED_V6;
    const FLOW_FIELDS *fields = &Fields[six];
    FLOW *flow;
    if (AttemptReadNumber(values, fields->protocol, 0) != IPPROTO_TCP ||
        !FWPS_IS_METADATA_FIELD_PRESENT(metadata, FWPS_METADATA_FIELD_FLOW_HANDLE)) {
        return NULL;
    }
    flow = PoolAllocate(sizeof(*flow));
    if (flow == NULL) {
        return NULL;
    }
    flow->flowHandle = metadata->flowHandle;
    flow->layerId = six ? FWPS_LAYER_STREAM_V6 : FWPS_LAYER_STREAM_V4;
    flow->calloutId = Ids[six];
    flow->event.family = fields->family;
    flow->event.localPortHost = (UINT16)AttemptReadNumber(values, fields->localPort, 0);
    flow->event.remotePortHost = (UINT16)AttemptReadNumber(values, fields->remotePort, 0);
    (VOID)AttemptReadAddress(values, fields->localAddress, fields->family, flow->event.localAddress);
    (VOID)AttemptReadAddress(values, fields->remoteAddress, fields->family, flow->event.remoteAddress);
    if (FWPS_IS_METADATA_FIELD_PRESENT(metadata, FWPS_METADATA_FIELD_PROCESS_ID)) {
        flow->event.processId = metadata->processId;
    }
    return flow;
}

static VOID RemoveFlow(_In_ FLOW *flow)
{
    KIRQL irql;
    KeAcquireSpinLock(&Lock, &irql);
    RemoveEntryList(&flow->link);
    FlowCount--;
    KeReleaseSpinLock(&Lock, irql);
    PoolFree(flow);
}

/* ALE_FLOW_ESTABLISHED_V4 and _V6, inspection, IRQL <= DISPATCH_LEVEL. Never decides. */
static void NTAPI Established(const FWPS_INCOMING_VALUES0 *values, const FWPS_INCOMING_METADATA_VALUES0 *metadata,
                              void *layerData, const void *classifyContext, const FWPS_FILTER2 *filter, UINT64 flowContext,
                              FWPS_CLASSIFY_OUT0 *out)
{
    BOOLEAN room;
    FLOW *flow;
    KIRQL irql;
    UNREFERENCED_PARAMETER(layerData);
    UNREFERENCED_PARAMETER(classifyContext);
    UNREFERENCED_PARAMETER(filter);
    UNREFERENCED_PARAMETER(flowContext);
    if ((out->rights & FWPS_RIGHT_ACTION_WRITE) != 0) {
        out->actionType = FWP_ACTION_CONTINUE;
    }
    flow = MakeFlow(values, metadata);
    if (flow == NULL) {
        return;
    }
    KeAcquireSpinLock(&Lock, &irql);
    room = !Stopping && FlowCount < MostFlows;
    if (room) {
        FlowCount++;
        flow->event.flowId = ++NextFlowId;
        InsertTailList(&Flows, &flow->link);
    }
    KeReleaseSpinLock(&Lock, irql);
    if (!room) {
        PoolFree(flow);
        return;
    }
    if (!NT_SUCCESS(FwpsFlowAssociateContext0(flow->flowHandle, flow->layerId, flow->calloutId, (UINT64)(ULONG_PTR)flow))) {
        RemoveFlow(flow);
        return;
    }
    COUNT(streamFlows);
}

/* A direction whose end nobody has seen ends with its flow. That the module goes is told for all flows at once, by STATE. */
static VOID TellEnd(_In_ const FLOW *flow, BOOLEAN inbound)
{
    SALLYPORT_STREAM_EVENT event = flow->event;
    event.inbound = inbound;
    event.streamOffset = flow->told[inbound];
    event.last = 1;
    ClientsPost(EventStream(&event, NULL, 0));
}

static void NTAPI FlowDeleted(UINT16 layerId, UINT32 calloutId, UINT64 flowContext)
{
    FLOW *flow = (FLOW *)(ULONG_PTR)flowContext;
    BOOLEAN tell[2], inbound;
    KIRQL irql;
    UNREFERENCED_PARAMETER(layerId);
    UNREFERENCED_PARAMETER(calloutId);
    KeAcquireSpinLock(&Lock, &irql);
    for (inbound = 0; inbound < 2; inbound++) {
        tell[inbound] = !Stopping && !flow->ended[inbound];
    }
    KeReleaseSpinLock(&Lock, irql);
    for (inbound = 0; inbound < 2; inbound++) {
        if (tell[inbound]) {
            TellEnd(flow, inbound);
        }
    }
    RemoveFlow(flow);
}

/* What of this segment is still wanted. The lock is only for two segments of one flow at the same time. */
static ULONG Reserve(_Inout_ FLOW *flow, BOOLEAN inbound, SIZE_T length, BOOLEAN end, _Out_ SALLYPORT_STREAM_EVENT *event)
{
    ULONG wanted;
    KIRQL irql;
    KeAcquireSpinLock(&Lock, &irql);
    *event = flow->event;
    event->inbound = inbound;
    event->streamOffset = flow->told[inbound];
    wanted = flow->stopped[inbound] ? 0 : BytesPerDirection - flow->told[inbound];
    if (wanted > length) {
        wanted = (ULONG)length;
    }
    flow->told[inbound] += wanted;
    if (!flow->ended[inbound] && (end || flow->stopped[inbound] || flow->told[inbound] == BytesPerDirection)) {
        flow->ended[inbound] = TRUE;
        event->last = 1;
    }
    KeReleaseSpinLock(&Lock, irql);
    return wanted;
}

/* There was no memory for what Reserve gave: the direction ends at the last byte told, so that none is left out in between. */
static VOID StopTelling(_Inout_ FLOW *flow, _In_ const SALLYPORT_STREAM_EVENT *event, ULONG told, BOOLEAN ended)
{
    KIRQL irql;
    KeAcquireSpinLock(&Lock, &irql);
    flow->stopped[event->inbound] = TRUE;
    flow->told[event->inbound] = event->streamOffset + told;
    flow->ended[event->inbound] = ended; /* else the next segment, or the flow's end, tries to tell it */
    KeReleaseSpinLock(&Lock, irql);
}

/* STREAM_V4 and _V6, IRQL <= DISPATCH_LEVEL. The write right has no meaning here and the action must always be set. */
static void NTAPI Segment(const FWPS_INCOMING_VALUES0 *values, const FWPS_INCOMING_METADATA_VALUES0 *metadata, void *layerData,
                          const void *classifyContext, const FWPS_FILTER2 *filter, UINT64 flowContext,
                          FWPS_CLASSIFY_OUT0 *out)
{
    const ULONG ends = FWPS_STREAM_FLAG_RECEIVE_DISCONNECT | FWPS_STREAM_FLAG_RECEIVE_ABORT |
                       FWPS_STREAM_FLAG_SEND_DISCONNECT | FWPS_STREAM_FLAG_SEND_ABORT;
    FWPS_STREAM_CALLOUT_IO_PACKET0 *packet = layerData;
    FLOW *flow = (FLOW *)(ULONG_PTR)flowContext;
    SALLYPORT_STREAM_EVENT event;
    UCHAR *bytes = NULL;
    SIZE_T copied = 0;
    EVENT *told;
    ULONG wanted;

    UNREFERENCED_PARAMETER(values);
    UNREFERENCED_PARAMETER(metadata);
    UNREFERENCED_PARAMETER(classifyContext);
    UNREFERENCED_PARAMETER(filter);
    out->actionType = FWP_ACTION_CONTINUE;
    if (packet == NULL || packet->streamData == NULL || flow == NULL) {
        return;
    }
    packet->streamAction = FWPS_STREAM_ACTION_NONE;
    packet->countBytesEnforced = 0;
    wanted = Reserve(flow, (packet->streamData->flags & FWPS_STREAM_FLAG_RECEIVE) != 0, packet->streamData->dataLength,
                     (packet->streamData->flags & ends) != 0, &event);
    if (wanted == 0 && !event.last) {
        return;
    }
    if (wanted != 0) {
        bytes = PoolAllocate(wanted);
        if (bytes != NULL) {
            FwpsCopyStreamDataToBuffer0(packet->streamData, bytes, wanted, &copied);
        }
    }
    if (copied < wanted) {
        event.last = 1;
    }
    told = EventStream(&event, bytes, (ULONG)copied);
    if (told == NULL) {
        StopTelling(flow, &event, 0, FALSE);
    } else {
        COUNT_MANY(streamBytes, copied);
        if (copied < wanted) {
            StopTelling(flow, &event, (ULONG)copied, TRUE);
        }
    }
    ClientsPost(told);
    PoolFree(bytes);
}

_Use_decl_annotations_ NTSTATUS StreamStart(DEVICE_OBJECT *device, const SALLYPORT_MODULES *modules)
{
    NTSTATUS status;
    KIRQL irql;
    KeInitializeSpinLock(&Lock);
    InitializeListHead(&Flows);
    FlowCount = 0;
    Stopping = TRUE; /* no contexts before all callouts are there: a failure could not take them back */
    BytesPerDirection = modules->streamBytes;
    MostFlows = modules->streamFlows;
    status = CalloutsRegister(device, Callouts, CALLOUT_COUNT, Ids);
    if (NT_SUCCESS(status)) {
        KeAcquireSpinLock(&Lock, &irql);
        Stopping = FALSE;
        KeReleaseSpinLock(&Lock, irql);
    }
    return status;
}

/* One flow whose context has not been asked back yet. */
static BOOLEAN NextToRemove(_Out_ UINT64 *flowHandle, _Out_ UINT16 *layerId, _Out_ UINT32 *calloutId)
{
    BOOLEAN found = FALSE;
    LIST_ENTRY *link;
    KIRQL irql;
    KeAcquireSpinLock(&Lock, &irql);
    for (link = Flows.Flink; link != &Flows && !found; link = link->Flink) {
        FLOW *flow = CONTAINING_RECORD(link, FLOW, link);
        if (!flow->removing) {
            flow->removing = TRUE;
            *flowHandle = flow->flowHandle;
            *layerId = flow->layerId;
            *calloutId = flow->calloutId;
            found = TRUE;
        }
    }
    KeReleaseSpinLock(&Lock, irql);
    return found;
}

_Use_decl_annotations_ VOID StreamStop(VOID)
{
    UINT64 flowHandle;
    UINT16 layerId;
    UINT32 calloutId;
    KIRQL irql;
    KeAcquireSpinLock(&Lock, &irql);
    Stopping = TRUE;
    KeReleaseSpinLock(&Lock, irql);
    /* First those that give contexts: a flow listed but without its context yet could not be asked for it back. */
    CalloutsUnregister(&Ids[ESTABLISHED_FIRST], CALLOUT_COUNT - ESTABLISHED_FIRST);
    while (NextToRemove(&flowHandle, &layerId, &calloutId)) {
        /* Calls FlowDeleted, at once or (STATUS_PENDING) after the segment that is shown; fails when the flow has just ended. */
        (VOID)FwpsFlowRemoveContext0(flowHandle, layerId, calloutId);
    }
    CalloutsUnregister(&Ids[SEGMENT_FIRST], ESTABLISHED_FIRST - SEGMENT_FIRST);
}
