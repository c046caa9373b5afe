#include "table.h"

#include "index.h"
#include "policy.h"
#include "statistics.h"

static KSPIN_LOCK Lock;
static _Guarded_by_(Lock) LIST_ENTRY Held;       /* PENDING and HELD, oldest first */
static _Guarded_by_(Lock) LIST_ENTRY Ready;      /* READY */
static _Guarded_by_(Lock) LIST_ENTRY Remembered; /* AWAITING and SETTLED, oldest first */
static _Guarded_by_(Lock) TABLE_COUNTS Counts;
static _Guarded_by_(Lock) ULONG Outstanding; /* pended or about to be, until completed */
static _Guarded_by_(Lock) ULONG ClosedFor;   /* bit per SALLYPORT_REASON_; 0: open */
static _Guarded_by_(Lock) UINT64 NextId;
static KEVENT Idle; /* set while Outstanding is 0 */

_Use_decl_annotations_ VOID TableInitialize(VOID)
{
    KeInitializeSpinLock(&Lock);
    InitializeListHead(&Held);
    InitializeListHead(&Ready);
    InitializeListHead(&Remembered);
    IndexInitialize();
    RtlZeroMemory(&Counts, sizeof(Counts));
    Outstanding = 0;
    NextId = 0;
    ClosedFor = 1u << SALLYPORT_REASON_DETACHED;
    KeInitializeEvent(&Idle, NotificationEvent, TRUE);
}

/* --- under the lock --- */

static VOID Link(_In_ REQUEST *request)
{
    RequestReference(request);
    InsertTailList(&Held, &request->order);
    IndexAdd(request);
    request->state = REQUEST_PENDING;
    Counts.held++;
    Counts.heldBytes += request->packetBytes;
    if (Counts.held > Counts.heldMost) {
        Counts.heldMost = Counts.held;
    }
    if (Outstanding++ == 0) {
        KeClearEvent(&Idle);
    }
}

static VOID NoLongerHeld(_In_ REQUEST *request)
{
    RemoveEntryList(&request->order);
    IndexRemoveHeld(request);
    Counts.held--;
    Counts.heldBytes -= request->packetBytes;
}

static VOID NoLongerOutstanding(VOID)
{
    if (--Outstanding == 0) {
        KeSetEvent(&Idle, IO_NO_INCREMENT, FALSE);
    }
}

static VOID Forget(_In_ REQUEST *request)
{
    RemoveEntryList(&request->order);
    IndexRemoveRemembered(request);
    request->state = REQUEST_REMOVED;
    Counts.remembered--;
    RequestRelease(request);
}

static VOID Decide(_In_ REQUEST *request, UCHAR verdict, UCHAR reason, BOOLEAN hard)
{
    request->verdict = verdict;
    request->reason = reason;
    request->hard = hard;
    request->decidedAt = KeQueryInterruptTime();
}

/* HELD and decided → READY */
static VOID MakeReady(_In_ REQUEST *request)
{
    NoLongerHeld(request);
    request->state = REQUEST_READY;
    InsertTailList(&Ready, &request->order);
}

/* Decides a PENDING or HELD request unless it is decided already. TRUE: it became READY. */
static BOOLEAN DecideHeld(_In_ REQUEST *request, UCHAR verdict, UCHAR reason)
{
    if (request->verdict == 0) {
        Decide(request, verdict, reason, FALSE);
    }
    if (request->state != REQUEST_HELD) {
        return FALSE;
    }
    MakeReady(request);
    return TRUE;
}

/* The one step that gives the completion away. The request is in no order list when it begins. */
static VOID Claim(_In_ REQUEST *request)
{
    UINT64 now = KeQueryInterruptTime();
    if (request->key.kind == LAYER_CONNECT) {
        request->state = REQUEST_AWAITING;
        request->expires = now + TABLE_AWAIT_100NS;
    } else {
        request->state = REQUEST_SETTLED;
        request->expires = now + (request->rememberFor > TABLE_AWAIT_100NS ? request->rememberFor : TABLE_AWAIT_100NS);
    }
    RequestReference(request);
    InsertTailList(&Remembered, &request->order);
    if (++Counts.remembered > TABLE_MAX_REMEMBERED) {
        Forget(CONTAINING_RECORD(Remembered.Flink, REQUEST, order));
    }
}

