/* What the stack does: it asks the callout, holds what is pended, asks again when it is completed, and lets packets through or not. */
#include "flow.h"

#define MAX_FLOWS 65536
#define REASON_POLICY_CHANGE 1u
#define REASON_CLASSIFY_COMPLETION 0x10u
#define MOST_BYTES 2048

static FLOW *Flows[MAX_FLOWS];
static LONG FlowCount;

/** What a classifyFn may leave behind, and what not. */
static void Check(const ASKING *asking, const FWPS_CLASSIFY_OUT0 *out, BOOLEAN taken, BOOLEAN initial)
{
    BOOLEAN had = (asking->rights & FWPS_RIGHT_ACTION_WRITE) != 0;
    BOOLEAN absorbed = (out->flags & FWPS_CLASSIFY_OUT_FLAG_ABSORB) != 0;
    if (!had && out->actionType == FWP_ACTION_PERMIT) Violation("a permit without FWPS_RIGHT_ACTION_WRITE");
    if (!had && (out->rights & FWPS_RIGHT_ACTION_WRITE)) Violation("FWPS_RIGHT_ACTION_WRITE given back");
    if (taken && (out->actionType != FWP_ACTION_BLOCK || !absorbed || (out->rights & FWPS_RIGHT_ACTION_WRITE)))
        Violation("pended, but not BLOCK with ABSORB and without FWPS_RIGHT_ACTION_WRITE");
    if (absorbed && out->actionType != FWP_ACTION_BLOCK) Violation("ABSORB without BLOCK");
    if (absorbed && initial && !taken) Violation("absorbed without pending: nobody will complete it");
    if (out->actionType == FWP_ACTION_PERMIT && (asking->filterFlags & FWPS_FILTER_FLAG_CLEAR_ACTION_RIGHT) &&
        (out->rights & FWPS_RIGHT_ACTION_WRITE))
        Violation("a permit that keeps the right although the filter clears it");
    if (out->reserved) Violation("FWPS_CLASSIFY_OUT0.reserved was written");
}

OUTCOME AskCallout(const CLASSIFICATION *one, const ASKING *asking, FWPS_CALLOUT_CLASSIFY_FN2 classify, UINT32 calloutId)
{
    FLOW *flow = one->flow;
    OUTCOME outcome = { FWP_ACTION_BLOCK, FALSE, FALSE };
    CALL *call = CallMake(flow, flow->layer, one->reason, one->completion);
    if (!call) {
        CalloutLeave(calloutId);
        return outcome;
    }
    if (asking->filterId) call->filter.filterId = asking->filterId;
    call->filter.flags = asking->filterFlags;
    call->filter.action.calloutId = calloutId;
    call->out.rights = asking->rights;
    InterlockedIncrement(&flow->asked);
    classify(&call->fixed, &call->metadata, one->list, NULL, &call->filter, 0, &call->out);
    CalloutLeave(calloutId);
    BOOLEAN taken = one->completion && OperationTaken(one->completion);
    Check(asking, &call->out, taken, one->completion != NULL);
    outcome.held = taken || (call->out.flags & FWPS_CLASSIFY_OUT_FLAG_ABSORB) != 0;
    outcome.action = call->out.actionType;
    outcome.right = (call->out.rights & FWPS_RIGHT_ACTION_WRITE) != 0;
    CallEnd(call);
    return outcome;
}

/** One classify of the flow's layer. Answers the action, or BLOCK with `*held` when the operation was pended or is still. */
static FWP_ACTION_TYPE Classify(FLOW *flow, UINT32 reason, NET_BUFFER_LIST *list, HANDLE completion, BOOLEAN *held)
{
    CLASSIFICATION one = { flow, reason, list, completion };
    OUTCOME outcome;
    if (!Arbitrate(&one, &outcome)) {
        UINT32 calloutId = 0;
        FWPS_CALLOUT_CLASSIFY_FN2 classify = CalloutFor(flow->layer, &calloutId);
        ASKING asking = { 0, (UINT16)flow->play.filterFlags, flow->play.rights };
        *held = FALSE;
        if (!classify) /* the filter's flag decides for a callout that is not there */
            return flow->play.filterFlags & FWPS_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED ? FWP_ACTION_PERMIT : FWP_ACTION_BLOCK;
        outcome = AskCallout(&one, &asking, classify, calloutId);
    }
    *held = outcome.held;
    if (!outcome.held && !outcome.right) InterlockedIncrement(&flow->hard);
    if (reason) InterlockedIncrement(&flow->reauthorized);
    return outcome.action;
}

