/* One classify call, and what becomes of it: pended, completed, reauthorized, its socket closed. */
#define _GNU_SOURCE
#include "engine.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { STATE_CLASSIFYING, STATE_DECIDED, STATE_PENDED, STATE_COMPLETED };

static void (*DuringPend)(void);
static void (*DuringComplete)(void);
static _Thread_local BOOLEAN CurrentPended;
static _Thread_local BOOLEAN CurrentReauthorize;

typedef struct VALUES {
    FWPS_INCOMING_VALUES0 values;
    FWPS_INCOMING_METADATA_VALUES0 metadata;
    FWPS_FILTER2 filter;
    FWPS_INCOMING_VALUE0 fields[42];
    FWP_BYTE_BLOB appId, peerName;
    FWP_BYTE_ARRAY16 local, remote;
    UINT64 luid;
    UCHAR sid[68];
    UCHAR *control;
    SOCKADDR_STORAGE original;
} VALUES;

void EngineSetAddress(FWP_VALUE0 *value, BOOLEAN six, FWP_BYTE_ARRAY16 *storage, ULONG last)
{
    if (six) {
        static const UCHAR prefix[4] = { 0x20, 0x01, 0x0d, 0xb8 };
        memcpy(storage->byteArray16, prefix, 4);
        storage->byteArray16[14] = (UCHAR)(last >> 8);
        storage->byteArray16[15] = (UCHAR)last;
        value->type = FWP_BYTE_ARRAY16_TYPE;
        value->byteArray16 = storage;
    } else {
        value->type = FWP_UINT32;
        value->uint32 = 0x0A000000u | (last & 0xFFFFu);
    }
}

void EngineSetNumber(FWP_VALUE0 *value, FWP_DATA_TYPE type, UINT32 number)
{
    value->type = type;
    if (type == FWP_UINT8) {
        value->uint8 = (UINT8)number;
    } else if (type == FWP_UINT16) {
        value->uint16 = (UINT16)number;
    } else {
        value->uint32 = number;
    }
}

static void SetText(FWP_VALUE0 *value, FWP_BYTE_BLOB *blob, const WCHAR *text, ULONG characters)
{
    ULONG i, length = 0;
    while (text[length] != 0) {
        length++;
    }
    if (characters == 0) {
        characters = length;
    }
    blob->size = (characters + 1) * 2;
    blob->data = malloc(blob->size);
    for (i = 0; i < characters; i++) {
        WCHAR unit = text[i % length];
        memcpy(blob->data + 2 * i, &unit, 2);
    }
    memset(blob->data + 2 * characters, 0, 2);
    value->type = FWP_BYTE_BLOB_TYPE;
    value->byteBlob = blob;
}

