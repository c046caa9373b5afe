/*
 * The verdicts a classify function can give, each with its name, so that the arithmetic of rights stands here once.
 * All of them: IRQL <= DISPATCH_LEVEL, and only while FWPS_RIGHT_ACTION_WRITE is set (the caller has checked it).
 */
#ifndef SALLYPORT_VERDICT_H
#define SALLYPORT_VERDICT_H

#include "platform.h"

/** Hard block: nobody after us may change it. */
static inline VOID VerdictBlock(_Inout_ FWPS_CLASSIFY_OUT0 *out)
{
    out->actionType = FWP_ACTION_BLOCK;
    out->rights &= ~(UINT32)FWPS_RIGHT_ACTION_WRITE;
}

/**
 * Permit. Soft (a lower sublayer may still block) unless the filter has CLEAR_ACTION_RIGHT or the decider asked for a
 * hard one. The reauthorization after a completed pend must say the same again, or a hard permit is lost.
 */
static inline VOID VerdictPermit(_Inout_ FWPS_CLASSIFY_OUT0 *out, _In_ const FWPS_FILTER2 *filter, BOOLEAN hard)
{
    out->actionType = FWP_ACTION_PERMIT;
    if (hard || (filter->flags & FWPS_FILTER_FLAG_CLEAR_ACTION_RIGHT) != 0) {
        out->rights &= ~(UINT32)FWPS_RIGHT_ACTION_WRITE;
    }
}

/**
 * Block and absorb: the packet or the operation vanishes without an error to the application, because somebody keeps
 * it: a pended operation, or a held request that the packet has joined. Never after a pend that failed.
 */
static inline VOID VerdictAbsorb(_Inout_ FWPS_CLASSIFY_OUT0 *out)
{
    out->actionType = FWP_ACTION_BLOCK;
    out->flags |= FWPS_CLASSIFY_OUT_FLAG_ABSORB;
    out->rights &= ~(UINT32)FWPS_RIGHT_ACTION_WRITE;
}

#endif