/* Packets of `request` go to `held`, as far as there is room; a TCP segment is a repetition and needs no second copy. */
static VOID Join(_In_ REQUEST *held, _In_ REQUEST *request, _In_ const SALLYPORT_POLICY *policy)
{
    COUNT(joined);
    while (!IsListEmpty(&request->packets)) {
        PACKET *packet = CONTAINING_RECORD(request->packets.Flink, PACKET, link);
        if (held->key.protocol == IPPROTO_TCP || held->packetCount == PACKETS_PER_REQUEST ||
            (UINT64)Counts.heldBytes + packet->length > policy->maxHeldBytes) {
            if (held->key.protocol != IPPROTO_TCP) {
                held->packetsDropped += request->packetCount;
            }
            return; /* the rest is freed with `request` */
        }
        RemoveEntryList(&packet->link);
        InsertTailList(&held->packets, &packet->link);
        held->packetCount++;
        held->packetBytes += packet->length;
        Counts.heldBytes += packet->length;
        request->packetCount--;
    }
}

/* What an earlier request of the same key means for a new packet. TRUE: `inserted` is settled. */
static BOOLEAN InsertIntoFormer(_In_ REQUEST *request, _In_ const SALLYPORT_POLICY *policy, _Out_ TABLE_ANSWER *answer,
                                _Out_ TABLE_INSERTED *inserted)
{
    REQUEST *former = NULL;
    UINT64 now = KeQueryInterruptTime();
    while ((former = IndexNextOfKey(&request->key, former)) != NULL) {
        if (former->state <= REQUEST_HELD && former->verdict == 0) {
            Join(former, request, policy);
            *inserted = TABLE_INSERTED_JOINED;
            return TRUE;
        }
        /* Being completed, or a blocked sender that repeats itself: incoming packets, and datagrams, which have no flow when blocked and
         * are classified at every send. A settled permit is a flow; a new classify asks anew. */
        if (former->verdict != 0 &&
            (former->state != REQUEST_SETTLED ||
             ((former->key.kind == LAYER_RECV_ACCEPT || former->key.protocol != IPPROTO_TCP) &&
              former->verdict == SALLYPORT_VERDICT_BLOCK)) &&
            now - former->decidedAt < TABLE_AWAIT_100NS) {
            answer->verdict = former->verdict;
            answer->reason = former->reason;
            answer->hard = former->hard;
            *inserted = TABLE_INSERTED_ANSWERED;
            return TRUE;
        }
    }
    return FALSE;
}

/* --- the interface --- */

_Use_decl_annotations_ VOID TableUninitialize(VOID)
{
    KIRQL irql;
    KeAcquireSpinLock(&Lock, &irql);
    while (!IsListEmpty(&Remembered)) {
        Forget(CONTAINING_RECORD(Remembered.Flink, REQUEST, order));
    }
    KeReleaseSpinLock(&Lock, irql);
}

_Use_decl_annotations_ NTSTATUS TableAttach(CLIENT *client, ULONG role, UINT64 processId, ULONG *held)
{
    LIST_ENTRY *link;
    NTSTATUS status;
    KIRQL irql;
    KeAcquireSpinLock(&Lock, &irql);
    *held = 0;
    status = ClientsInsert(client, role, processId);
    if (NT_SUCCESS(status)) {
        for (link = Held.Flink; link != &Held; link = link->Flink) {
            REQUEST *request = CONTAINING_RECORD(link, REQUEST, order);
            if (request->announced) {
                ClientReplay(client, request->event);
                *held += 1;
            }
        }
        if (role == SALLYPORT_ROLE_DECIDER) {
            ClosedFor &= ~(1u << SALLYPORT_REASON_DETACHED);
        }
    }
    KeReleaseSpinLock(&Lock, irql);
    return status;
}

static BOOLEAN DecideAll(UCHAR verdict, UCHAR reason)
{
    BOOLEAN ready = FALSE;
    LIST_ENTRY *link, *next;
    for (link = Held.Flink; link != &Held; link = next) {
        REQUEST *request = CONTAINING_RECORD(link, REQUEST, order);
        next = link->Flink;
        ready |= DecideHeld(request, PolicyVerdict(verdict, request->filterFlags), reason);
    }
    return ready;
}

