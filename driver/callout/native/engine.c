/*
 * The filter engine's part of the platform: calls the callouts as WFP is documented to, and checks what they do.
 * Completing a CONNECT reauthorizes on the same thread; a RECV_ACCEPT copy comes by again; every pointer handed to a
 * classify dies with it.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "native.h"

enum { STATE_CLASSIFYING, STATE_DECIDED, STATE_PENDED, STATE_COMPLETED };

typedef struct PEND {
    struct PEND *next;
    OPERATION *operation;
    BOOLEAN used;
} PEND;

/* A packet with its buffers; also what FwpsAllocateNetBufferAndNetBufferList0 gives. */
typedef struct LIST {
    NET_BUFFER_LIST list; /* first: the driver's pointer is ours */
    NET_BUFFER buffers[12];
    MDL mdls[24];
    UCHAR *bytes;
    ULONG bufferCount;
    ULONG offset; /* of the data at the beginning */
    BOOLEAN ours;
    HANDLE injectedBy;
    HANDLE injectionContext;
} LIST;

typedef struct INJECTED {
    struct INJECTED *next;
    HANDLE handle;
    LIST *list;
    FWPS_INJECT_COMPLETE0 complete;
    HANDLE completeContext;
    BOOLEAN receive;
    ADDRESS_FAMILY family;
    const FWPS_TRANSPORT_SEND_PARAMS0 *parameters; /* NULL: received */
} INJECTED;

typedef struct REGISTERED {
    FWPS_CALLOUT2 callout;
    volatile LONG live;
    volatile LONG running;
    volatile LONG contexts;
} REGISTERED;

typedef struct FLOW_CONTEXT {
    struct FLOW_CONTEXT *next;
    UINT64 flowHandle;
    UINT32 calloutId;
    UINT64 context;
    UINT16 layerId;
} FLOW_CONTEXT;

#define MAX_CALLOUTS 64

static pthread_mutex_t Lock = PTHREAD_MUTEX_INITIALIZER;
static REGISTERED Callouts[MAX_CALLOUTS]; /* id - 1 */
static PEND *Pends;
static INJECTED *Queue;
static FLOW_CONTEXT *FlowContexts;
static ENGINE_COUNTS Counts;
static long Lists, InjectionHandles, Pools, RedirectHandles, ClassifyHandles;
static NTSTATUS InjectStatus;
static void (*DuringPend)(void);
static void (*DuringAssociate)(void);
static _Thread_local OPERATION *Current;
static _Thread_local BOOLEAN CurrentPended;
static _Thread_local BOOLEAN CurrentReauthorize;
static _Thread_local BOOLEAN CurrentSecured;

/* --- callouts --- */

NTSTATUS FwpsCalloutRegister2(void *deviceObject, const FWPS_CALLOUT2 *callout, UINT32 *calloutId)
{
    ULONG i;
    NativeCheckCall("FwpsCalloutRegister2", PASSIVE_LEVEL);
    if (deviceObject == NULL || callout->classifyFn == NULL || callout->notifyFn == NULL) {
        Violation("callout without device, classifyFn or notifyFn");
    }
    if (((callout->flags & FWP_CALLOUT_FLAG_CONDITIONAL_ON_FLOW) != 0) != (callout->flowDeleteFn != NULL)) {
        Violation("flow contexts need flowDeleteFn and CONDITIONAL_ON_FLOW");
    }
    if (NativeFails("FwpsCalloutRegister2")) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    pthread_mutex_lock(&Lock);
    for (i = 0; i < MAX_CALLOUTS; i++) {
        if (Callouts[i].live && memcmp(&Callouts[i].callout.calloutKey, &callout->calloutKey, sizeof(GUID)) == 0) {
            Violation("callout registered twice");
        }
    }
    for (i = 0; i < MAX_CALLOUTS && Callouts[i].live; i++) {
    }
    if (i == MAX_CALLOUTS) {
        Violation("too many callouts");
    }
    Callouts[i].callout = *callout;
    Callouts[i].contexts = 0;
    __atomic_store_n(&Callouts[i].live, 1, __ATOMIC_SEQ_CST);
    Counts.registered++;
    pthread_mutex_unlock(&Lock);
    *calloutId = i + 1;
    /* The engine tells about filters that come and go; a callout that refuses would make them fail. */
    if (!NT_SUCCESS(callout->notifyFn(FWPS_CALLOUT_NOTIFY_ADD_FILTER, &callout->calloutKey, NULL))) {
        Violation("notifyFn refuses a filter");
    }
    return STATUS_SUCCESS;
}

NTSTATUS FwpsCalloutUnregisterById0(const UINT32 calloutId)
{
    REGISTERED *callout = &Callouts[calloutId - 1];
    NTSTATUS status = STATUS_SUCCESS;
    NativeCheckCall("FwpsCalloutUnregisterById0", PASSIVE_LEVEL);
    pthread_mutex_lock(&Lock);
    if (!callout->live) {
        Violation("unregistered a callout that is not registered");
    }
    if (callout->contexts != 0) {
        status = STATUS_DEVICE_BUSY;
    } else if (callout->running != 0) {
        status = STATUS_FWP_IN_USE;
    } else {
        __atomic_store_n(&callout->live, 0, __ATOMIC_SEQ_CST);
        Counts.registered--;
    }
    Counts.unregisterRefused += !NT_SUCCESS(status);
    pthread_mutex_unlock(&Lock);
    return status;
}

