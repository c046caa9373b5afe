/*
 * All requests: held, ready to be completed, and remembered for reauthorizations. One lock, the outermost of the
 * driver (client.h states the order). Nothing here calls WFP.
 */
#ifndef SALLYPORT_TABLE_H
#define SALLYPORT_TABLE_H

#include "ioctl.h"
#include "request.h"

/** How long a completed CONNECT may wait for its reauthorization, and a blocked sender is not asked about again. */
#define TABLE_AWAIT_100NS (30ull * 10000000ull)
/** Verdicts remembered; the oldest goes first. */
#define TABLE_MAX_REMEMBERED 4096u

typedef enum TABLE_INSERTED {
    TABLE_INSERTED_NEW,      /**< PENDING now, with an id; pend it. */
    TABLE_INSERTED_JOINED,   /**< Its packets belong to a held request: absorb. */
    TABLE_INSERTED_ANSWERED, /**< The same flow was answered a moment ago: see verdict and hard. */
    TABLE_INSERTED_FULL,     /**< A cap is reached. */
    TABLE_INSERTED_CLOSED,   /**< Nothing may be held now; `reason` says why. */
} TABLE_INSERTED;

typedef struct TABLE_ANSWER {
    UCHAR verdict; /**< SALLYPORT_VERDICT_PERMIT or _BLOCK */
    UCHAR reason;
    BOOLEAN hard;
} TABLE_ANSWER;

typedef enum TABLE_REAUTHORIZED {
    TABLE_REAUTHORIZED_KNOWN,    /**< Answer as told. */
    TABLE_REAUTHORIZED_HELD,     /**< Still held: absorb. */
    TABLE_REAUTHORIZED_STRANGER, /**< Not ours. */
} TABLE_REAUTHORIZED;

typedef struct TABLE_COUNTS {
    ULONG held;
    ULONG heldMost;
    ULONG heldBytes;
    ULONG remembered;
} TABLE_COUNTS;

_IRQL_requires_(PASSIVE_LEVEL) VOID TableInitialize(VOID);
/** Forgets everything remembered. Nothing may be held. */
_IRQL_requires_(PASSIVE_LEVEL) VOID TableUninitialize(VOID);

/* Everything below: IRQL <= DISPATCH_LEVEL. */

/** Attaches a client, replays what is held to it, and opens the table when it is a decider. As ClientsInsert. */
_Must_inspect_result_ NTSTATUS TableAttach(_In_ CLIENT *client, ULONG role, UINT64 processId, _Out_ ULONG *held);

/**
 * Undoes TableAttach. When the client was the decider the table closes, and what is held is decided by `onDetach`
 * in the same step, so that a decider who comes right after finds nothing of the former's.
 * @returns TRUE when something is READY now.
 */
BOOLEAN TableDetach(_In_ CLIENT *client, UCHAR onDetach, _Out_ BOOLEAN *wasDecider);

/** Closes the table for `reason` (POWER, UNLOAD); reasons add up until each is opened again. */
VOID TableClose(UCHAR reason);
/** Takes a reason of TableClose back. DETACHED follows TableAttach and TableDetach. */
VOID TableOpen(UCHAR reason);

/** Adds a request with its packets. NEW: the table has its own reference and `request->id` is set. */
TABLE_INSERTED TableInsert(_In_ REQUEST *request, _In_ const SALLYPORT_POLICY *policy, _Out_ TABLE_ANSWER *answer);

/** The pend failed: as if it had never been inserted. */
VOID TableAbandon(_In_ REQUEST *request);

/** Puts the PENDED event into the queues. Before TablePended, so that COMPLETED cannot overtake it. */
VOID TableAnnounce(_In_ REQUEST *request, _In_ EVENT *event, _In_opt_ CLIENT *reservation);

/** The pend succeeded. TRUE: a verdict came meanwhile, the request is READY; wake the watchdog. */
BOOLEAN TablePended(_In_ REQUEST *request, HANDLE completionContext);

/**
 * Answers by id. `claimed`: now the caller's to complete, referenced; NULL: the one that pends it will do so.
 * @returns FALSE when nothing with this id is held.
 */
_Must_inspect_result_ BOOLEAN TableAnswer(UINT64 id, UCHAR verdict, BOOLEAN hard, _Out_ REQUEST **claimed);

/** Decides everything held: `verdict` by policy. TRUE: something is READY now. */
BOOLEAN TableDecideAll(UCHAR verdict, UCHAR reason);

/** Decides what is held for a socket and forgets its verdicts. TRUE: something is READY now. */
BOOLEAN TableWithdraw(UINT64 endpointHandle);

/** Decides what has reached its deadline and forgets what has expired. @returns interrupt time of the next such event; MAXUINT64: none. */
UINT64 TableExpire(UINT64 now);

/** One READY request, claimed and referenced, for the caller to complete; NULL: none. */
_Must_inspect_result_ REQUEST *TableTakeReady(VOID);

/** The caller has completed what it claimed. */
VOID TableCompleted(VOID);

/** Waits until nothing is pended or being completed. PASSIVE_LEVEL. */
_IRQL_requires_(PASSIVE_LEVEL) VOID TableWaitIdle(VOID);

/** What to answer to a reauthorization. */
TABLE_REAUTHORIZED TableReauthorize(_In_ const REQUEST_KEY *key, _Out_ TABLE_ANSWER *answer);

TABLE_COUNTS TableCount(VOID);

#endif
