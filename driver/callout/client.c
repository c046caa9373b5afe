#include "client.h"

#include "calls.h"
#include "pool.h"
#include "statistics.h"

#define DECIDER_QUEUE 8192u
#define OBSERVER_QUEUE 2048u
#define MAX_CLIENTS (SALLYPORT_MAX_OBSERVERS + 1u)

typedef struct SLOT {
    EVENT *event;
    UINT16 flags; /* added to the header's when it is copied out */
} SLOT;

struct CLIENT {
    volatile LONG references;
    volatile LONG role;
    UINT64 processId;
    LIST_ENTRY link; /* in Clients, while attached */
    BOOLEAN closing; /* guarded by the list's lock; its handle is closed: a late attach would never be undone */

    KSPIN_LOCK eventLock;
    _Guarded_by_(eventLock) SLOT *slots;
    _Guarded_by_(eventLock) ULONG capacity;
    _Guarded_by_(eventLock) ULONG first;
    _Guarded_by_(eventLock) ULONG count;
    _Guarded_by_(eventLock) ULONG reserved;
    _Guarded_by_(eventLock) UINT64 lost;

    CALLS calls;
};

static KSPIN_LOCK Lock;
static _Guarded_by_(Lock) LIST_ENTRY Clients;
static _Guarded_by_(Lock) CLIENT *Decider;
static _Guarded_by_(Lock) ULONG Observers;
static volatile LONG64 DeciderProcessId; /* written under Lock, read without: one word */

_Use_decl_annotations_ VOID ClientsInitialize(VOID)
{
    KeInitializeSpinLock(&Lock);
    InitializeListHead(&Clients);
    Decider = NULL;
    Observers = 0;
    DeciderProcessId = 0;
}

/* --- life --- */

_Use_decl_annotations_ CLIENT *ClientCreate(VOID)
{
    CLIENT *client = PoolAllocate(sizeof(*client));
    if (client == NULL) {
        return NULL;
    }
    client->references = 1;
    KeInitializeSpinLock(&client->eventLock);
    if (!NT_SUCCESS(CallsInitialize(&client->calls))) {
        PoolFree(client);
        return NULL;
    }
    return client;
}

_Use_decl_annotations_ VOID ClientReference(CLIENT *client)
{
    InterlockedIncrement(&client->references);
}

_Use_decl_annotations_ VOID ClientRelease(CLIENT *client)
{
    if (client != NULL && InterlockedDecrement(&client->references) == 0) {
        while (client->count > 0) {
            EventRelease(client->slots[client->first].event);
            client->first = (client->first + 1) % client->capacity;
            client->count--;
        }
        PoolFree(client->slots);
        PoolFree(client);
    }
}

_Use_decl_annotations_ ULONG ClientRole(CLIENT *client)
{
    return (ULONG)InterlockedCompareExchange(&client->role, 0, 0);
}