static const struct {
    UINT16 layerId;
    GUID key;
} Keys[] = {
    { FWPS_LAYER_ALE_AUTH_CONNECT_V4, SALLYPORT_CALLOUT_AUTH_CONNECT_V4 },
    { FWPS_LAYER_ALE_AUTH_CONNECT_V6, SALLYPORT_CALLOUT_AUTH_CONNECT_V6 },
    { FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V4, SALLYPORT_CALLOUT_AUTH_RECV_ACCEPT_V4 },
    { FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V6, SALLYPORT_CALLOUT_AUTH_RECV_ACCEPT_V6 },
    { FWPS_LAYER_ALE_ENDPOINT_CLOSURE_V4, SALLYPORT_CALLOUT_ENDPOINT_CLOSURE_V4 },
    { FWPS_LAYER_ALE_ENDPOINT_CLOSURE_V6, SALLYPORT_CALLOUT_ENDPOINT_CLOSURE_V6 },
    { FWPS_LAYER_ALE_CONNECT_REDIRECT_V4, SALLYPORT_CALLOUT_CONNECT_REDIRECT_V4 },
    { FWPS_LAYER_ALE_CONNECT_REDIRECT_V6, SALLYPORT_CALLOUT_CONNECT_REDIRECT_V6 },
    { FWPS_LAYER_ALE_FLOW_ESTABLISHED_V4, SALLYPORT_CALLOUT_FLOW_ESTABLISHED_V4 },
    { FWPS_LAYER_ALE_FLOW_ESTABLISHED_V6, SALLYPORT_CALLOUT_FLOW_ESTABLISHED_V6 },
    { FWPS_LAYER_STREAM_V4, SALLYPORT_CALLOUT_STREAM_V4 },
    { FWPS_LAYER_STREAM_V6, SALLYPORT_CALLOUT_STREAM_V6 },
};

/* Enters the layer's callout, so that it cannot be unregistered meanwhile. */
static REGISTERED *Enter(UINT16 layerId)
{
    const GUID *key = NULL;
    ULONG i;
    for (i = 0; i < sizeof(Keys) / sizeof(Keys[0]); i++) {
        if (Keys[i].layerId == layerId) {
            key = &Keys[i].key;
        }
    }
    pthread_mutex_lock(&Lock);
    for (i = 0; key != NULL && i < MAX_CALLOUTS; i++) {
        if (Callouts[i].live && memcmp(&Callouts[i].callout.calloutKey, key, sizeof(*key)) == 0) {
            Callouts[i].running++;
            pthread_mutex_unlock(&Lock);
            return &Callouts[i];
        }
    }
    pthread_mutex_unlock(&Lock);
    return NULL;
}

static void Leave(REGISTERED *callout)
{
    pthread_mutex_lock(&Lock);
    callout->running--;
    pthread_mutex_unlock(&Lock);
}

/* --- packets --- */

static ULONG TransportHeader(UCHAR protocol)
{
    return protocol == IPPROTO_TCP ? 20 : 8;
}

static ULONG IpHeader(UINT16 layerId)
{
    return layerId == FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V6 || layerId == FWPS_LAYER_ALE_AUTH_CONNECT_V6 ? 40 : 20;
}

static BOOLEAN IsReceive(UINT16 layerId)
{
    return layerId == FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V4 || layerId == FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V6;
}

static LIST *MakeList(const ATTEMPT_INPUT *input)
{
    LIST *list = calloc(1, sizeof(*list));
    ULONG headers = IsReceive(input->layerId) ? IpHeader(input->layerId) + TransportHeader(input->protocol) : 0;
    ULONG whole = headers + input->packetBytes, i;
    list->bufferCount = input->packetBuffers == 0 ? 1 : input->packetBuffers;
    list->offset = headers;
    list->bytes = malloc((size_t)whole * list->bufferCount);
    for (i = 0; i < whole * list->bufferCount; i++) {
        list->bytes[i] = input->bytes != NULL && i % whole >= headers ? input->bytes[i % whole - headers] : (UCHAR)(i * 13 + 5);
    }
    for (i = 0; i < list->bufferCount; i++) {
        UCHAR *bytes = list->bytes + (size_t)whole * i;
        NET_BUFFER *buffer = &list->buffers[i];
        MDL *first = &list->mdls[2 * i], *second = &list->mdls[2 * i + 1];
        if (headers != 0 && IpHeader(input->layerId) == 20) {
            bytes[0] = input->longHeader ? 0x4F : 0x45;
        }
        /* Odd lengths lie in two MDLs, so that both ways of NdisGetDataBuffer are taken. */
        first->address = bytes;
        first->length = whole % 2 == 1 ? whole / 2 : whole;
        if (first->length != whole) {
            second->address = bytes + first->length;
            second->length = whole - first->length;
            first->Next = second;
        }
        buffer->MdlChain = buffer->CurrentMdl = first;
        buffer->DataOffset = headers;
        buffer->DataLength = input->packetBytes;
        buffer->Next = i + 1 < list->bufferCount ? buffer + 1 : NULL;
    }
    list->list.FirstNetBuffer = list->buffers;
    list->list.NetBufferListInfo[TcpIpChecksumNetBufferListInfo] = (PVOID)0x1234;
    return list;
}