/* Everything on the heap, freed when classifyFn returns: a pointer that was kept is a use after free. */
static VALUES *MakeValues(const ATTEMPT_INPUT *input, OPERATION *operation, UINT32 extraFlags, UINT32 reason)
{
    VALUES *v = calloc(1, sizeof(*v));
    BOOLEAN connect = !EngineIsReceive(input->layerId);
    BOOLEAN six = input->layerId == FWPS_LAYER_ALE_AUTH_CONNECT_V6 || input->layerId == FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V6;
    FWPS_INCOMING_METADATA_VALUES0 *m = &v->metadata;
#define AT(field) v->fields[connect ? FWPS_FIELD_ALE_AUTH_CONNECT_V4_##field : FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_V4_##field].value
    v->values.layerId = input->layerId;
    v->values.valueCount = connect ? 42 : 40;
    v->values.incomingValue = v->fields;
    SetText(&AT(ALE_APP_ID), &v->appId, L"\\device\\harddiskvolume3\\program files\\app\\app.exe", input->appIdCharacters);
    if (!input->noLocalAddress) {
        EngineSetAddress(&AT(IP_LOCAL_ADDRESS), six, &v->local, 1);
    }
    EngineSetNumber(&AT(IP_LOCAL_PORT), FWP_UINT16, input->localPort);
    EngineSetNumber(&AT(IP_PROTOCOL), FWP_UINT8, input->protocol);
    EngineSetAddress(&AT(IP_REMOTE_ADDRESS), six, &v->remote, input->remoteLast);
    EngineSetNumber(&AT(IP_REMOTE_PORT), FWP_UINT16, input->remotePort);
    v->luid = 0x0006008000000000ull;
    AT(IP_LOCAL_INTERFACE).type = FWP_UINT64;
    AT(IP_LOCAL_INTERFACE).uint64 = &v->luid;
    EngineSetNumber(&AT(FLAGS), FWP_UINT32, input->flags | extraFlags);
    EngineSetNumber(&AT(INTERFACE_INDEX), FWP_UINT32, 7);
    EngineSetNumber(&AT(SUB_INTERFACE_INDEX), FWP_UINT32, 8);
    EngineSetNumber(&AT(REAUTHORIZE_REASON), FWP_UINT32, input->reason | reason);
    if (input->package) {
        static const UCHAR sid[] = { 1, 2, 0, 0, 0, 0, 0, 15, 2, 0, 0, 0, 1, 0, 0, 0 };
        memcpy(v->sid, sid, sizeof(sid));
        AT(ALE_PACKAGE_ID).type = FWP_SID;
        AT(ALE_PACKAGE_ID).sid = (struct _SID *)v->sid;
    }
    if (input->peerName && connect) {
        SetText(&v->fields[FWPS_FIELD_ALE_AUTH_CONNECT_V4_PEER_NAME].value, &v->peerName, L"example.org", input->appIdCharacters);
    }
    if (input->shortValues) {
        v->values.valueCount = 13;
    }
#undef AT
    m->currentMetadataValues = FWPS_METADATA_FIELD_COMPARTMENT_ID | FWPS_METADATA_FIELD_SUB_PROCESS_TAG;
    m->compartmentId = 1;
    m->subProcessTag = (PVOID)(uintptr_t)42;
    if (input->processId != 0) {
        m->currentMetadataValues |= FWPS_METADATA_FIELD_PROCESS_ID;
        m->processId = input->processId;
    }
    if (input->endpointHandle != 0) {
        m->currentMetadataValues |= FWPS_METADATA_FIELD_TRANSPORT_ENDPOINT_HANDLE;
        m->transportEndpointHandle = input->endpointHandle;
    }
    if (!input->noCompletionHandle) {
        m->currentMetadataValues |= FWPS_METADATA_FIELD_COMPLETION_HANDLE;
        m->completionHandle = operation;
    }
    if (!connect && !input->noHeaderSizes) {
        m->currentMetadataValues |= FWPS_METADATA_FIELD_IP_HEADER_SIZE | FWPS_METADATA_FIELD_TRANSPORT_HEADER_SIZE;
        m->ipHeaderSize = EngineIpHeader(input->layerId);
        m->transportHeaderSize = EngineTransportHeader(input->protocol);
    } else if (connect) {
        m->currentMetadataValues |= FWPS_METADATA_FIELD_REMOTE_SCOPE_ID | FWPS_METADATA_FIELD_TRANSPORT_CONTROL_DATA;
        m->remoteScopeId.Value = 3;
        if (input->original != NULL) {
            m->currentMetadataValues |= FWPS_METADATA_FIELD_ORIGINAL_DESTINATION;
            v->original = *input->original;
            m->originalDestination = &v->original;
        }
        if (input->controlBytes != 0) {
            v->control = malloc(input->controlBytes);
            memcpy(v->control, input->control, input->controlBytes);
            m->controlData = (WSACMSGHDR *)v->control;
            m->controlDataLength = input->controlBytes;
        }
    }
    if (input->headerIncluded) {
        m->currentMetadataValues |= FWPS_METADATA_FIELD_TRANSPORT_HEADER_INCLUDE_HEADER;
        m->headerIncludeHeaderLength = 20;
    }
    v->filter.filterId = 0x10001;
    v->filter.flags = input->filterFlags;
    return v;
}

static void FreeValues(VALUES *values)
{
    free(values->appId.data);
    free(values->peerName.data);
    free(values->control);
    free(values);
}

OUTCOME EngineOutcome(const FWPS_CLASSIFY_OUT0 *out)
{
    if (out->actionType == FWP_ACTION_PERMIT) {
        return OUTCOME_PERMIT;
    }
    if (out->actionType != FWP_ACTION_BLOCK) {
        return OUTCOME_NONE;
    }
    return (out->flags & FWPS_CLASSIFY_OUT_FLAG_ABSORB) != 0 ? OUTCOME_ABSORBED : OUTCOME_BLOCK;
}

