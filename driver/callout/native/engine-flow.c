/* Flows with contexts, and the streams shown to who has one. */
#define _GNU_SOURCE
#include "engine.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static void (*DuringAssociate)(void);

void EngineDuringAssociate(void (*run)(void))
{
    DuringAssociate = run;
}

NTSTATUS FwpsFlowAssociateContext0(UINT64 flowId, UINT16 layerId, UINT32 calloutId, UINT64 context)
{
    FLOW_CONTEXT *made;
    NativeCheckCall("FwpsFlowAssociateContext0", DISPATCH_LEVEL);
    if (calloutId == 0 || !EngineCallouts[calloutId - 1].live || context == 0) {
        Violation("flow context of a callout that is not there");
    }
    if (NativeFails("FwpsFlowAssociateContext0")) {
        return STATUS_UNSUCCESSFUL;
    }
    if (DuringAssociate != NULL) {
        void (*run)(void) = DuringAssociate;
        DuringAssociate = NULL;
        run();
    }
    made = calloc(1, sizeof(*made));
    made->flowHandle = flowId;
    made->layerId = layerId;
    made->calloutId = calloutId;
    made->context = context;
    pthread_mutex_lock(&EngineLock);
    made->next = EngineFlows;
    EngineFlows = made;
    EngineCallouts[calloutId - 1].contexts++;
    pthread_mutex_unlock(&EngineLock);
    return STATUS_SUCCESS;
}

NTSTATUS FwpsFlowRemoveContext0(UINT64 flowId, UINT16 layerId, UINT32 calloutId)
{
    FLOW_CONTEXT **link, *found;
    (void)layerId;
    NativeCheckCall("FwpsFlowRemoveContext0", DISPATCH_LEVEL);
    pthread_mutex_lock(&EngineLock);
    for (link = &EngineFlows; *link != NULL && (*link)->flowHandle != flowId; link = &(*link)->next) {
    }
    found = *link;
    if (found != NULL) {
        *link = found->next;
    }
    pthread_mutex_unlock(&EngineLock);
    if (found == NULL) {
        return STATUS_UNSUCCESSFUL;
    }
    EngineCallouts[calloutId - 1].callout.flowDeleteFn(found->layerId, found->calloutId, found->context);
    pthread_mutex_lock(&EngineLock);
    EngineCallouts[calloutId - 1].contexts--;
    pthread_mutex_unlock(&EngineLock);
    free(found);
    return STATUS_SUCCESS;
}

static FLOW_CONTEXT *FindFlow(UINT64 flowHandle)
{
    FLOW_CONTEXT *context;
    pthread_mutex_lock(&EngineLock);
    for (context = EngineFlows; context != NULL && context->flowHandle != flowHandle; context = context->next) {
    }
    pthread_mutex_unlock(&EngineLock);
    return context;
}

