#include "hold.h"

#include "pool.h"
#include "statistics.h"
#include "table.h"
#include "verdict.h"
#include "watchdog.h"

#define MS_100NS 10000ull

static VOID Write(_Inout_ FWPS_CLASSIFY_OUT0 *out, _In_ const FWPS_FILTER2 *filter, UCHAR verdict, BOOLEAN hard)
{
    if (verdict == SALLYPORT_VERDICT_PERMIT) {
        VerdictPermit(out, filter, hard);
    } else {
        VerdictBlock(out);
    }
}

_Use_decl_annotations_ VOID HoldDecide(const ATTEMPT *attempt, const FWPS_FILTER2 *filter, UCHAR verdict, UCHAR reason,
                                       FWPS_CLASSIFY_OUT0 *out)
{
    CLIENT_COUNTS clients = ClientsCount();
    verdict = PolicyVerdict(verdict, filter->flags);
    COUNT(decided[reason]);
    Write(out, filter, verdict, FALSE);
    if (clients.decider || clients.observers != 0) {
        ClientsPost(EventDecided(attempt, verdict, reason));
    }
}

/* A verdict for a flow that was answered a moment ago. */
static VOID Repeat(_In_ const FWPS_FILTER2 *filter, _In_ const TABLE_ANSWER *answer, _Inout_ FWPS_CLASSIFY_OUT0 *out)
{
    COUNT(reauthorized);
    Write(out, filter, answer->verdict, answer->hard);
}

static UCHAR ClosedVerdict(_In_ const SALLYPORT_POLICY *policy, UCHAR reason)
{
    return reason == SALLYPORT_REASON_NO_DECIDER ? policy->onDetach : SALLYPORT_VERDICT_BLOCK;
}

/* The request with its packets, or the reason why there is none. */
static REQUEST *Prepare(_In_ const ATTEMPT *attempt, _In_ const SALLYPORT_POLICY *policy, _Out_ UCHAR *reason)
{
    UINT64 now = KeQueryInterruptTime();
    REQUEST *request = RequestCreate(attempt);
    NTSTATUS status;

    *reason = SALLYPORT_REASON_NO_MEMORY;
    if (request == NULL) {
        return NULL;
    }
    status = PacketCopy(attempt, &request->packets, &request->packetCount, &request->packetBytes);
    if (!NT_SUCCESS(status)) {
        *reason = status == STATUS_INVALID_BUFFER_SIZE ? SALLYPORT_REASON_OVERFLOW : SALLYPORT_REASON_NO_MEMORY;
        RequestRelease(request);
        return NULL;
    }
    request->pendedAt = now;
    request->deadline = now + policy->deadlineMs * MS_100NS;
    request->rememberFor = policy->rememberMs * MS_100NS;
    request->onTimeout = PolicyVerdict(policy->onTimeout, attempt->filterFlags);
    return request;
}

/* The request is in the table, where other packets may join it already: `packetBytes` is what it began with. */
static VOID Pend(_In_ REQUEST *request, ULONG packetBytes, _In_ const ATTEMPT *attempt, _In_ const FWPS_FILTER2 *filter,
                 _In_ const SALLYPORT_POLICY *policy, _In_opt_ CLIENT *reservation, _Inout_ FWPS_CLASSIFY_OUT0 *out)
{
    HANDLE completionContext = NULL;
    EVENT *event = EventPended(attempt, request->id, policy->deadlineMs, packetBytes);
    if (event == NULL) {
        ClientsCancelReservation(reservation);
        TableAbandon(request);
        HoldDecide(attempt, filter, policy->onOverflow, SALLYPORT_REASON_NO_MEMORY, out);
        return;
    }
    if (!NT_SUCCESS(FwpsPendOperation0(attempt->completionHandle, &completionContext))) {
        ClientsCancelReservation(reservation);
        EventRelease(event);
        TableAbandon(request);
        /* Nobody will complete it: absorbing now would hang the application. */
        HoldDecide(attempt, filter, policy->onOverflow, SALLYPORT_REASON_CANNOT_PEND, out);
        return;
    }
    VerdictAbsorb(out);
    COUNT(pended);
    TableAnnounce(request, event, reservation);
    if (TablePended(request, completionContext)) {
        WatchdogWake(); /* completing it here would reauthorize inside its own classify */
    }
    ClientsPump();
}

