/*
 * ALE_CONNECT_REDIRECT: redirect handles, classify handles and the writable copy of a connect request. Rules as in
 * https://learn.microsoft.com/windows-hardware/drivers/network/using-bind-or-connect-redirection and on the functions' pages.
 * Every classify is kept until the end, so that a handle used after its classify is seen.
 */
#include "flow.h"

#define MAX_HANDLES 256
#define INLINE_FLAG 1u /* FWPS_CLASSIFY_FLAG_REAUTHORIZE_IF_MODIFIED_BY_OTHERS */
#define CANARY 0x5341564552595745ull

struct REDIRECT_HANDLE {
    BOOLEAN alive;
};

/** What the callout gets to write: a copy with bytes behind it that are not its own. */
typedef struct WRITABLE {
    FWPS_CONNECT_REQUEST0 request;
    UINT64 canary;
} WRITABLE;

typedef struct CLASSIFY {
    struct CLASSIFY *next;
    FLOW *flow;
    CALL *call; /* NULL once it has returned */
    FWPS_CONNECT_REQUEST0 request, before;
    WRITABLE *writable;   /* between acquire and apply */
    WRITABLE *handedBack; /* after apply, as it was then */
    FWPS_CONNECT_REQUEST0 applied;
    LONG handles;
    BOOLEAN changed;
} CLASSIFY;

static REDIRECT_HANDLE Handles[MAX_HANDLES];
static LONG HandleCount;
static CLASSIFY *All;
static FWPS_CONNECT_REQUEST0 OthersVersion;

NTSTATUS NTAPI FwpsRedirectHandleCreate0(const GUID *provider, UINT32 flags, HANDLE *out)
{
    if (!provider || flags || !out) {
        Violation("FwpsRedirectHandleCreate0 without provider or with flags");
        return STATUS_INVALID_PARAMETER;
    }
    LONG index = InterlockedIncrement(&HandleCount) - 1;
    if (index >= MAX_HANDLES) return STATUS_INSUFFICIENT_RESOURCES;
    Handles[index].alive = TRUE;
    *out = &Handles[index];
    InterlockedIncrement((LONG *)&Counters.redirectHandles);
    return STATUS_SUCCESS;
}

static REDIRECT_HANDLE *HandleOf(HANDLE handle)
{
    REDIRECT_HANDLE *object = handle;
    return object >= Handles && object < Handles + MAX_HANDLES && object->alive ? object : NULL;
}

void NTAPI FwpsRedirectHandleDestroy0(HANDLE handle)
{
    REDIRECT_HANDLE *object = HandleOf(handle);
    if (!object) {
        Violation("FwpsRedirectHandleDestroy0 of no handle");
        return;
    }
    for (CLASSIFY *at = All; at; at = at->next)
        if (at->call) Violation("FwpsRedirectHandleDestroy0 while a classify runs that may use it");
    object->alive = FALSE;
    InterlockedDecrement((LONG *)&Counters.redirectHandles);
}

FWPS_CONNECTION_REDIRECT_STATE NTAPI FwpsQueryConnectionRedirectState0(HANDLE records, HANDLE handle, void **context)
{
    const RECORDS *found = records;
    REDIRECT_HANDLE *object = HandleOf(handle);
    if (!object) Violation("FwpsQueryConnectionRedirectState0 with no redirect handle");
    if (!found || found->magic != RECORDS_MAGIC) {
        Violation("FwpsQueryConnectionRedirectState0 with records that the metadata did not have");
        return FWPS_CONNECTION_NOT_REDIRECTED;
    }
    if (!found->by) return FWPS_CONNECTION_REDIRECTED_BY_OTHER;
    if (found->by != object) return FWPS_CONNECTION_REDIRECTED_BY_OTHER;
    if (context) *context = found->context;
    return found->changedByOther ? FWPS_CONNECTION_PREVIOUSLY_REDIRECTED_BY_SELF : FWPS_CONNECTION_REDIRECTED_BY_SELF;
}