BOOLEAN TableDetach(CLIENT *client, UCHAR onDetach, BOOLEAN *wasDecider)
{
    BOOLEAN ready = FALSE;
    KIRQL irql;
    KeAcquireSpinLock(&Lock, &irql);
    *wasDecider = ClientsRemove(client);
    if (*wasDecider) {
        ClosedFor |= 1u << SALLYPORT_REASON_DETACHED;
        ready = DecideAll(onDetach, SALLYPORT_REASON_DETACHED);
    }
    KeReleaseSpinLock(&Lock, irql);
    return ready;
}

VOID TableClose(UCHAR reason)
{
    KIRQL irql;
    KeAcquireSpinLock(&Lock, &irql);
    ClosedFor |= 1u << reason;
    KeReleaseSpinLock(&Lock, irql);
}

VOID TableOpen(UCHAR reason)
{
    KIRQL irql;
    KeAcquireSpinLock(&Lock, &irql);
    ClosedFor &= ~(1u << reason);
    KeReleaseSpinLock(&Lock, irql);
}

static UCHAR ClosedReason(VOID)
{
    if (ClosedFor & (1u << SALLYPORT_REASON_UNLOAD)) {
        return SALLYPORT_REASON_UNLOAD;
    }
    if (ClosedFor & (1u << SALLYPORT_REASON_POWER)) {
        return SALLYPORT_REASON_POWER;
    }
    return SALLYPORT_REASON_NO_DECIDER;
}

TABLE_INSERTED TableInsert(REQUEST *request, const SALLYPORT_POLICY *policy, TABLE_ANSWER *answer)
{
    TABLE_INSERTED inserted = TABLE_INSERTED_NEW;
    KIRQL irql;
    RtlZeroMemory(answer, sizeof(*answer));
    KeAcquireSpinLock(&Lock, &irql);
    if (ClosedFor != 0) {
        answer->reason = ClosedReason();
        inserted = TABLE_INSERTED_CLOSED;
    } else if (!IsListEmpty(&request->packets) && InsertIntoFormer(request, policy, answer, &inserted)) {
        /* joined or answered */
    } else if (Counts.held >= policy->maxHeld || IndexHeldByProcess(request->processId) >= policy->maxHeldPerProcess ||
               (UINT64)Counts.heldBytes + request->packetBytes > policy->maxHeldBytes) {
        inserted = TABLE_INSERTED_FULL;
    } else {
        request->id = ++NextId;
        Link(request);
    }
    KeReleaseSpinLock(&Lock, irql);
    return inserted;
}

VOID TableAbandon(REQUEST *request)
{
    KIRQL irql;
    KeAcquireSpinLock(&Lock, &irql);
    NoLongerHeld(request);
    IndexRemoveRemembered(request);
    request->state = REQUEST_REMOVED;
    NoLongerOutstanding();
    KeReleaseSpinLock(&Lock, irql);
    RequestRelease(request);
}

VOID TableAnnounce(REQUEST *request, EVENT *event, CLIENT *reservation)
{
    KIRQL irql;
    KeAcquireSpinLock(&Lock, &irql);
    request->event = event;
    request->announced = TRUE;
    ClientsAppend(event, reservation);
    KeReleaseSpinLock(&Lock, irql);
}

BOOLEAN TablePended(REQUEST *request, HANDLE completionContext)
{
    BOOLEAN ready = FALSE;
    KIRQL irql;
    KeAcquireSpinLock(&Lock, &irql);
    request->completionContext = completionContext;
    request->state = REQUEST_HELD;
    if (request->verdict != 0) {
        MakeReady(request);
        ready = TRUE;
    }
    KeReleaseSpinLock(&Lock, irql);
    return ready;
}

BOOLEAN TableAnswer(UINT64 id, UCHAR verdict, BOOLEAN hard, REQUEST **claimed)
{
    BOOLEAN found = FALSE;
    REQUEST *request;
    KIRQL irql;
    *claimed = NULL;
    KeAcquireSpinLock(&Lock, &irql);
    request = IndexFindHeld(id);
    if (request != NULL && request->verdict == 0) {
        found = TRUE;
        Decide(request, verdict, SALLYPORT_REASON_ANSWERED, hard);
        if (request->state == REQUEST_HELD) {
            NoLongerHeld(request);
            Claim(request);
            *claimed = request;
        }
    }
    KeReleaseSpinLock(&Lock, irql);
    return found;
}

BOOLEAN TableDecideAll(UCHAR verdict, UCHAR reason)
{
    BOOLEAN ready;
    KIRQL irql;
    KeAcquireSpinLock(&Lock, &irql);
    ready = DecideAll(verdict, reason);
    KeReleaseSpinLock(&Lock, irql);
    return ready;
}