/* One call of the layer's callout. FALSE: none is registered. */
BOOLEAN EngineCall(const ATTEMPT_INPUT *input, OPERATION *operation, UINT32 flags, UINT32 reason, LIST *given,
                    FWPS_CLASSIFY_OUT0 *out)
{
    REGISTERED *callout = EngineEnter(input->layerId);
    OPERATION *formerCurrent = EngineCurrent;
    BOOLEAN formerPended = CurrentPended, formerReauthorize = CurrentReauthorize, formerSecured = EngineCurrentSecured;
    LIST *list = given;
    VALUES *values;
    KIRQL irql;
    memset(out, 0, sizeof(*out));
    out->actionType = FWP_ACTION_CONTINUE;
    out->rights = input->noRight ? 0 : FWPS_RIGHT_ACTION_WRITE;
    if (callout == NULL) {
        return FALSE;
    }
    values = MakeValues(input, operation, flags, reason);
    if (list == NULL && input->packetBytes != 0) {
        list = EngineMakeList(input);
    }
    EngineCurrent = operation;
    CurrentPended = FALSE;
    CurrentReauthorize = (flags & FWP_CONDITION_FLAG_IS_REAUTHORIZE) != 0 ||
                         (input->flags & FWP_CONDITION_FLAG_IS_REAUTHORIZE) != 0;
    EngineCurrentSecured = input->secured;
    irql = NativeSetIrql(input->irql > KeGetCurrentIrql() ? input->irql : KeGetCurrentIrql());
    callout->callout.classifyFn(&values->values, &values->metadata, list == NULL ? NULL : &list->list, NULL, &values->filter, 0,
                                out);
    NativeCheckCall("return from classifyFn", DISPATCH_LEVEL);
    NativeSetIrql(irql);
    if (CurrentPended && (out->actionType != FWP_ACTION_BLOCK || (out->flags & FWPS_CLASSIFY_OUT_FLAG_ABSORB) == 0 ||
                          (out->rights & FWPS_RIGHT_ACTION_WRITE) != 0)) {
        Violation("a pended classify must return BLOCK, ABSORB and no right");
    }
    if (input->noRight && (out->actionType != FWP_ACTION_CONTINUE || out->flags != 0)) {
        Violation("classifyFn wrote without the right");
    }
    if (out->actionType == FWP_ACTION_BLOCK && (out->rights & FWPS_RIGHT_ACTION_WRITE) != 0) {
        Violation("a block must clear the right, or it is soft");
    }
    EngineCurrent = formerCurrent;
    CurrentPended = formerPended;
    CurrentReauthorize = formerReauthorize;
    EngineCurrentSecured = formerSecured;
    FreeValues(values);
    if (given == NULL) {
        EngineFreeList(list);
    }
    EngineLeave(callout);
    return TRUE;
}

OPERATION *EngineClassify(const ATTEMPT_INPUT *input)
{
    OPERATION *operation = calloc(1, sizeof(*operation));
    FWPS_CLASSIFY_OUT0 out;
    operation->input = *input;
    operation->references = 2; /* the test's, and ours until it is over */
    if (EngineCall(input, operation, 0, 0, NULL, &out)) {
        operation->rightsAfter = out.rights;
        operation->outcome = EngineOutcome(&out);
    }
    if (__atomic_load_n(&operation->state, __ATOMIC_SEQ_CST) == STATE_CLASSIFYING) {
        if (operation->outcome == OUTCOME_ABSORBED && input->packetBytes == 0 &&
            (input->flags & FWP_CONDITION_FLAG_IS_REAUTHORIZE) == 0) {
            Violation("absorbed without pending: the connect would hang for ever");
        }
        __atomic_store_n(&operation->state, STATE_DECIDED, __ATOMIC_SEQ_CST);
        EngineRelease(operation);
    } else {
        operation->outcome = OUTCOME_PENDED;
    }
    return operation;
}

void EngineRelease(OPERATION *operation)
{
    if (__atomic_sub_fetch(&operation->references, 1, __ATOMIC_SEQ_CST) == 0) {
        free(operation);
    }
}

NTSTATUS FwpsPendOperation0(HANDLE completionHandle, HANDLE *completionContext)
{
    OPERATION *operation = completionHandle;
    PEND *pend;
    NativeCheckCall("FwpsPendOperation0", DISPATCH_LEVEL);
    if (operation == NULL || operation != EngineCurrent) {
        Violation("FwpsPendOperation0 outside of the classify of its handle");
    }
    if (CurrentPended) {
        Violation("pended twice in one classify");
    }
    if (CurrentReauthorize) {
        Violation("pended on a reauthorization");
    }
    if (NativeFails("FwpsPendOperation0")) {
        return STATUS_FWP_CANNOT_PEND;
    }
    pend = calloc(1, sizeof(*pend));
    pend->operation = operation;
    CurrentPended = TRUE;
    __atomic_store_n(&operation->state, STATE_PENDED, __ATOMIC_SEQ_CST);
    pthread_mutex_lock(&EngineLock);
    pend->next = EnginePends;
    EnginePends = pend;
    EngineTotals.pended++;
    pthread_mutex_unlock(&EngineLock);
    *completionContext = pend;
    if (DuringPend != NULL) {
        void (*run)(void) = DuringPend;
        DuringPend = NULL;
        run();
    }
    return STATUS_SUCCESS;
}

void EngineDuringPend(void (*run)(void))
{
    DuringPend = run;
}

void EngineDuringComplete(void (*run)(void))
{
    DuringComplete = run;
}