_Use_decl_annotations_ VOID HoldAttempt(const ATTEMPT *attempt, const FWPS_FILTER2 *filter, const SALLYPORT_POLICY *policy,
                                        FWPS_CLASSIFY_OUT0 *out)
{
    TABLE_ANSWER answer;
    CLIENT *reservation;
    ULONG packetBytes;
    UCHAR reason;
    REQUEST *request = Prepare(attempt, policy, &reason);

    if (request == NULL) {
        HoldDecide(attempt, filter, policy->onOverflow, reason, out);
        return;
    }
    packetBytes = request->packetBytes;
    reservation = ClientsReserve();
    switch (reservation == NULL && ClientsCount().decider ? TABLE_INSERTED_FULL : TableInsert(request, policy, &answer)) {
    case TABLE_INSERTED_NEW:
        Pend(request, packetBytes, attempt, filter, policy, reservation, out);
        reservation = NULL;
        break;
    case TABLE_INSERTED_JOINED:
        VerdictAbsorb(out);
        break;
    case TABLE_INSERTED_ANSWERED:
        Repeat(filter, &answer, out);
        break;
    case TABLE_INSERTED_FULL:
        HoldDecide(attempt, filter, policy->onOverflow, SALLYPORT_REASON_OVERFLOW, out);
        break;
    case TABLE_INSERTED_CLOSED:
        HoldDecide(attempt, filter, ClosedVerdict(policy, answer.reason), answer.reason, out);
        break;
    }
    ClientsCancelReservation(reservation);
    RequestRelease(request);
}

/* --- completing --- */

static VOID Report(_In_ const REQUEST *request, ULONG injected, ULONG dropped, NTSTATUS injectStatus)
{
    SALLYPORT_COMPLETED_EVENT completed;
    RtlZeroMemory(&completed, sizeof(completed));
    completed.requestId = request->id;
    completed.waitedMs = (SP_U32)((request->decidedAt - request->pendedAt) / MS_100NS);
    completed.verdict = request->verdict;
    completed.reason = request->reason;
    completed.packetsInjected = (SP_U16)injected;
    completed.packetsDropped = (SP_U16)(dropped > 0xFFFF ? 0xFFFF : dropped);
    completed.injectStatus = (SP_U32)injectStatus;
    ClientsPost(EventCompleted(&completed));
}

/* The request was claimed: nobody else has its context and its packets. */
static VOID Complete(_In_ REQUEST *request)
{
    BOOLEAN permit = request->verdict == SALLYPORT_VERDICT_PERMIT;
    NTSTATUS status, injectStatus = STATUS_SUCCESS;
    ULONG injected = 0, dropped = request->packetsDropped;
    HANDLE context = request->completionContext;
    INJECTION *first = NULL;

    request->completionContext = NULL;
    if (permit && request->key.kind == LAYER_RECV_ACCEPT && !IsListEmpty(&request->packets)) {
        /* The stack wants the first packet with the completion; it is injected afterwards. */
        PACKET *packet = CONTAINING_RECORD(RemoveHeadList(&request->packets), PACKET, link);
        status = PacketPrepare(packet, &request->route, request->hard, &first);
        if (!NT_SUCCESS(status)) {
            injectStatus = status;
            dropped++;
        }
    }
    /* At CONNECT the reauthorization runs in here and finds the verdict in the table: no lock is held. */
    FwpsCompleteOperation0(context, first == NULL ? NULL : PacketList(first));
    if (first != NULL) {
        status = PacketInject(first);
        if (NT_SUCCESS(status)) {
            injected++;
        } else {
            injectStatus = status;
            dropped++;
        }
    }
    while (permit && !IsListEmpty(&request->packets)) {
        PACKET *packet = CONTAINING_RECORD(RemoveHeadList(&request->packets), PACKET, link);
        INJECTION *injection;
        status = PacketPrepare(packet, &request->route, request->hard, &injection);
        if (NT_SUCCESS(status)) {
            status = PacketInject(injection);
        }
        if (NT_SUCCESS(status)) {
            injected++;
        } else {
            injectStatus = status;
            dropped++;
        }
    }
    dropped += PacketFreeAll(&request->packets);
    COUNT_MANY(packetsDropped, dropped);
    COUNT(completed[request->reason]);
    if (permit) {
        COUNT(permitted);
    } else {
        COUNT(blocked);
    }
    Report(request, injected, dropped, injectStatus);
    TableCompleted();
    RequestRelease(request);
}

_Use_decl_annotations_ BOOLEAN HoldAnswer(UINT64 id, UCHAR verdict, BOOLEAN hard)
{
    REQUEST *claimed;
    if (!TableAnswer(id, verdict, hard, &claimed)) {
        return FALSE;
    }
    if (claimed != NULL) {
        Complete(claimed);
    }
    return TRUE;
}

_Use_decl_annotations_ VOID HoldCompleteReady(VOID)
{
    REQUEST *request;
    while ((request = TableTakeReady()) != NULL) {
        Complete(request);
    }
}