static void Settle(FLOW *flow, FWP_ACTION_TYPE action)
{
    if (flow->state != LAB_CLOSED) InterlockedExchange(&flow->state, action == FWP_ACTION_BLOCK ? LAB_BLOCKED : LAB_PERMITTED);
}

/** The packet as it is on the wire: headers of the inbound case, transport header of the outbound one, then a pattern. */
static ULONG PacketOf(const FLOW *flow, UCHAR *bytes, ULONG *offset)
{
    const LAB_PLAY *play = &flow->play;
    ULONG ip = IsConnect(flow) ? 0 : play->family == 4 ? 20 : 40, transport = play->protocol == IPPROTO_TCP ? 20 : 8;
    ULONG size = ip + transport + play->payloadBytes;
    RtlZeroMemory(bytes, ip + transport);
    if (ip) {
        ULONG width = play->family == 4 ? 4 : 16, at = play->family == 4 ? 12 : 8;
        bytes[0] = play->family == 4 ? 0x45 : 0x60;
        bytes[play->family == 4 ? 9 : 6] = (UCHAR)play->protocol;
        RtlCopyMemory(bytes + at, play->remote, width);
        RtlCopyMemory(bytes + at + width, play->local, width);
    }
    UINT16 source = ip ? play->remotePort : play->localPort, target = ip ? play->localPort : play->remotePort;
    bytes[ip] = source >> 8, bytes[ip + 1] = (UCHAR)source, bytes[ip + 2] = target >> 8, bytes[ip + 3] = (UCHAR)target;
    for (ULONG i = ip + transport; i < size; i++) bytes[i] = (UCHAR)(i * 7 + flow->endpoint);
    *offset = ip ? ip + transport : 0;
    return size;
}

static NTSTATUS Start(FLOW *flow)
{
    UCHAR *bytes = NULL;
    NET_BUFFER_LIST *list = NULL;
    BOOLEAN held;
    if (flow->play.action != LAB_CONNECT) {
        ULONG offset, size;
        bytes = Allocate(MOST_BYTES);
        if (!bytes) return STATUS_INSUFFICIENT_RESOURCES;
        size = PacketOf(flow, bytes, &offset);
        list = ListFromBytes(bytes, size, offset);
        Free(bytes);
        if (!list) return STATUS_INSUFFICIENT_RESOURCES;
    }
    if (IsConnect(flow)) RedirectFlow(flow);
    HANDLE completion = OperationOffer(flow);
    /* Before asking: an answer may come before classify has returned. */
    flow->state = LAB_HELD;
    FWP_ACTION_TYPE action = Classify(flow, 0, list, completion, &held);
    if (!held) {
        Settle(flow, action);
        if (list && action != FWP_ACTION_BLOCK) InterlockedIncrement(&flow->delivered);
    }
    /* The stack drops what it showed: a pended packet lives on as the callout's copy only. */
    if (list) ListFree(list);
    return STATUS_SUCCESS;
}

static void Reauthorize(FLOW *flow)
{
    BOOLEAN held;
    FWP_ACTION_TYPE action;
    if (flow->state == LAB_CLOSED) return;
    action = Classify(flow, REASON_POLICY_CHANGE, NULL, NULL, &held);
    if (!held) Settle(flow, action);
}

static void Close(FLOW *flow)
{
    UINT32 calloutId;
    UINT16 layer = flow->play.family == 4 ? 64 : 65;
    FWPS_CALLOUT_CLASSIFY_FN2 classify = FilterNames(layer) ? CalloutFor(layer, &calloutId) : NULL;
    InterlockedExchange(&flow->state, LAB_CLOSED);
    ContextsEnd(flow);
    RedirectForget(flow);
    if (!classify) return;
    CALL *call = CallMake(flow, layer, 0, NULL);
    if (call) {
        call->filter.action.type = FWP_ACTION_CALLOUT_INSPECTION;
        classify(&call->fixed, &call->metadata, NULL, NULL, &call->filter, 0, &call->out);
        if (call->out.actionType != FWP_ACTION_CONTINUE) Violation("an endpoint closure that was decided");
        CallEnd(call);
    }
    CalloutLeave(calloutId);
}

