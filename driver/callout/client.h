/*
 * Clients: one per open handle. Each attached one has a bounded queue of events and a cancel-safe queue of inverted
 * calls; whatever is in both meets in ClientsPump.
 *
 * Lock order of the whole driver, outermost first; no lock is ever held across a call into WFP or IoCompleteRequest:
 *   table (table.c, index.c)  →  clients (the list, client.c)  →  one client's events  →  one client's inverted calls (calls.c)
 *   policy (policy.c)         →  clients; never with the table
 *   stream flows: a leaf, taken alone
 */
#ifndef SALLYPORT_CLIENT_H
#define SALLYPORT_CLIENT_H

#include "event.h"
#include "ioctl.h"
#include "platform.h"

typedef struct CLIENT CLIENT;

_IRQL_requires_(PASSIVE_LEVEL) VOID ClientsInitialize(VOID);

/** For IRP_MJ_CREATE. The caller owns one reference. @returns NULL when there is no memory. */
_Must_inspect_result_ _IRQL_requires_(PASSIVE_LEVEL) CLIENT *ClientCreate(VOID);

_IRQL_requires_max_(DISPATCH_LEVEL) VOID ClientReference(_In_ CLIENT *client);
_IRQL_requires_max_(DISPATCH_LEVEL) VOID ClientRelease(_In_opt_ CLIENT *client);

/** SALLYPORT_ROLE_ */
ULONG ClientRole(_In_ CLIENT *client);

/** Gives the client its event queue for this role. Call before ClientsInsert, outside of all locks. */
_Must_inspect_result_ _IRQL_requires_max_(DISPATCH_LEVEL) NTSTATUS ClientPrepare(_In_ CLIENT *client, ULONG role);

/**
 * Makes the client one that receives events. Only table.c calls it, under its lock, so that no held request is missed.
 * @retval STATUS_INVALID_DEVICE_STATE attached already, or closing
 * @retval STATUS_SHARING_VIOLATION    there is another decider
 * @retval STATUS_TOO_MANY_SESSIONS    SALLYPORT_MAX_OBSERVERS are attached
 */
_Must_inspect_result_ _IRQL_requires_max_(DISPATCH_LEVEL) NTSTATUS
    ClientsInsert(_In_ CLIENT *client, ULONG role, UINT64 processId);

/** Undoes ClientsInsert, if it was inserted, and refuses every later one. Only table.c calls it, under its lock. TRUE: it was the decider. */
_IRQL_requires_max_(DISPATCH_LEVEL) BOOLEAN ClientsRemove(_In_ CLIENT *client);

/** Ends the inverted calls: all are completed with STATUS_CANCELLED, and so is every later one. No lock held. */
_IRQL_requires_max_(DISPATCH_LEVEL) VOID ClientClose(_In_ CLIENT *client);

/** One event for one client: what was held before it came. Under the table's lock. */
_IRQL_requires_max_(DISPATCH_LEVEL) VOID ClientReplay(_In_ CLIENT *client, _In_ EVENT *event);

/**
 * A place for one PENDED event in the decider's queue, so that the event cannot be lost after the pend.
 * @returns the decider, referenced; NULL: no decider, or its queue is full of events that it does not fetch.
 */
_Must_inspect_result_ _IRQL_requires_max_(DISPATCH_LEVEL) CLIENT *ClientsReserve(VOID);

/** Gives a place back that was not used, and the reference. NULL is allowed. */
_IRQL_requires_max_(DISPATCH_LEVEL) VOID ClientsCancelReservation(_In_opt_ CLIENT *reservation);

/** Queues the event for everyone; uses the reservation up. Takes its own references. Then call ClientsPump. */
_IRQL_requires_max_(DISPATCH_LEVEL) VOID ClientsAppend(_In_ EVENT *event, _In_opt_ CLIENT *reservation);

/** Completes inverted calls for which there are events. No lock held. */
_IRQL_requires_max_(DISPATCH_LEVEL) VOID ClientsPump(VOID);

/** Append and pump; takes the event over. NULL (no memory for it) counts as lost. */
_IRQL_requires_max_(DISPATCH_LEVEL) VOID ClientsPost(_In_opt_ EVENT *event);

/** Queues an inverted call (STATUS_PENDING then, the request is not the caller's any more) or says why not. */
_Must_inspect_result_ _IRQL_requires_max_(DISPATCH_LEVEL) NTSTATUS ClientQueueIrp(_In_ CLIENT *client, _In_ IRP *irp);

/** Whether this client is the one that decides, at this moment. */
_IRQL_requires_max_(DISPATCH_LEVEL) BOOLEAN ClientsIsDecider(_In_ const CLIENT *client);

/** Process of the decider; 0: none. */
UINT64 ClientsDeciderProcessId(VOID);

typedef struct CLIENT_COUNTS {
    BOOLEAN decider;
    ULONG observers;
} CLIENT_COUNTS;

_IRQL_requires_max_(DISPATCH_LEVEL) CLIENT_COUNTS ClientsCount(VOID);

#endif