UINT64 EngineEstablish(UINT16 layerId, UINT64 flowHandle, UINT64 processId, UCHAR protocol)
{
    BOOLEAN six = layerId == FWPS_LAYER_ALE_FLOW_ESTABLISHED_V6;
    FWPS_INCOMING_VALUE0 fields[25];
    FWPS_INCOMING_VALUES0 values = { layerId, 25, fields };
    FWPS_INCOMING_METADATA_VALUES0 metadata;
    FWP_BYTE_ARRAY16 local, remote;
    FWPS_CLASSIFY_OUT0 out;
    FWPS_FILTER2 filter;
    FLOW_CONTEXT *context;
    UINT64 given;
    REGISTERED *callout = EngineEnter(layerId);
    if (callout == NULL) {
        return 0;
    }
    memset(fields, 0, sizeof(fields));
    memset(&metadata, 0, sizeof(metadata));
    memset(&filter, 0, sizeof(filter));
    memset(&out, 0, sizeof(out));
    memset(&local, 0, sizeof(local));
    memset(&remote, 0, sizeof(remote));
    out.rights = FWPS_RIGHT_ACTION_WRITE;
    EngineSetAddress(&fields[FWPS_FIELD_ALE_FLOW_ESTABLISHED_V4_IP_LOCAL_ADDRESS].value, six, &local, 1);
    EngineSetAddress(&fields[FWPS_FIELD_ALE_FLOW_ESTABLISHED_V4_IP_REMOTE_ADDRESS].value, six, &remote, 2);
    EngineSetNumber(&fields[FWPS_FIELD_ALE_FLOW_ESTABLISHED_V4_IP_LOCAL_PORT].value, FWP_UINT16, 50000);
    EngineSetNumber(&fields[FWPS_FIELD_ALE_FLOW_ESTABLISHED_V4_IP_REMOTE_PORT].value, FWP_UINT16, 443);
    EngineSetNumber(&fields[FWPS_FIELD_ALE_FLOW_ESTABLISHED_V4_IP_PROTOCOL].value, FWP_UINT8, protocol);
    metadata.currentMetadataValues = FWPS_METADATA_FIELD_PROCESS_ID | FWPS_METADATA_FIELD_FLOW_HANDLE;
    metadata.processId = processId;
    metadata.flowHandle = flowHandle;
    callout->callout.classifyFn(&values, &metadata, NULL, NULL, &filter, 0, &out);
    if (out.actionType != FWP_ACTION_CONTINUE) {
        Violation("FLOW_ESTABLISHED was decided");
    }
    context = FindFlow(flowHandle); /* while the classify runs nobody takes it back */
    given = context == NULL ? 0 : context->context;
    EngineLeave(callout);
    return given;
}

/* What EngineStream is showing; FwpsCopyStreamDataToBuffer0 reads it. */
static _Thread_local const UCHAR *StreamBytes;

void FwpsCopyStreamDataToBuffer0(const FWPS_STREAM_DATA0 *data, PVOID buffer, SIZE_T length, SIZE_T *copied)
{
    if (length > data->dataLength) {
        Violation("copies more of a stream than there is");
    }
    memcpy(buffer, StreamBytes, length);
    *copied = length;
}

void EngineStream(UINT64 flowHandle, BOOLEAN inbound, const void *bytes, ULONG length, BOOLEAN end)
{
    FLOW_CONTEXT *context = FindFlow(flowHandle);
    FWPS_STREAM_CALLOUT_IO_PACKET0 packet;
    FWPS_INCOMING_METADATA_VALUES0 metadata;
    FWPS_INCOMING_VALUES0 values;
    FWPS_CLASSIFY_OUT0 out;
    FWPS_STREAM_DATA0 data;
    FWPS_FILTER2 filter;
    if (context == NULL) {
        return; /* CONDITIONAL_ON_FLOW: a flow without context is not shown */
    }
    memset(&packet, 0, sizeof(packet));
    memset(&metadata, 0, sizeof(metadata));
    memset(&values, 0, sizeof(values));
    memset(&out, 0, sizeof(out));
    memset(&data, 0, sizeof(data));
    memset(&filter, 0, sizeof(filter));
    data.flags = inbound ? FWPS_STREAM_FLAG_RECEIVE : FWPS_STREAM_FLAG_SEND;
    if (end) {
        data.flags |= inbound ? FWPS_STREAM_FLAG_RECEIVE_DISCONNECT : FWPS_STREAM_FLAG_SEND_DISCONNECT;
    }
    data.dataLength = length;
    packet.streamData = &data;
    packet.streamAction = FWPS_STREAM_ACTION_DEFER;
    StreamBytes = bytes;
    EngineCallouts[context->calloutId - 1].callout.classifyFn(&values, &metadata, &packet, NULL, &filter, context->context, &out);
    if (out.actionType != FWP_ACTION_CONTINUE || packet.streamAction != FWPS_STREAM_ACTION_NONE) {
        Violation("a stream segment must be continued, with an action set");
    }
    /* and what a careless engine might show */
    EngineCallouts[context->calloutId - 1].callout.classifyFn(&values, &metadata, NULL, NULL, &filter, context->context, &out);
}

void EngineFlowEnds(UINT64 flowHandle)
{
    FLOW_CONTEXT *context = FindFlow(flowHandle);
    if (context != NULL) {
        FwpsFlowRemoveContext0(flowHandle, context->layerId, context->calloutId);
    }
}