/** The handshake is done: the flow has a handle from now on, and callouts that watch for it are told. */
static NTSTATUS Establish(FLOW *flow)
{
    UINT32 calloutId;
    UINT16 layer = flow->play.family == 4 ? 52 : 54;
    if (flow->state != LAB_PERMITTED || flow->established) return STATUS_INVALID_DEVICE_STATE;
    flow->established = TRUE;
    FWPS_CALLOUT_CLASSIFY_FN2 classify = CalloutFor(layer, &calloutId);
    CALL *call = classify ? CallMake(flow, layer, 0, NULL) : NULL;
    if (call) {
        call->filter.action.type = FWP_ACTION_CALLOUT_INSPECTION;
        classify(&call->fixed, &call->metadata, NULL, NULL, &call->filter, 0, &call->out);
        if (call->out.actionType != FWP_ACTION_CONTINUE) Violation("an established flow that was decided");
        CallEnd(call);
    }
    if (classify) CalloutLeave(calloutId);
    return STATUS_SUCCESS;
}

static void Begin(void *flow) { (void)Start(flow); }

/** Another step of a flow that is there already. */
static NTSTATUS Continue(UINT32 action, UINT64 endpoint)
{
    FLOW *flow = FlowAt(endpoint);
    if (!flow) return STATUS_NOT_FOUND;
    if (action == LAB_ESTABLISH) return Establish(flow);
    if (action == LAB_CLOSE) Close(flow);
    else Reauthorize(flow);
    return STATUS_SUCCESS;
}

FLOW *FlowAt(UINT64 endpoint) { return endpoint && endpoint <= (UINT64)FlowCount ? Flows[endpoint - 1] : NULL; }

NTSTATUS Play(const LAB_PLAY *play, LAB_FLOWS *flows)
{
    UINT32 count = play->count ? play->count : 1;
    if ((play->family != 4 && play->family != 6) || play->payloadBytes > MOST_BYTES - 80) return STATUS_INVALID_PARAMETER;
    flows->endpoint = play->endpoint ? play->endpoint : (UINT64)FlowCount + 1;
    flows->count = count;
    for (UINT32 i = 0; i < count; i++) {
        if (play->action >= LAB_REAUTHORIZE) {
            NTSTATUS status = Continue(play->action, play->endpoint + i);
            if (!NT_SUCCESS(status)) return status;
            continue;
        }
        FLOW *flow = FlowCount < MAX_FLOWS ? Allocate(sizeof *flow) : NULL;
        if (!flow) return STATUS_INSUFFICIENT_RESOURCES;
        flow->play = *play;
        flow->play.remotePort = (UINT16)(play->remotePort + i);
        flow->endpoint = (UINT64)FlowCount + 1;
        flow->layer = (play->action == LAB_ACCEPT ? 44 : 48) + (play->family == 4 ? 0 : 2);
        Flows[FlowCount++] = flow;
        NTSTATUS status = play->trouble & LAB_STALL ? RunApart(Begin, flow) : Start(flow);
        if (!NT_SUCCESS(status)) return status;
    }
    Query(flows);
    return STATUS_SUCCESS;
}

void Query(LAB_FLOWS *flows)
{
    UINT64 first = flows->endpoint;
    UINT32 count = flows->count;
    RtlZeroMemory(flows, sizeof *flows);
    flows->endpoint = first;
    flows->count = count;
    for (UINT64 at = first; at && at < first + count && at <= (UINT64)FlowCount; at++) {
        const FLOW *flow = Flows[at - 1];
        flows->held += flow->state == LAB_HELD;
        flows->permitted += flow->state == LAB_PERMITTED;
        flows->blocked += flow->state == LAB_BLOCKED;
        flows->closed += flow->state == LAB_CLOSED;
        flows->reauthorized += flow->reauthorized;
        flows->delivered += flow->delivered;
        flows->hard += flow->hard;
        flows->payloadMismatch += flow->mismatch;
        flows->redirected += flow->records.times;
        flows->asked += flow->asked;
    }
}

