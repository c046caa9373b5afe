/* Pending an operation and completing it: the only callers of FwpsPendOperation0 and FwpsCompleteOperation0. */
#ifndef SALLYPORT_HOLD_H
#define SALLYPORT_HOLD_H

#include "attempt.h"
#include "policy.h"
#include "request.h"

/**
 * Holds the attempt: registers it, pends it, announces it, and writes the classify's output. What cannot be held is
 * decided at once by policy. Only from classifyFn, with FWPS_RIGHT_ACTION_WRITE, never on a reauthorization.
 */
_IRQL_requires_max_(DISPATCH_LEVEL) VOID HoldAttempt(_In_ const ATTEMPT *attempt, _In_ const FWPS_FILTER2 *filter,
                                                    _In_ const SALLYPORT_POLICY *policy, _Inout_ FWPS_CLASSIFY_OUT0 *out);

/** Decides without holding, counts it, and tells the clients. `verdict` as a policy says it. */
_IRQL_requires_max_(DISPATCH_LEVEL) VOID HoldDecide(_In_ const ATTEMPT *attempt, _In_ const FWPS_FILTER2 *filter,
                                                   UCHAR verdict, UCHAR reason, _Inout_ FWPS_CLASSIFY_OUT0 *out);

/**
 * Answers one held request. FALSE: none with this id is held. At CONNECT the reauthorization runs inside this call.
 * No lock may be held.
 */
_IRQL_requires_max_(DISPATCH_LEVEL) BOOLEAN HoldAnswer(UINT64 id, UCHAR verdict, BOOLEAN hard);

/** Completes everything that is ready. No lock may be held. Not from classifyFn: wake the watchdog there. */
_IRQL_requires_max_(DISPATCH_LEVEL) VOID HoldCompleteReady(VOID);

#endif