static CLASSIFY *Find(const void *classify)
{
    KIRQL irql;
    CLASSIFY *at;
    LabLock(&irql);
    for (at = All; at && at != classify; at = at->next) {}
    LabUnlock(irql);
    return at;
}

NTSTATUS NTAPI FwpsAcquireClassifyHandle0(void *classifyContext, UINT32 flags, UINT64 *handle)
{
    CLASSIFY *classify = Find(classifyContext);
    if (!classify || !classify->call || flags || !handle) {
        Violation("FwpsAcquireClassifyHandle0 without the context of a running classify, or with flags");
        return STATUS_INVALID_PARAMETER;
    }
    if (InterlockedIncrement(&classify->handles) > 1) Violation("FwpsAcquireClassifyHandle0 twice in one classify");
    InterlockedIncrement((LONG *)&Counters.classifyHandles);
    *handle = (UINT64)(ULONG_PTR)classify;
    return STATUS_SUCCESS;
}

/** The classify whose handle is acquired now; otherwise the caller has broken a rule. */
static CLASSIFY *Acquired(UINT64 handle, const char *rule)
{
    CLASSIFY *classify = Find((void *)(ULONG_PTR)handle);
    if (classify && classify->handles > 0) return classify;
    Violation(rule);
    return NULL;
}

void NTAPI FwpsReleaseClassifyHandle0(UINT64 handle)
{
    CLASSIFY *classify = Acquired(handle, "FwpsReleaseClassifyHandle0 of a handle that is not acquired");
    if (!classify) return;
    if (classify->writable) Violation("a classify handle released before the writable data was applied");
    InterlockedDecrement(&classify->handles);
    InterlockedDecrement((LONG *)&Counters.classifyHandles);
}

NTSTATUS NTAPI FwpsAcquireWritableLayerDataPointer0(UINT64 handle, UINT64 filterId, UINT32 flags, PVOID *data, FWPS_CLASSIFY_OUT0 *out)
{
    CLASSIFY *classify = Acquired(handle, "FwpsAcquireWritableLayerDataPointer0 without a classify handle");
    if (!classify || !data) return STATUS_INVALID_PARAMETER;
    if (!classify->call || out != &classify->call->out) Violation("FwpsAcquireWritableLayerDataPointer0 with another classifyOut");
    else if (filterId != classify->call->filter.filterId) Violation("FwpsAcquireWritableLayerDataPointer0 with another filter's id");
    if (flags) Violation("FwpsAcquireWritableLayerDataPointer0 with flags: they are reserved");
    if (classify->writable || classify->handedBack) {
        Violation("FwpsAcquireWritableLayerDataPointer0 twice in one classify");
        return STATUS_INVALID_PARAMETER;
    }
    if (classify->flow->play.trouble & LAB_STALL) StallHere();
    WRITABLE *writable = Allocate(sizeof *writable);
    if (!writable) return STATUS_INSUFFICIENT_RESOURCES;
    writable->request = classify->request;
    writable->canary = CANARY;
    classify->writable = writable;
    *data = &writable->request;
    /* Documented: from now on the connection is blocked and nobody else may say otherwise until the callout does. */
    out->actionType = FWP_ACTION_BLOCK;
    out->rights &= ~(UINT32)FWPS_RIGHT_ACTION_WRITE;
    return STATUS_SUCCESS;
}