/* The stack takes its packet back: it must be as it was. */
static void FreeList(LIST *list)
{
    ULONG i;
    if (list == NULL) {
        return;
    }
    for (i = 0; i < list->bufferCount; i++) {
        if (list->buffers[i].DataOffset != list->offset) {
            Violation("classifyFn returned a packet whose data start has moved");
        }
    }
    free(list->bytes);
    free(list);
}

NDIS_STATUS NdisRetreatNetBufferDataStart(NET_BUFFER *buffer, ULONG delta, ULONG backFill, NET_BUFFER_ALLOCATE_MDL *allocate)
{
    (void)backFill;
    (void)allocate;
    if (NativeFails("NdisRetreatNetBufferDataStart") || buffer->DataOffset < delta) {
        return (NDIS_STATUS)STATUS_INSUFFICIENT_RESOURCES;
    }
    buffer->DataOffset -= delta;
    buffer->DataLength += delta;
    return NDIS_STATUS_SUCCESS;
}

VOID NdisAdvanceNetBufferDataStart(NET_BUFFER *buffer, ULONG delta, BOOLEAN freeMdl, NET_BUFFER_FREE_MDL *free_)
{
    (void)freeMdl;
    (void)free_;
    buffer->DataOffset += delta;
    buffer->DataLength -= delta;
}

PVOID NdisGetDataBuffer(NET_BUFFER *buffer, ULONG bytesNeeded, PVOID storage, ULONG alignMultiple, ULONG alignOffset)
{
    MDL *mdl = buffer->MdlChain;
    ULONG skip = buffer->DataOffset, copied = 0;
    (void)alignMultiple;
    (void)alignOffset;
    if (bytesNeeded > buffer->DataLength || NativeFails("NdisGetDataBuffer")) {
        return NULL;
    }
    while (mdl != NULL && skip >= mdl->length && mdl->Next != NULL) {
        skip -= mdl->length;
        mdl = mdl->Next;
    }
    if (mdl->length - skip >= bytesNeeded) {
        return (UCHAR *)mdl->address + skip;
    }
    for (; mdl != NULL && copied < bytesNeeded; mdl = mdl->Next, skip = 0) {
        ULONG part = mdl->length - skip;
        part = part > bytesNeeded - copied ? bytesNeeded - copied : part;
        memcpy((UCHAR *)storage + copied, (UCHAR *)mdl->address + skip, part);
        copied += part;
    }
    return storage;
}

NDIS_HANDLE NdisAllocateNetBufferListPool(NDIS_HANDLE handle, NET_BUFFER_LIST_POOL_PARAMETERS const *parameters)
{
    (void)handle;
    NativeCheckCall("NdisAllocateNetBufferListPool", DISPATCH_LEVEL);
    if (!parameters->fAllocateNetBuffer || parameters->Header.Size == 0 || parameters->PoolTag == 0) {
        Violation("NET_BUFFER_LIST pool with wrong parameters");
    }
    if (NativeFails("NdisAllocateNetBufferListPool")) {
        return NULL;
    }
    Pools++;
    return &Pools;
}

VOID NdisFreeNetBufferListPool(NDIS_HANDLE pool)
{
    if (pool != &Pools || Lists != 0) {
        Violation("pool freed twice or while %ld lists are left", Lists);
    }
    Pools--;
}

NTSTATUS FwpsAllocateNetBufferAndNetBufferList0(NDIS_HANDLE pool, USHORT contextSize, USHORT contextBackFill, MDL *mdl,
                                                ULONG offset, SIZE_T length, NET_BUFFER_LIST **result)
{
    LIST *list;
    (void)contextSize;
    (void)contextBackFill;
    (void)offset;
    NativeCheckCall("FwpsAllocateNetBufferAndNetBufferList0", DISPATCH_LEVEL);
    if (pool != &Pools || !mdl->built || mdl->length != length) {
        Violation("list allocated from a wrong pool, MDL or length");
    }
    if (NativeFails("FwpsAllocateNetBufferAndNetBufferList0")) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    list = calloc(1, sizeof(*list));
    list->ours = TRUE;
    list->bufferCount = 1;
    list->buffers[0].MdlChain = list->buffers[0].CurrentMdl = mdl;
    list->buffers[0].DataLength = (ULONG)length;
    list->list.FirstNetBuffer = list->buffers;
    __atomic_add_fetch(&Lists, 1, __ATOMIC_SEQ_CST);
    *result = &list->list;
    return STATUS_SUCCESS;
}