_Use_decl_annotations_ NTSTATUS ClientPrepare(CLIENT *client, ULONG role)
{
    ULONG capacity = role == SALLYPORT_ROLE_DECIDER ? DECIDER_QUEUE : OBSERVER_QUEUE;
    SLOT *slots = PoolAllocate(capacity * sizeof(SLOT));
    KIRQL irql;
    if (slots == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    KeAcquireSpinLock(&client->eventLock, &irql);
    if (client->count == 0 && client->reserved == 0 && ClientRole(client) == SALLYPORT_ROLE_NONE) {
        SLOT *former = client->slots;
        client->slots = slots;
        client->capacity = capacity;
        slots = former;
    }
    KeReleaseSpinLock(&client->eventLock, irql);
    PoolFree(slots);
    return STATUS_SUCCESS;
}

_Use_decl_annotations_ NTSTATUS ClientsInsert(CLIENT *client, ULONG role, UINT64 processId)
{
    NTSTATUS status = STATUS_SUCCESS;
    KIRQL irql;
    KeAcquireSpinLock(&Lock, &irql);
    if (ClientRole(client) != SALLYPORT_ROLE_NONE || client->closing) {
        status = STATUS_INVALID_DEVICE_STATE;
    } else if (role == SALLYPORT_ROLE_DECIDER && Decider != NULL) {
        status = STATUS_SHARING_VIOLATION;
    } else if (role == SALLYPORT_ROLE_OBSERVER && Observers == SALLYPORT_MAX_OBSERVERS) {
        status = STATUS_TOO_MANY_SESSIONS;
    } else {
        InterlockedExchange(&client->role, (LONG)role);
        client->processId = processId;
        ClientReference(client);
        InsertTailList(&Clients, &client->link);
        if (role == SALLYPORT_ROLE_DECIDER) {
            Decider = client;
            InterlockedExchange64(&DeciderProcessId, (LONG64)processId);
        } else {
            Observers++;
        }
    }
    KeReleaseSpinLock(&Lock, irql);
    return status;
}

_Use_decl_annotations_ BOOLEAN ClientsRemove(CLIENT *client)
{
    BOOLEAN wasDecider = FALSE, wasListed = FALSE;
    KIRQL irql;
    KeAcquireSpinLock(&Lock, &irql);
    client->closing = TRUE;
    if (client->link.Flink != NULL) {
        wasListed = TRUE;
        RemoveEntryList(&client->link);
        client->link.Flink = NULL;
        if (Decider == client) {
            wasDecider = TRUE;
            Decider = NULL;
            InterlockedExchange64(&DeciderProcessId, 0);
        } else {
            Observers--;
        }
    }
    KeReleaseSpinLock(&Lock, irql);
    if (wasListed) {
        ClientRelease(client);
    }
    return wasDecider;
}

_Use_decl_annotations_ VOID ClientClose(CLIENT *client)
{
    CallsClose(&client->calls);
}

/* --- events --- */

/* One place is the event's own when it was reserved; others may not take reserved places. */
static VOID Push(_In_ CLIENT *client, _In_ EVENT *event, UINT16 flags, BOOLEAN reserved)
{
    KIRQL irql;
    KeAcquireSpinLock(&client->eventLock, &irql);
    if (reserved) {
        client->reserved--;
    }
    if (client->count + client->reserved < client->capacity) {
        SLOT *slot = &client->slots[(client->first + client->count) % client->capacity];
        EventReference(event);
        slot->event = event;
        slot->flags = flags;
        client->count++;
    } else {
        client->lost++;
        COUNT(eventsLost);
    }
    KeReleaseSpinLock(&client->eventLock, irql);
}

_Use_decl_annotations_ VOID ClientReplay(CLIENT *client, EVENT *event)
{
    Push(client, event, SALLYPORT_EVENT_FLAG_REPLAYED, FALSE);
}

_Use_decl_annotations_ CLIENT *ClientsReserve(VOID)
{
    CLIENT *reservation = NULL;
    KIRQL irql;
    KeAcquireSpinLock(&Lock, &irql);
    if (Decider != NULL) {
        KeAcquireSpinLockAtDpcLevel(&Decider->eventLock);
        if (Decider->count + Decider->reserved < Decider->capacity) {
            Decider->reserved++;
            reservation = Decider;
            ClientReference(reservation);
        }
        KeReleaseSpinLockFromDpcLevel(&Decider->eventLock);
    }
    KeReleaseSpinLock(&Lock, irql);
    return reservation;
}

_Use_decl_annotations_ VOID ClientsCancelReservation(CLIENT *reservation)
{
    KIRQL irql;
    if (reservation != NULL) {
        KeAcquireSpinLock(&reservation->eventLock, &irql);
        reservation->reserved--;
        KeReleaseSpinLock(&reservation->eventLock, irql);
        ClientRelease(reservation);
    }
}

_Use_decl_annotations_ VOID ClientsAppend(EVENT *event, CLIENT *reservation)
{
    BOOLEAN used = FALSE;
    LIST_ENTRY *link;
    KIRQL irql;
    KeAcquireSpinLock(&Lock, &irql);
    for (link = Clients.Flink; link != &Clients; link = link->Flink) {
        CLIENT *client = CONTAINING_RECORD(link, CLIENT, link);
        BOOLEAN own = client == reservation;
        used |= own;
        Push(client, event, 0, own);
    }
    KeReleaseSpinLock(&Lock, irql);
    if (reservation != NULL) {
        if (used) {
            ClientRelease(reservation);
        } else {
            ClientsCancelReservation(reservation); /* it has gone in between */
        }
    }
}

/* Moves as many events as fit into the buffer. @returns bytes written; 0 when there was no event. */
static ULONG Drain(_In_ CLIENT *client, _Out_writes_bytes_(length) UCHAR *buffer, ULONG length)
{
    SALLYPORT_EVENT_BATCH *batch = (SALLYPORT_EVENT_BATCH *)buffer;
    ULONG used = sizeof(*batch), taken = 0;
    UINT64 lost;
    KIRQL irql;

    KeAcquireSpinLock(&client->eventLock, &irql);
    while (client->count > 0) {
        SLOT slot = client->slots[client->first];
        if (slot.event->size > length - used) {
            break;
        }
        RtlCopyMemory(buffer + used, slot.event->header, slot.event->size);
        ((SALLYPORT_EVENT_HEADER *)(buffer + used))->flags |= slot.flags;
        used += slot.event->size;
        client->first = (client->first + 1) % client->capacity;
        client->count--;
        taken++;
        EventRelease(slot.event);
    }
    lost = client->lost;
    KeReleaseSpinLock(&client->eventLock, irql);
    if (taken == 0) {
        return 0;
    }
    RtlZeroMemory(batch, sizeof(*batch));
    batch->version = SALLYPORT_CONTRACT_VERSION;
    batch->count = taken;
    batch->lost = lost;
    batch->bytes = used;
    return used;
}

static BOOLEAN HasEvents(_In_ CLIENT *client)
{
    BOOLEAN has;
    KIRQL irql;
    KeAcquireSpinLock(&client->eventLock, &irql);
    has = client->count > 0;
    KeReleaseSpinLock(&client->eventLock, irql);
    return has;
}

static VOID Pump(_In_ CLIENT *client)
{
    while (HasEvents(client)) {
        IRP *irp = CallsTake(&client->calls);
        NTSTATUS status;
        ULONG bytes;
        if (irp == NULL) {
            return;
        }
        bytes = Drain(client, irp->AssociatedIrp.SystemBuffer,
                      IoGetCurrentIrpStackLocation(irp)->Parameters.DeviceIoControl.OutputBufferLength);
        if (bytes != 0) {
            CallsFinish(irp, STATUS_SUCCESS, bytes);
            continue;
        }
        /* Another processor took the events first; the call goes back and the loop looks again. */
        status = CallsQueue(&client->calls, irp);
        if (!NT_SUCCESS(status)) {
            CallsFinish(irp, status, 0);
        }
    }
}

_Use_decl_annotations_ VOID ClientsPump(VOID)
{
    CLIENT *clients[MAX_CLIENTS];
    ULONG count = 0, i;
    LIST_ENTRY *link;
    KIRQL irql;
    KeAcquireSpinLock(&Lock, &irql);
    for (link = Clients.Flink; link != &Clients && count < MAX_CLIENTS; link = link->Flink) {
        clients[count] = CONTAINING_RECORD(link, CLIENT, link);
        ClientReference(clients[count]);
        count++;
    }
    KeReleaseSpinLock(&Lock, irql);
    for (i = 0; i < count; i++) {
        Pump(clients[i]);
        ClientRelease(clients[i]);
    }
}

_Use_decl_annotations_ VOID ClientsPost(EVENT *event)
{
    if (event == NULL) {
        COUNT(eventsLost);
        return;
    }
    ClientsAppend(event, NULL);
    EventRelease(event);
    ClientsPump();
}

_Use_decl_annotations_ NTSTATUS ClientQueueIrp(CLIENT *client, IRP *irp)
{
    NTSTATUS status;
    /* The queue marks the request pending before anybody can complete it; on failure it is not pending yet. */
    ClientReference(client);
    status = CallsQueue(&client->calls, irp);
    if (NT_SUCCESS(status)) {
        Pump(client);
        status = STATUS_PENDING;
    }
    ClientRelease(client);
    return status;
}

_Use_decl_annotations_ BOOLEAN ClientsIsDecider(const CLIENT *client)
{
    BOOLEAN decides;
    KIRQL irql;
    KeAcquireSpinLock(&Lock, &irql);
    decides = Decider == client;
    KeReleaseSpinLock(&Lock, irql);
    return decides;
}

_Use_decl_annotations_ UINT64 ClientsDeciderProcessId(VOID)
{
    return (UINT64)InterlockedCompareExchange64(&DeciderProcessId, 0, 0);
}

_Use_decl_annotations_ CLIENT_COUNTS ClientsCount(VOID)
{
    CLIENT_COUNTS counts;
    KIRQL irql;
    KeAcquireSpinLock(&Lock, &irql);
    counts.decider = Decider != NULL;
    counts.observers = Observers;
    KeReleaseSpinLock(&Lock, irql);
    return counts;
}