void FwpsCompleteOperation0(HANDLE completionContext, PNET_BUFFER_LIST list)
{
    PEND *pend = completionContext;
    OPERATION *operation = pend->operation;
    FWPS_CLASSIFY_OUT0 out;
    NativeCheckCall("FwpsCompleteOperation0", DISPATCH_LEVEL);
    pthread_mutex_lock(&EngineLock);
    if (pend->used) {
        Violation("an operation completed twice");
    }
    pend->used = TRUE;
    EngineTotals.completed++;
    pthread_mutex_unlock(&EngineLock);
    if (operation == EngineCurrent) {
        Violation("an operation completed inside its own classify");
    }
    if (DuringComplete != NULL) {
        void (*run)(void) = DuringComplete;
        DuringComplete = NULL;
        run();
    }
    __atomic_add_fetch(&operation->completions, 1, __ATOMIC_SEQ_CST);
    operation->completedWithPacket = list != NULL;
    if (EngineIsReceive(operation->input.layerId)) {
        if (list != NULL && !((LIST *)list)->ours) {
            Violation("completed with the stack's own list");
        }
    } else {
        if (list != NULL) {
            Violation("a CONNECT completed with a list");
        }
        /* The reauthorization, on this thread; none comes when the socket is gone. */
        if (!__atomic_load_n(&operation->closed, __ATOMIC_SEQ_CST) &&
            EngineCall(&operation->input, operation, FWP_CONDITION_FLAG_IS_REAUTHORIZE,
                 FWP_CONDITION_REAUTHORIZE_REASON_CLASSIFY_COMPLETION, NULL, &out)) {
            operation->finalRightsAfter = out.rights;
            /* Of a socket that was closed meanwhile nobody waits for the decision. */
            if (!__atomic_load_n(&operation->closed, __ATOMIC_SEQ_CST) &&
                (EngineOutcome(&out) == OUTCOME_ABSORBED || EngineOutcome(&out) == OUTCOME_NONE)) {
                Violation("the reauthorization of a completed operation must be decided");
            }
            __atomic_store_n(&operation->final, (LONG)EngineOutcome(&out), __ATOMIC_SEQ_CST);
        }
    }
    __atomic_store_n(&operation->state, STATE_COMPLETED, __ATOMIC_SEQ_CST);
    pthread_mutex_lock(&EngineLock);
    pend->operation = NULL;
    pthread_mutex_unlock(&EngineLock);
    EngineRelease(operation);
}

/* A handle is one socket: everything pended on it is closed with it. */
static void CloseOthers(UINT64 endpointHandle)
{
    PEND *pend;
    pthread_mutex_lock(&EngineLock);
    for (pend = EnginePends; pend != NULL; pend = pend->next) {
        if (pend->operation != NULL && pend->operation->input.endpointHandle == endpointHandle) {
            __atomic_store_n(&pend->operation->closed, 1, __ATOMIC_SEQ_CST);
        }
    }
    pthread_mutex_unlock(&EngineLock);
}

void EngineCloseSocket(OPERATION *operation)
{
    UINT16 layer = operation->input.layerId == FWPS_LAYER_ALE_AUTH_CONNECT_V6 ||
                           operation->input.layerId == FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V6
                       ? FWPS_LAYER_ALE_ENDPOINT_CLOSURE_V6
                       : FWPS_LAYER_ALE_ENDPOINT_CLOSURE_V4;
    FWPS_INCOMING_VALUES0 values = { layer, 0, NULL };
    FWPS_INCOMING_METADATA_VALUES0 metadata;
    FWPS_CLASSIFY_OUT0 out;
    FWPS_FILTER2 filter;
    REGISTERED *callout = EngineEnter(layer);
    __atomic_store_n(&operation->closed, 1, __ATOMIC_SEQ_CST);
    CloseOthers(operation->input.endpointHandle);
    if (callout == NULL) {
        return;
    }
    memset(&metadata, 0, sizeof(metadata));
    memset(&filter, 0, sizeof(filter));
    memset(&out, 0, sizeof(out));
    out.actionType = 0x7; /* FWP_ACTION_NONE: nobody has said anything yet */
    out.rights = FWPS_RIGHT_ACTION_WRITE;
    metadata.currentMetadataValues = FWPS_METADATA_FIELD_TRANSPORT_ENDPOINT_HANDLE;
    metadata.transportEndpointHandle = operation->input.endpointHandle;
    callout->callout.classifyFn(&values, &metadata, NULL, NULL, &filter, 0, &out);
    if (out.actionType != FWP_ACTION_CONTINUE) {
        Violation("an inspection callout must say FWP_ACTION_CONTINUE");
    }
    EngineLeave(callout);
}