/** The parts of a request that a callout at this layer may not touch, and what a redirection to this machine needs. */
static void CheckRequest(const CLASSIFY *classify, const FWPS_CONNECT_REQUEST0 *request)
{
    const FWPS_CONNECT_REQUEST0 *before = &classify->before;
    UINT32 family = classify->flow->play.family;
    const UCHAR *address = family == 4 ? (const UCHAR *)&((const SOCKADDR_IN *)&request->remoteAddressAndPort)->sin_addr
                                       : (const UCHAR *)&((const SOCKADDR_IN6 *)&request->remoteAddressAndPort)->sin6_addr;
    UINT16 port = ((const SOCKADDR_IN *)&request->remoteAddressAndPort)->sin_port;
    static const UCHAR loopback[16] = { [15] = 1 };
    BOOLEAN local = family == 4 ? address[0] == 127 : SameBytes(address, loopback, 16);
    if (!SameBytes(&request->localAddressAndPort, &before->localAddressAndPort, sizeof before->localAddressAndPort))
        Violation("the local address was changed: that is for ALE_BIND_REDIRECT");
    if (request->remoteAddressAndPort.ss_family != before->remoteAddressAndPort.ss_family) Violation("the address family was changed");
    if (!port) Violation("redirected to port 0");
    if (request->previousVersion != before->previousVersion || request->modifierFilterId != before->modifierFilterId)
        Violation("previousVersion or modifierFilterId were changed: they are the engine's");
    if (local && (!request->localRedirectTargetPID || !HandleOf(request->localRedirectHandle)))
        Violation("redirected to loopback without localRedirectTargetPID or a live localRedirectHandle");
    if (!request->localRedirectContext != !request->localRedirectContextSize) Violation("a redirect context without size, or the reverse");
    if (request->localRedirectContext && PoolSize(request->localRedirectContext) < request->localRedirectContextSize)
        Violation("a redirect context that is no pool block of this size: the engine is to free it");
}

void NTAPI FwpsApplyModifiedLayerData0(UINT64 handle, PVOID data, UINT32 flags)
{
    CLASSIFY *classify = Acquired(handle, "FwpsApplyModifiedLayerData0 without a classify handle");
    if (!classify) return;
    if (!classify->writable || data != &classify->writable->request) {
        Violation("FwpsApplyModifiedLayerData0 of data that was not acquired, or was applied before");
        return;
    }
    if (flags & ~INLINE_FLAG) Violation("FwpsApplyModifiedLayerData0 with unknown flags");
    if (flags & INLINE_FLAG) InterlockedIncrement((LONG *)&Counters.inlineReauthorize);
    if (classify->writable->canary != CANARY) Violation("bytes written past the end of the layer data");
    CheckRequest(classify, &classify->writable->request);
    classify->changed = !SameBytes(&classify->before, &classify->writable->request, sizeof classify->before);
    classify->applied = classify->writable->request;
    classify->handedBack = classify->writable;
    classify->writable = NULL;
}

static CLASSIFY *Begin(FLOW *flow, CALL *call)
{
    KIRQL irql;
    CLASSIFY *classify = Allocate(sizeof *classify);
    const LAB_PLAY *play = &flow->play;
    BOOLEAN moved = flow->records.magic && !flow->records.by;
    if (!classify) return NULL;
    classify->flow = flow;
    classify->call = call;
    WriteSocketAddress(&classify->request.localAddressAndPort, play->family, play->local, play->localPort);
    WriteSocketAddress(&classify->request.remoteAddressAndPort, play->family, play->remote, play->remotePort);
    if (moved || flow->records.changedByOther) { /* another driver has changed it: its version stands behind ours */
        OthersVersion = classify->request;
        classify->request.previousVersion = &OthersVersion;
        classify->request.modifierFilterId = 0xbeef;
    }
    classify->before = classify->request;
    LabLock(&irql);
    classify->next = All;
    All = classify;
    LabUnlock(irql);
    return classify;
}

static void Take(FLOW *flow, const FWPS_CONNECT_REQUEST0 *request)
{
    RECORDS *records = &flow->records;
    const SOCKADDR_STORAGE *remote = &request->remoteAddressAndPort;
    const UCHAR *address = flow->play.family == 4 ? (const UCHAR *)&((const SOCKADDR_IN *)remote)->sin_addr
                                                  : (const UCHAR *)&((const SOCKADDR_IN6 *)remote)->sin6_addr;
    UINT16 port = ((const SOCKADDR_IN *)remote)->sin_port;
    PoolRelease(records->context);
    records->magic = RECORDS_MAGIC;
    records->by = HandleOf(request->localRedirectHandle);
    records->times++;
    records->targetProcessId = request->localRedirectTargetPID;
    records->context = request->localRedirectContext;
    records->contextBytes = request->localRedirectContextSize;
    RtlCopyMemory(records->remote, address, flow->play.family == 4 ? 4 : 16);
    records->remotePort = (UINT16)(port << 8 | port >> 8);
}

