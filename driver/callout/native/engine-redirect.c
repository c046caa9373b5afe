/* Connect redirection: handles, the writable request, what was applied. */
#define _GNU_SOURCE
#include "engine.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local FWPS_CONNECT_REQUEST0 *WritableRequest;
static _Thread_local ULONG RecordState;

NTSTATUS FwpsRedirectHandleCreate0(const GUID *provider, UINT32 flags, HANDLE *handle)
{
    (void)provider;
    NativeCheckCall("FwpsRedirectHandleCreate0", PASSIVE_LEVEL);
    if (flags != 0 || NativeFails("FwpsRedirectHandleCreate0")) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    EngineRedirectHandles++;
    *handle = &EngineRedirectHandles;
    return STATUS_SUCCESS;
}

void FwpsRedirectHandleDestroy0(HANDLE handle)
{
    if (handle != &EngineRedirectHandles) {
        Violation("wrong redirect handle destroyed");
    }
    EngineRedirectHandles--;
}

FWPS_CONNECTION_REDIRECT_STATE FwpsQueryConnectionRedirectState0(HANDLE records, HANDLE handle, void **context)
{
    (void)context;
    if (records == NULL || handle != &EngineRedirectHandles) {
        Violation("redirect state asked without records or handle");
    }
    return (FWPS_CONNECTION_REDIRECT_STATE)RecordState;
}

NTSTATUS FwpsAcquireClassifyHandle0(void *classifyContext, UINT32 flags, UINT64 *handle)
{
    NativeCheckCall("FwpsAcquireClassifyHandle0", DISPATCH_LEVEL);
    if (classifyContext == NULL || flags != 0 || NativeFails("FwpsAcquireClassifyHandle0")) {
        return STATUS_UNSUCCESSFUL;
    }
    EngineClassifyHandles++;
    *handle = 77;
    return STATUS_SUCCESS;
}

void FwpsReleaseClassifyHandle0(UINT64 handle)
{
    if (handle != 77 || WritableRequest->previousVersion != NULL) {
        Violation("classify handle released before its data was applied");
    }
    EngineClassifyHandles--;
}

NTSTATUS FwpsAcquireWritableLayerDataPointer0(UINT64 handle, UINT64 filterId, UINT32 flags, PVOID *data, FWPS_CLASSIFY_OUT0 *out)
{
    (void)out;
    if (handle != 77 || filterId == 0 || flags != 0) {
        Violation("writable layer data asked with wrong parameters");
    }
    if (NativeFails("FwpsAcquireWritableLayerDataPointer0")) {
        return STATUS_UNSUCCESSFUL;
    }
    WritableRequest->previousVersion = WritableRequest; /* acquired */
    *data = WritableRequest;
    return STATUS_SUCCESS;
}

void FwpsApplyModifiedLayerData0(UINT64 handle, PVOID data, UINT32 flags)
{
    if (handle != 77 || data != WritableRequest) {
        Violation("wrong layer data applied");
    }
    if (flags != 0) {
        Violation("layer data applied inline with flags 0x%x, which are for pended classifies", flags);
    }
    WritableRequest->previousVersion = NULL;
    EngineTotals.applied++;
}

BOOLEAN EngineRedirect(UINT16 layerId, UINT64 processId, UCHAR protocol, const UCHAR *remote, ULONG recordState,
                       SOCKADDR_STORAGE *original, FWPS_CONNECT_REQUEST0 *request)
{
    BOOLEAN six = layerId == FWPS_LAYER_ALE_CONNECT_REDIRECT_V6;
    FWPS_INCOMING_VALUE0 fields[15];
    FWPS_INCOMING_VALUES0 values = { layerId, 15, fields };
    FWPS_INCOMING_METADATA_VALUES0 metadata;
    FWP_BYTE_ARRAY16 address;
    FWPS_CLASSIFY_OUT0 out;
    FWPS_FILTER2 filter;
    ULONG before = EngineTotals.applied;
    REGISTERED *callout = EngineEnter(layerId);
    if (callout == NULL) {
        return FALSE;
    }
    memset(fields, 0, sizeof(fields));
    memset(&metadata, 0, sizeof(metadata));
    memset(&filter, 0, sizeof(filter));
    memset(&out, 0, sizeof(out));
    memset(request, 0, sizeof(*request));
    memset(original, 0, sizeof(*original));
    out.rights = FWPS_RIGHT_ACTION_WRITE;
    filter.filterId = 5;
    EngineSetNumber(&fields[FWPS_FIELD_ALE_CONNECT_REDIRECT_V4_IP_PROTOCOL].value, FWP_UINT8, protocol);
    if (six) {
        memcpy(address.byteArray16, remote, 16);
        fields[FWPS_FIELD_ALE_CONNECT_REDIRECT_V6_IP_REMOTE_ADDRESS].value.type = FWP_BYTE_ARRAY16_TYPE;
        fields[FWPS_FIELD_ALE_CONNECT_REDIRECT_V6_IP_REMOTE_ADDRESS].value.byteArray16 = &address;
        ((SOCKADDR_IN6 *)&request->remoteAddressAndPort)->sin6_family = AF_INET6;
        memcpy(&((SOCKADDR_IN6 *)&request->remoteAddressAndPort)->sin6_addr, remote, 16);
    } else {
        EngineSetNumber(&fields[FWPS_FIELD_ALE_CONNECT_REDIRECT_V4_IP_REMOTE_ADDRESS].value, FWP_UINT32,
                  (UINT32)remote[0] << 24 | (UINT32)remote[1] << 16 | (UINT32)remote[2] << 8 | remote[3]);
        ((SOCKADDR_IN *)&request->remoteAddressAndPort)->sin_family = AF_INET;
        memcpy(&((SOCKADDR_IN *)&request->remoteAddressAndPort)->sin_addr, remote, 4);
    }
    metadata.currentMetadataValues = FWPS_METADATA_FIELD_PROCESS_ID;
    metadata.processId = processId;
    if (recordState != 0) {
        metadata.currentMetadataValues |= FWPS_METADATA_FIELD_REDIRECT_RECORD_HANDLE;
        metadata.redirectRecords = (HANDLE)1;
        RecordState = recordState;
    }
    WritableRequest = request;
    callout->callout.classifyFn(&values, &metadata, NULL, &values, &filter, 0, &out);
    if (out.actionType != FWP_ACTION_PERMIT) {
        Violation("a redirect must permit");
    }
    EngineLeave(callout);
    if (request->localRedirectContext != NULL) {
        *original = *(SOCKADDR_STORAGE *)request->localRedirectContext;
        ExFreePoolWithTag(request->localRedirectContext, SALLYPORT_POOL_TAG); /* the engine's: it frees */
        request->localRedirectContext = NULL;
    }
    return EngineTotals.applied != before;
}