void FwpsFreeNetBufferList0(NET_BUFFER_LIST *netBufferList)
{
    LIST *list = (LIST *)netBufferList;
    NativeCheckCall("FwpsFreeNetBufferList0", DISPATCH_LEVEL);
    if (!list->ours) {
        Violation("freed a list that belongs to the stack");
    }
    __atomic_sub_fetch(&Lists, 1, __ATOMIC_SEQ_CST);
    free(list);
}

NTSTATUS FwpsGetPacketListSecurityInformation0(NET_BUFFER_LIST *list, UINT32 flags, FWPS_PACKET_LIST_INFORMATION0 *information)
{
    (void)list;
    NativeCheckCall("FwpsGetPacketListSecurityInformation0", DISPATCH_LEVEL);
    if (flags != (FWPS_PACKET_LIST_INFORMATION_QUERY_IPSEC | FWPS_PACKET_LIST_INFORMATION_QUERY_INBOUND)) {
        Violation("wrong query flags");
    }
    if (NativeFails("FwpsGetPacketListSecurityInformation0")) {
        return STATUS_UNSUCCESSFUL;
    }
    information->ipsecInformation.inbound.isSecure = CurrentSecured;
    return STATUS_SUCCESS;
}

/* --- classify --- */

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
} VALUES;

static void SetAddress(FWP_VALUE0 *value, BOOLEAN six, FWP_BYTE_ARRAY16 *storage, ULONG last)
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

static void SetNumber(FWP_VALUE0 *value, FWP_DATA_TYPE type, UINT32 number)
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
    BOOLEAN connect = !IsReceive(input->layerId);
    BOOLEAN six = input->layerId == FWPS_LAYER_ALE_AUTH_CONNECT_V6 || input->layerId == FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V6;
    FWPS_INCOMING_METADATA_VALUES0 *m = &v->metadata;
#define AT(field) v->fields[connect ? FWPS_FIELD_ALE_AUTH_CONNECT_V4_##field : FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_V4_##field].value
    v->values.layerId = input->layerId;
    v->values.valueCount = connect ? 42 : 40;
    v->values.incomingValue = v->fields;
    SetText(&AT(ALE_APP_ID), &v->appId, L"\\device\\harddiskvolume3\\program files\\app\\app.exe", input->appIdCharacters);
    if (!input->noLocalAddress) {
        SetAddress(&AT(IP_LOCAL_ADDRESS), six, &v->local, 1);
    }
    SetNumber(&AT(IP_LOCAL_PORT), FWP_UINT16, input->localPort);
    SetNumber(&AT(IP_PROTOCOL), FWP_UINT8, input->protocol);
    SetAddress(&AT(IP_REMOTE_ADDRESS), six, &v->remote, input->remoteLast);
    SetNumber(&AT(IP_REMOTE_PORT), FWP_UINT16, input->remotePort);
    v->luid = 0x0006008000000000ull;
    AT(IP_LOCAL_INTERFACE).type = FWP_UINT64;
    AT(IP_LOCAL_INTERFACE).uint64 = &v->luid;
    SetNumber(&AT(FLAGS), FWP_UINT32, input->flags | extraFlags);
    SetNumber(&AT(INTERFACE_INDEX), FWP_UINT32, 7);
    SetNumber(&AT(SUB_INTERFACE_INDEX), FWP_UINT32, 8);
    SetNumber(&AT(REAUTHORIZE_REASON), FWP_UINT32, input->reason | reason);
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
    if (!connect) {
        m->currentMetadataValues |= FWPS_METADATA_FIELD_IP_HEADER_SIZE | FWPS_METADATA_FIELD_TRANSPORT_HEADER_SIZE;
        m->ipHeaderSize = IpHeader(input->layerId);
        m->transportHeaderSize = TransportHeader(input->protocol);
    } else {
        m->currentMetadataValues |= FWPS_METADATA_FIELD_REMOTE_SCOPE_ID | FWPS_METADATA_FIELD_TRANSPORT_CONTROL_DATA;
        m->remoteScopeId.Value = 3;
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

static OUTCOME Outcome(const FWPS_CLASSIFY_OUT0 *out)
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
static BOOLEAN Call(const ATTEMPT_INPUT *input, OPERATION *operation, UINT32 flags, UINT32 reason, LIST *given,
                    FWPS_CLASSIFY_OUT0 *out)
{
    REGISTERED *callout = Enter(input->layerId);
    OPERATION *formerCurrent = Current;
    BOOLEAN formerPended = CurrentPended, formerReauthorize = CurrentReauthorize, formerSecured = CurrentSecured;
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
        list = MakeList(input);
    }
    Current = operation;
    CurrentPended = FALSE;
    CurrentReauthorize = (flags & FWP_CONDITION_FLAG_IS_REAUTHORIZE) != 0 ||
                         (input->flags & FWP_CONDITION_FLAG_IS_REAUTHORIZE) != 0;
    CurrentSecured = input->secured;
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
    Current = formerCurrent;
    CurrentPended = formerPended;
    CurrentReauthorize = formerReauthorize;
    CurrentSecured = formerSecured;
    FreeValues(values);
    if (given == NULL) {
        FreeList(list);
    }
    Leave(callout);
    return TRUE;
}

