/* One pended operation, from its first classify until nobody remembers its verdict. */
#ifndef SALLYPORT_REQUEST_H
#define SALLYPORT_REQUEST_H

#include "attempt.h"
#include "client.h"
#include "event.h"
#include "packet.h"
#include "platform.h"

/**
 * What makes a reauthorization, or another packet, one of the same request. The endpoint handle tells sockets apart
 * that share a port; without one the local side stands in for it. Zeroed before it is filled: compared as bytes.
 */
typedef struct REQUEST_KEY {
    UINT64 endpointHandle;
    UCHAR kind; /**< LAYER_KIND */
    UCHAR family;
    UCHAR protocol;
    UCHAR reserved0;
    UINT16 localPortHost; /**< RECV_ACCEPT, ICMP (the type), or no endpoint handle. */
    UINT16 remotePortHost; /**< TCP: of the remote end; else of the destination, which differs when redirected. */
    UCHAR localAddress[16]; /**< RECV_ACCEPT only: CONNECT may not know it yet at the first classify. */
    UCHAR remoteAddress[16];
} REQUEST_KEY;

/**
 * Who moves it on, always under the table's lock:
 *   PENDING → HELD       the classify that pended it, when FwpsPendOperation0 has succeeded
 *   PENDING → READY      the same, when a verdict came meanwhile (decider gone, socket closed, unload)
 *   HELD    → READY      time-out, decider gone, socket closed, power-down, unload: the watchdog or the caller completes
 *   HELD    → AWAITING   an answer: who gave it completes           READY → AWAITING  who takes it completes
 *   AWAITING → SETTLED   CONNECT: its reauthorization was seen. RECV_ACCEPT goes to SETTLED at once
 *   SETTLED → REMOVED    expired, evicted, or its socket closed; AWAITING likewise
 * Only the transition into AWAITING or SETTLED hands out the completion context, so exactly one party completes.
 */
typedef enum REQUEST_STATE {
    REQUEST_PENDING,
    REQUEST_HELD,
    REQUEST_READY,
    REQUEST_AWAITING,
    REQUEST_SETTLED,
    REQUEST_REMOVED,
} REQUEST_STATE;

typedef struct REQUEST {
    volatile LONG references;
    UINT64 id;
    UINT64 processId;
    REQUEST_KEY key;
    ROUTE route;
    UINT16 filterFlags;
    UCHAR onTimeout; /**< The policy at the time it was pended, translated; never BY_FILTER. */
    UINT64 pendedAt; /**< Interrupt time, 100 ns, like the next two. */
    UINT64 deadline;
    UINT64 rememberFor;
    EVENT *event; /**< PENDED, for observers that come later. */

    /* Guarded by the table's lock. */
    LIST_ENTRY order; /**< in held, ready or remembered */
    LIST_ENTRY byId;
    LIST_ENTRY byKey;
    LIST_ENTRY byProcess;
    LIST_ENTRY byEndpoint;
    UCHAR state;   /**< REQUEST_STATE */
    UCHAR verdict; /**< 0: none yet. */
    UCHAR reason;
    BOOLEAN hard;
    BOOLEAN announced; /**< Its PENDED event is in the queues. */
    UINT64 decidedAt;
    UINT64 expires;
    LIST_ENTRY packets; /**< Handed to the completing party with the completion context. */
    ULONG packetCount;
    ULONG packetBytes;
    ULONG packetsDropped;
    HANDLE completionContext;
} REQUEST;

/** @returns NULL when there is no memory. One reference for the caller; no packets, no event yet. */
_Must_inspect_result_ _IRQL_requires_max_(DISPATCH_LEVEL) REQUEST *RequestCreate(_In_ const ATTEMPT *attempt);

VOID RequestReference(_In_ REQUEST *request);
_IRQL_requires_max_(DISPATCH_LEVEL) VOID RequestRelease(_In_opt_ REQUEST *request);

VOID RequestKey(_Out_ REQUEST_KEY *key, _In_ const ATTEMPT *attempt);

#endif