static void End(CLASSIFY *classify, const FWPS_CLASSIFY_OUT0 *out, BOOLEAN had)
{
    if (classify->handles) Violation("a classify handle that was not released: nothing was pended");
    if (classify->writable) Violation("writable layer data that was not applied");
    if (!SameBytes(&classify->before, &classify->request, sizeof classify->before)) Violation("layer data written without acquiring it");
    if (classify->handedBack && !SameBytes(&classify->handedBack->request, &classify->applied, sizeof classify->applied))
        Violation("layer data written after it was applied");
    if (!had && classify->handedBack) Violation("redirected without FWPS_RIGHT_ACTION_WRITE");
    if (classify->handedBack && out->actionType == FWP_ACTION_BLOCK) Violation("left BLOCK, as acquiring the layer data had set it");
    if (classify->changed) Take(classify->flow, &classify->applied);
    Free(classify->writable);
    Free(classify->handedBack);
    classify->writable = classify->handedBack = NULL;
    classify->call = NULL;
}

static void Ask(FLOW *flow, const RECORDS *records)
{
    UINT32 calloutId = 0;
    UINT16 layer = flow->play.family == 4 ? 66 : 67;
    FWPS_CALLOUT_CLASSIFY_FN2 function = CalloutFor(layer, &calloutId);
    CALL *call = function ? CallMake(flow, layer, 0, NULL) : NULL;
    CLASSIFY *classify = call ? Begin(flow, call) : NULL;
    if (classify) {
        if (records) {
            call->metadata.currentMetadataValues |= FWPS_METADATA_FIELD_REDIRECT_RECORD_HANDLE;
            call->metadata.redirectRecords = (HANDLE)records;
        }
        call->filter.action.calloutId = calloutId;
        function(&call->fixed, &call->metadata, &classify->request, classify, &call->filter, 0, &call->out);
        End(classify, &call->out, (flow->play.rights & FWPS_RIGHT_ACTION_WRITE) != 0);
    }
    if (call) CallEnd(call);
    if (function) CalloutLeave(calloutId);
}

void RedirectFlow(FLOW *flow)
{
    FLOW *accepted = flow->play.records ? FlowAt(flow->play.records) : NULL;
    if (flow->play.trouble & LAB_OTHER_BEFORE) flow->records.magic = RECORDS_MAGIC;
    Ask(flow, accepted && accepted->records.magic ? &accepted->records : flow->records.magic ? &flow->records : NULL);
    if (flow->records.times && (flow->play.trouble & LAB_OTHER_AFTER)) {
        flow->records.changedByOther = TRUE;
        Ask(flow, &flow->records);
    }
}

void RedirectTell(LAB_REDIRECT *answer)
{
    const FLOW *flow = FlowAt(answer->endpoint);
    if (!flow) return;
    const RECORDS *records = &flow->records;
    ULONG bytes = records->contextBytes < sizeof answer->context ? (ULONG)records->contextBytes : sizeof answer->context;
    answer->times = records->times;
    answer->targetProcessId = records->targetProcessId;
    answer->contextBytes = bytes;
    answer->port = records->remotePort;
    RtlCopyMemory(answer->address, records->remote, sizeof answer->address);
    if (bytes) RtlCopyMemory(answer->context, records->context, bytes);
}

/** The engine owns the context: it goes with the connection. */
void RedirectForget(FLOW *flow)
{
    PoolRelease(flow->records.context);
    flow->records.context = NULL;
    flow->records.contextBytes = 0;
}

void RedirectFree(void)
{
    while (All) {
        CLASSIFY *next = All->next;
        Free(All);
        All = next;
    }
}