OPERATION *EngineClassify(const ATTEMPT_INPUT *input)
{
    OPERATION *operation = calloc(1, sizeof(*operation));
    FWPS_CLASSIFY_OUT0 out;
    operation->input = *input;
    operation->references = 2; /* the test's, and ours until it is over */
    if (Call(input, operation, 0, 0, NULL, &out)) {
        operation->rightsAfter = out.rights;
        operation->outcome = Outcome(&out);
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
    if (operation == NULL || operation != Current) {
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
    pthread_mutex_lock(&Lock);
    pend->next = Pends;
    Pends = pend;
    Counts.pended++;
    pthread_mutex_unlock(&Lock);
    *completionContext = pend;
    if (DuringPend != NULL) {
        void (*run)(void) = DuringPend;
        DuringPend = NULL;
        run();
    }
    return STATUS_SUCCESS;
}

void EngineDuringAssociate(void (*run)(void))
{
    DuringAssociate = run;
}

void EngineDuringPend(void (*run)(void))
{
    DuringPend = run;
}

void FwpsCompleteOperation0(HANDLE completionContext, PNET_BUFFER_LIST list)
{
    PEND *pend = completionContext;
    OPERATION *operation = pend->operation;
    FWPS_CLASSIFY_OUT0 out;
    NativeCheckCall("FwpsCompleteOperation0", DISPATCH_LEVEL);
    pthread_mutex_lock(&Lock);
    if (pend->used) {
        Violation("an operation completed twice");
    }
    pend->used = TRUE;
    Counts.completed++;
    pthread_mutex_unlock(&Lock);
    if (operation == Current) {
        Violation("an operation completed inside its own classify");
    }
    __atomic_add_fetch(&operation->completions, 1, __ATOMIC_SEQ_CST);
    operation->completedWithPacket = list != NULL;
    if (IsReceive(operation->input.layerId)) {
        if (list != NULL && !((LIST *)list)->ours) {
            Violation("completed with the stack's own list");
        }
    } else {
        if (list != NULL) {
            Violation("a CONNECT completed with a list");
        }
        /* The reauthorization, on this thread; none comes when the socket is gone. */
        if (!__atomic_load_n(&operation->closed, __ATOMIC_SEQ_CST) &&
            Call(&operation->input, operation, FWP_CONDITION_FLAG_IS_REAUTHORIZE,
                 FWP_CONDITION_REAUTHORIZE_REASON_CLASSIFY_COMPLETION, NULL, &out)) {
            operation->finalRightsAfter = out.rights;
            if (Outcome(&out) == OUTCOME_ABSORBED || Outcome(&out) == OUTCOME_NONE) {
                Violation("the reauthorization of a completed operation must be decided");
            }
            __atomic_store_n(&operation->final, (LONG)Outcome(&out), __ATOMIC_SEQ_CST);
        }
    }
    __atomic_store_n(&operation->state, STATE_COMPLETED, __ATOMIC_SEQ_CST);
    EngineRelease(operation);
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
    REGISTERED *callout = Enter(layer);
    __atomic_store_n(&operation->closed, 1, __ATOMIC_SEQ_CST);
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
    Leave(callout);
}

/* --- injection --- */

NTSTATUS FwpsInjectionHandleCreate0(ADDRESS_FAMILY family, UINT32 flags, HANDLE *handle)
{
    NativeCheckCall("FwpsInjectionHandleCreate0", PASSIVE_LEVEL);
    if ((family != AF_INET && family != AF_INET6) || flags != FWPS_INJECTION_TYPE_TRANSPORT) {
        Violation("injection handle of a wrong family or type");
    }
    if (NativeFails("FwpsInjectionHandleCreate0")) {
        return STATUS_FWP_TCPIP_NOT_READY;
    }
    *handle = malloc(1);
    InjectionHandles++;
    return STATUS_SUCCESS;
}

static ULONG Deliver(HANDLE only)
{
    ULONG count = 0;
    for (;;) {
        INJECTED *injected, **link;
        ATTEMPT_INPUT input;
        FWPS_CLASSIFY_OUT0 out;
        pthread_mutex_lock(&Lock);
        for (link = &Queue; *link != NULL && only != NULL && (*link)->handle != only; link = &(*link)->next) {
        }
        injected = *link;
        if (injected != NULL) {
            *link = injected->next;
        }
        pthread_mutex_unlock(&Lock);
        if (injected == NULL) {
            return count;
        }
        memset(&input, 0, sizeof(input));
        input.layerId = injected->receive
                            ? (injected->family == AF_INET ? FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V4 : FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V6)
                            : (injected->family == AF_INET ? FWPS_LAYER_ALE_AUTH_CONNECT_V4 : FWPS_LAYER_ALE_AUTH_CONNECT_V6);
        input.protocol = IPPROTO_UDP;
        input.processId = 1234;
        input.remoteLast = 9;
        if (Call(&input, NULL, 0, 0, injected->list, &out)) {
            if (Outcome(&out) != OUTCOME_PERMIT) {
                Violation("the driver does not permit its own packet");
            }
            pthread_mutex_lock(&Lock);
            Counts.injectedPermitted++;
            Counts.injectedHard += (out.rights & FWPS_RIGHT_ACTION_WRITE) == 0;
            pthread_mutex_unlock(&Lock);
        }
        if (injected->parameters != NULL) { /* until now they had to stay where they are */
            ULONG length = injected->parameters->controlDataLength;
            if ((length == 0) != (injected->parameters->controlData == NULL) ||
                (uintptr_t)injected->parameters->controlData % sizeof(SIZE_T) != 0) {
                Violation("control data without a length, or not aligned as WSACMSGHDR is");
            }
            pthread_mutex_lock(&Lock);
            Counts.lastControlBytes = length;
            if (length != 0) {
                memcpy(Counts.lastControl, injected->parameters->controlData,
                       length < sizeof(Counts.lastControl) ? length : sizeof(Counts.lastControl));
            }
            pthread_mutex_unlock(&Lock);
        }
        injected->list->list.Status = InjectStatus;
        injected->complete(injected->completeContext, &injected->list->list, FALSE);
        free(injected);
        count++;
    }
}

ULONG EngineDeliver(void)
{
    return Deliver(NULL);
}

NTSTATUS FwpsInjectionHandleDestroy0(HANDLE handle)
{
    NativeCheckCall("FwpsInjectionHandleDestroy0", PASSIVE_LEVEL);
    Deliver(handle); /* it waits until everything injected has completed */
    InjectionHandles--;
    free(handle);
    return STATUS_SUCCESS;
}

static NTSTATUS Inject(HANDLE handle, HANDLE context, NET_BUFFER_LIST *netBufferList, FWPS_INJECT_COMPLETE0 complete,
                       HANDLE completeContext, BOOLEAN receive, ADDRESS_FAMILY family,
                       const FWPS_TRANSPORT_SEND_PARAMS0 *parameters)
{
    LIST *list = (LIST *)netBufferList;
    MDL *mdl = list->buffers[0].MdlChain;
    INJECTED *injected, **link;
    NativeCheckCall("FwpsInjectTransport", DISPATCH_LEVEL);
    if (Current != NULL && receive) {
        Violation("inbound packet injected from inside a classify");
    }
    if (NativeFails("FwpsInjectTransport")) {
        return STATUS_UNSUCCESSFUL;
    }
    list->injectedBy = handle;
    list->injectionContext = context;
    injected = calloc(1, sizeof(*injected));
    injected->handle = handle;
    injected->list = list;
    injected->complete = complete;
    injected->completeContext = completeContext;
    injected->receive = receive;
    injected->family = family;
    injected->parameters = parameters;
    pthread_mutex_lock(&Lock);
    Counts.lastInjectedBytes = mdl->length;
    memcpy(Counts.lastInjected, mdl->address, mdl->length < 128 ? mdl->length : 128);
    if (receive) {
        Counts.injectedReceive++;
    } else {
        Counts.injectedSend++;
    }
    for (link = &Queue; *link != NULL; link = &(*link)->next) {
    }
    *link = injected;
    pthread_mutex_unlock(&Lock);
    return STATUS_SUCCESS;
}

NTSTATUS FwpsInjectTransportSendAsync0(HANDLE handle, HANDLE context, UINT64 endpointHandle, UINT32 flags,
                                       FWPS_TRANSPORT_SEND_PARAMS0 *parameters, ADDRESS_FAMILY family,
                                       COMPARTMENT_ID compartmentId, NET_BUFFER_LIST *list, FWPS_INJECT_COMPLETE0 complete,
                                       HANDLE completeContext)
{
    if (flags != 0 || parameters == NULL || parameters->remoteAddress == NULL || compartmentId != 1 ||
        parameters->remoteScopeId.Value != 3) {
        Violation("send injected with wrong parameters");
    }
    (void)endpointHandle;
    return Inject(handle, context, list, complete, completeContext, FALSE, family, parameters);
}

NTSTATUS FwpsInjectTransportReceiveAsync0(HANDLE handle, HANDLE context, PVOID reserved, UINT32 flags, ADDRESS_FAMILY family,
                                          COMPARTMENT_ID compartmentId, IF_INDEX interfaceIndex, IF_INDEX subInterfaceIndex,
                                          NET_BUFFER_LIST *list, FWPS_INJECT_COMPLETE0 complete, HANDLE completeContext)
{
    if (reserved != NULL || flags != 0 || compartmentId != 1 || interfaceIndex != 7 || subInterfaceIndex != 8) {
        Violation("receive injected with wrong parameters");
    }
    return Inject(handle, context, list, complete, completeContext, TRUE, family, NULL);
}

NTSTATUS FwpsConstructIpHeaderForTransportPacket0(NET_BUFFER_LIST *list, ULONG headerIncludeHeaderLength, ADDRESS_FAMILY family,
                                                  const UCHAR *sourceAddress, const UCHAR *remoteAddress, IPPROTO nextProtocol,
                                                  UINT64 endpointHandle, const WSACMSGHDR *controlData, ULONG controlDataLength,
                                                  UINT32 flags, PVOID reserved, IF_INDEX interfaceIndex,
                                                  IF_INDEX subInterfaceIndex)
{
    (void)endpointHandle, (void)controlData, (void)controlDataLength, (void)flags, (void)reserved, (void)interfaceIndex;
    (void)subInterfaceIndex, (void)sourceAddress, (void)remoteAddress, (void)nextProtocol, (void)family;
    if (!((LIST *)list)->ours || headerIncludeHeaderLength == 0) {
        Violation("IP header built for a wrong list");
    }
    if (NativeFails("FwpsConstructIpHeaderForTransportPacket0")) {
        return STATUS_UNSUCCESSFUL;
    }
    pthread_mutex_lock(&Lock);
    Counts.constructedHeaders++;
    pthread_mutex_unlock(&Lock);
    return STATUS_SUCCESS;
}

FWPS_PACKET_INJECTION_STATE FwpsQueryPacketInjectionState0(HANDLE handle, const NET_BUFFER_LIST *netBufferList, HANDLE *context)
{
    const LIST *list = (const LIST *)netBufferList;
    NativeCheckCall("FwpsQueryPacketInjectionState0", DISPATCH_LEVEL);
    if (list->injectedBy == NULL) {
        return FWPS_PACKET_NOT_INJECTED;
    }
    if (list->injectedBy != handle) {
        return FWPS_PACKET_INJECTED_BY_OTHER;
    }
    *context = list->injectionContext;
    return FWPS_PACKET_INJECTED_BY_SELF;
}

void EngineSetInjectStatus(NTSTATUS status)
{
    InjectStatus = status;
}

/* --- flows and streams --- */

NTSTATUS FwpsFlowAssociateContext0(UINT64 flowId, UINT16 layerId, UINT32 calloutId, UINT64 context)
{
    FLOW_CONTEXT *made;
    NativeCheckCall("FwpsFlowAssociateContext0", DISPATCH_LEVEL);
    if (calloutId == 0 || !Callouts[calloutId - 1].live || context == 0) {
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
    pthread_mutex_lock(&Lock);
    made->next = FlowContexts;
    FlowContexts = made;
    Callouts[calloutId - 1].contexts++;
    pthread_mutex_unlock(&Lock);
    return STATUS_SUCCESS;
}

NTSTATUS FwpsFlowRemoveContext0(UINT64 flowId, UINT16 layerId, UINT32 calloutId)
{
    FLOW_CONTEXT **link, *found;
    (void)layerId;
    NativeCheckCall("FwpsFlowRemoveContext0", DISPATCH_LEVEL);
    pthread_mutex_lock(&Lock);
    for (link = &FlowContexts; *link != NULL && (*link)->flowHandle != flowId; link = &(*link)->next) {
    }
    found = *link;
    if (found != NULL) {
        *link = found->next;
    }
    pthread_mutex_unlock(&Lock);
    if (found == NULL) {
        return STATUS_UNSUCCESSFUL;
    }
    Callouts[calloutId - 1].callout.flowDeleteFn(found->layerId, found->calloutId, found->context);
    pthread_mutex_lock(&Lock);
    Callouts[calloutId - 1].contexts--;
    pthread_mutex_unlock(&Lock);
    free(found);
    return STATUS_SUCCESS;
}

static FLOW_CONTEXT *FindFlow(UINT64 flowHandle)
{
    FLOW_CONTEXT *context;
    pthread_mutex_lock(&Lock);
    for (context = FlowContexts; context != NULL && context->flowHandle != flowHandle; context = context->next) {
    }
    pthread_mutex_unlock(&Lock);
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
    REGISTERED *callout = Enter(layerId);
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
    SetAddress(&fields[FWPS_FIELD_ALE_FLOW_ESTABLISHED_V4_IP_LOCAL_ADDRESS].value, six, &local, 1);
    SetAddress(&fields[FWPS_FIELD_ALE_FLOW_ESTABLISHED_V4_IP_REMOTE_ADDRESS].value, six, &remote, 2);
    SetNumber(&fields[FWPS_FIELD_ALE_FLOW_ESTABLISHED_V4_IP_LOCAL_PORT].value, FWP_UINT16, 50000);
    SetNumber(&fields[FWPS_FIELD_ALE_FLOW_ESTABLISHED_V4_IP_REMOTE_PORT].value, FWP_UINT16, 443);
    SetNumber(&fields[FWPS_FIELD_ALE_FLOW_ESTABLISHED_V4_IP_PROTOCOL].value, FWP_UINT8, protocol);
    metadata.currentMetadataValues = FWPS_METADATA_FIELD_PROCESS_ID | FWPS_METADATA_FIELD_FLOW_HANDLE;
    metadata.processId = processId;
    metadata.flowHandle = flowHandle;
    callout->callout.classifyFn(&values, &metadata, NULL, NULL, &filter, 0, &out);
    if (out.actionType != FWP_ACTION_CONTINUE) {
        Violation("FLOW_ESTABLISHED was decided");
    }
    Leave(callout);
    context = FindFlow(flowHandle);
    return context == NULL ? 0 : context->context;
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
    Callouts[context->calloutId - 1].callout.classifyFn(&values, &metadata, &packet, NULL, &filter, context->context, &out);
    if (out.actionType != FWP_ACTION_CONTINUE || packet.streamAction != FWPS_STREAM_ACTION_NONE) {
        Violation("a stream segment must be continued, with an action set");
    }
    /* and what a careless engine might show */
    Callouts[context->calloutId - 1].callout.classifyFn(&values, &metadata, NULL, NULL, &filter, context->context, &out);
}

void EngineFlowEnds(UINT64 flowHandle)
{
    FLOW_CONTEXT *context = FindFlow(flowHandle);
    if (context != NULL) {
        FwpsFlowRemoveContext0(flowHandle, context->layerId, context->calloutId);
    }
}

/* --- redirect --- */

static _Thread_local FWPS_CONNECT_REQUEST0 *WritableRequest;
static _Thread_local ULONG RecordState;

NTSTATUS FwpsRedirectHandleCreate0(const GUID *provider, UINT32 flags, HANDLE *handle)
{
    (void)provider;
    NativeCheckCall("FwpsRedirectHandleCreate0", PASSIVE_LEVEL);
    if (flags != 0 || NativeFails("FwpsRedirectHandleCreate0")) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RedirectHandles++;
    *handle = &RedirectHandles;
    return STATUS_SUCCESS;
}

void FwpsRedirectHandleDestroy0(HANDLE handle)
{
    if (handle != &RedirectHandles) {
        Violation("wrong redirect handle destroyed");
    }
    RedirectHandles--;
}

FWPS_CONNECTION_REDIRECT_STATE FwpsQueryConnectionRedirectState0(HANDLE records, HANDLE handle, void **context)
{
    (void)context;
    if (records == NULL || handle != &RedirectHandles) {
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
    ClassifyHandles++;
    *handle = 77;
    return STATUS_SUCCESS;
}

void FwpsReleaseClassifyHandle0(UINT64 handle)
{
    if (handle != 77 || WritableRequest->previousVersion != NULL) {
        Violation("classify handle released before its data was applied");
    }
    ClassifyHandles--;
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
    if (handle != 77 || data != WritableRequest || flags != 1) {
        Violation("wrong layer data applied");
    }
    WritableRequest->previousVersion = NULL;
    Counts.applied++;
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
    ULONG before = Counts.applied;
    REGISTERED *callout = Enter(layerId);
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
    SetNumber(&fields[FWPS_FIELD_ALE_CONNECT_REDIRECT_V4_IP_PROTOCOL].value, FWP_UINT8, protocol);
    if (six) {
        memcpy(address.byteArray16, remote, 16);
        fields[FWPS_FIELD_ALE_CONNECT_REDIRECT_V6_IP_REMOTE_ADDRESS].value.type = FWP_BYTE_ARRAY16_TYPE;
        fields[FWPS_FIELD_ALE_CONNECT_REDIRECT_V6_IP_REMOTE_ADDRESS].value.byteArray16 = &address;
        ((SOCKADDR_IN6 *)&request->remoteAddressAndPort)->sin6_family = AF_INET6;
        memcpy(&((SOCKADDR_IN6 *)&request->remoteAddressAndPort)->sin6_addr, remote, 16);
    } else {
        SetNumber(&fields[FWPS_FIELD_ALE_CONNECT_REDIRECT_V4_IP_REMOTE_ADDRESS].value, FWP_UINT32,
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
    Leave(callout);
    if (request->localRedirectContext != NULL) {
        *original = *(SOCKADDR_STORAGE *)request->localRedirectContext;
        ExFreePoolWithTag(request->localRedirectContext, SALLYPORT_POOL_TAG); /* the engine's: it frees */
        request->localRedirectContext = NULL;
    }
    return Counts.applied != before;
}

/* --- the end --- */

ENGINE_COUNTS EngineCounts(void)
{
    ENGINE_COUNTS counts;
    pthread_mutex_lock(&Lock);
    counts = Counts;
    pthread_mutex_unlock(&Lock);
    return counts;
}

void EngineCheckEnd(void)
{
    PEND *pend;
    while ((pend = Pends) != NULL) {
        if (!pend->used) {
            Violation("an operation was pended and never completed");
        }
        Pends = pend->next;
        free(pend);
    }
    if (Counts.registered != 0 || Lists != 0 || InjectionHandles != 0 || Pools != 0 || RedirectHandles != 0 ||
        ClassifyHandles != 0 || Queue != NULL || FlowContexts != NULL) {
        Violation("left in the filter engine: %u callouts, %ld lists, %ld injection handles, %ld pools", Counts.registered, Lists,
                  InjectionHandles, Pools);
    }
    memset(&Counts, 0, sizeof(Counts));
    InjectStatus = STATUS_SUCCESS;
}