/** At CONNECT a completion authorises again at once, in the same call; at RECV_ACCEPT nothing more is asked. */
void FlowCompleted(FLOW *flow)
{
    BOOLEAN held;
    if (flow->state == LAB_CLOSED) return;
    if (!IsConnect(flow)) {
        Settle(flow, FWP_ACTION_BLOCK);
        return;
    }
    FWP_ACTION_TYPE action = Classify(flow, REASON_CLASSIFY_COMPLETION, NULL, NULL, &held);
    if (held) Violation("a completion whose own reauthorization is absorbed: the connection hangs");
    Settle(flow, action);
}

/** The flow that an inbound packet belongs to, by the addresses and ports in its headers. */
static FLOW *FlowOfPacket(const UCHAR *bytes, ULONG size)
{
    ULONG four = bytes[0] >> 4 == 4, ip = four ? (bytes[0] & 15) * 4u : 40, width = four ? 4 : 16, at = four ? 12 : 8;
    if (size < ip + 4) return NULL;
    for (LONG i = FlowCount; i-- > 0;) {
        FLOW *flow = Flows[i];
        if (IsConnect(flow) || (flow->play.family == 4) != four) continue;
        if (SameBytes(bytes + at, flow->play.remote, width) && (bytes[ip] << 8 | bytes[ip + 1]) == flow->play.remotePort &&
            (bytes[ip + 2] << 8 | bytes[ip + 3]) == flow->play.localPort)
            return flow;
    }
    return NULL;
}

/** What a packet is sent with must be what the program gave: its destination, and its choice of source and interface. */
static void CheckSent(const FLOW *flow, const FWPS_TRANSPORT_SEND_PARAMS0 *parameters)
{
    UCHAR control[CONTROL_BYTES];
    if (!parameters->remoteAddress || !SameBytes(parameters->remoteAddress, flow->play.remote, flow->play.family == 4 ? 4 : 16))
        Violation("FwpsInjectTransportSendAsync0 to another address");
    WriteControl(flow, control);
    if (!parameters->controlData || parameters->controlDataLength != sizeof control || !SameBytes(parameters->controlData, control, sizeof control))
        Violation("FwpsInjectTransportSendAsync0 without the control data of the socket");
}

BOOLEAN FlowInjected(UINT64 endpoint, const FWPS_TRANSPORT_SEND_PARAMS0 *parameters, NET_BUFFER_LIST *list)
{
    UCHAR *bytes = Allocate(MOST_BYTES), *sent = Allocate(MOST_BYTES);
    BOOLEAN held, went = FALSE, send = parameters != NULL;
    ULONG offset, size = bytes && sent ? ListCopy(list, bytes, MOST_BYTES) : 0;
    FLOW *flow = !size ? NULL : !send ? FlowOfPacket(bytes, size) : endpoint && endpoint <= (UINT64)FlowCount ? Flows[endpoint - 1] : NULL;
    if (!flow) Violation("an injected packet of no flow");
    else if (flow->state != LAB_CLOSED) { /* the handle of a closed endpoint is void: the packet fails */
        if (send) CheckSent(flow, parameters);
        ULONG expected = PacketOf(flow, sent, &offset);
        /* Bytes 10 and 11 of an IPv4 header are its checksum, which the driver must have computed. */
        if (!send && flow->play.family == 4) sent[10] = bytes[10], sent[11] = bytes[11];
        if (expected != size || !SameBytes(sent, bytes, size)) InterlockedIncrement(&flow->mismatch);
        if (!send) {
            /* The callout sees the data behind the transport header, as at the first time. */
            NdisAdvanceNetBufferDataStart(NET_BUFFER_LIST_FIRST_NB(list), offset, FALSE, NULL);
        }
        went = Classify(flow, 0, list, NULL, &held) == FWP_ACTION_PERMIT && !held;
        if (!send) NdisRetreatNetBufferDataStart(NET_BUFFER_LIST_FIRST_NB(list), offset, 0, NULL);
        if (went) {
            InterlockedIncrement(&flow->delivered);
            if (!send) Settle(flow, FWP_ACTION_PERMIT);
            if (send && flow->state == LAB_BLOCKED) Violation("a packet sent for a blocked request");
        } else {
            Violation("an own injected packet was not permitted");
        }
    }
    Free(bytes);
    Free(sent);
    return went;
}

void FlowsFree(void)
{
    while (FlowCount > 0) {
        FLOW *flow = Flows[--FlowCount];
        RedirectForget(flow);
        Free(flow);
    }
}