BOOLEAN TableWithdraw(UINT64 endpointHandle)
{
    BOOLEAN ready = FALSE;
    REQUEST *request, *next;
    KIRQL irql;
    KeAcquireSpinLock(&Lock, &irql);
    for (request = IndexNextOfEndpoint(endpointHandle, NULL); request != NULL; request = next) {
        next = IndexNextOfEndpoint(endpointHandle, request);
        if (request->state <= REQUEST_HELD) {
            ready |= DecideHeld(request, SALLYPORT_VERDICT_BLOCK, SALLYPORT_REASON_WITHDRAWN);
        } else if (request->state >= REQUEST_AWAITING) {
            Forget(request);
        }
    }
    KeReleaseSpinLock(&Lock, irql);
    return ready;
}

UINT64 TableExpire(UINT64 now)
{
    UINT64 nextEvent = MAXUINT64;
    LIST_ENTRY *link, *next;
    KIRQL irql;
    KeAcquireSpinLock(&Lock, &irql);
    for (link = Held.Flink; link != &Held; link = next) {
        REQUEST *request = CONTAINING_RECORD(link, REQUEST, order);
        next = link->Flink;
        if (request->deadline <= now) {
            (VOID)DecideHeld(request, request->onTimeout, SALLYPORT_REASON_TIMED_OUT);
        } else if (request->deadline < nextEvent) {
            nextEvent = request->deadline;
        }
    }
    for (link = Remembered.Flink; link != &Remembered; link = next) {
        REQUEST *request = CONTAINING_RECORD(link, REQUEST, order);
        next = link->Flink;
        if (request->expires <= now) {
            Forget(request);
        } else if (request->expires < nextEvent) {
            nextEvent = request->expires;
        }
    }
    KeReleaseSpinLock(&Lock, irql);
    return nextEvent;
}

REQUEST *TableTakeReady(VOID)
{
    REQUEST *request = NULL;
    KIRQL irql;
    KeAcquireSpinLock(&Lock, &irql);
    if (!IsListEmpty(&Ready)) {
        request = CONTAINING_RECORD(RemoveHeadList(&Ready), REQUEST, order);
        Claim(request);
    }
    KeReleaseSpinLock(&Lock, irql);
    return request;
}

VOID TableCompleted(VOID)
{
    KIRQL irql;
    KeAcquireSpinLock(&Lock, &irql);
    NoLongerOutstanding();
    KeReleaseSpinLock(&Lock, irql);
}

_Use_decl_annotations_ VOID TableWaitIdle(VOID)
{
    (VOID)KeWaitForSingleObject(&Idle, Executive, KernelMode, FALSE, NULL);
}

TABLE_REAUTHORIZED TableReauthorize(const REQUEST_KEY *key, TABLE_ANSWER *answer)
{
    REQUEST *request = NULL, *best = NULL;
    TABLE_REAUTHORIZED known = TABLE_REAUTHORIZED_STRANGER;
    KIRQL irql;
    RtlZeroMemory(answer, sizeof(*answer));
    KeAcquireSpinLock(&Lock, &irql);
    while ((request = IndexNextOfKey(key, request)) != NULL) {
        /* The oldest completion that waits for its reauthorization, else the youngest verdict. */
        if (request->state == REQUEST_AWAITING) {
            best = request;
            break;
        }
        if (best == NULL || request->state == REQUEST_SETTLED) {
            best = request;
        }
    }
    if (best != NULL && best->state >= REQUEST_AWAITING) {
        known = TABLE_REAUTHORIZED_KNOWN;
        answer->verdict = best->verdict;
        answer->reason = best->reason;
        answer->hard = best->hard;
        if (best->state == REQUEST_AWAITING) {
            best->state = REQUEST_SETTLED;
            best->expires = KeQueryInterruptTime() + best->rememberFor;
        }
    } else if (best != NULL) {
        known = TABLE_REAUTHORIZED_HELD;
    }
    KeReleaseSpinLock(&Lock, irql);
    return known;
}

TABLE_COUNTS TableCount(VOID)
{
    TABLE_COUNTS counts;
    KIRQL irql;
    KeAcquireSpinLock(&Lock, &irql);
    counts = Counts;
    KeReleaseSpinLock(&Lock, irql);
    return counts;
}
