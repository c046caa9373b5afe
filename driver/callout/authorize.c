/*
 * The order of checks decides most questions about this driver; each row of the table is tested by its name.
 *
 *   no-right         FWPS_RIGHT_ACTION_WRITE absent               leave the output alone
 *   own-injection    one of our copies comes by                   permit, hard as its request was
 *   known            reauthorization of a flow we decided         the same verdict, hard or soft as before
 *   still-held       reauthorization while the request waits      absorb
 *   lost-completion  CLASSIFY_COMPLETION that nobody remembers    block: a completion is never a permit by default
 *   exempt           the decider, or an exempt process            permit
 *   loopback         loopback and HOLD_LOOPBACK not set           permit; a redirection to a local proxy is no loopback
 *   stranger         any other reauthorization                    policy.onStranger
 *   no-decider       nobody attached                              policy.onDetach
 *   cannot-pend      no completion handle, or the pend failed     policy.onOverflow
 *   overflow         a cap is reached, or no memory               policy.onOverflow
 *   hold             everything else                              pend; block and absorb
 */
#include "authorize.h"

#include "attempt.h"
#include "client.h"
#include "hold.h"
#include "packet.h"
#include "statistics.h"
#include "table.h"
#include "verdict.h"
#include "watchdog.h"

/* TRUE: answered. */
static BOOLEAN Reauthorize(_In_ const ATTEMPT *attempt, _In_ const FWPS_FILTER2 *filter, _Inout_ FWPS_CLASSIFY_OUT0 *out)
{
    BOOLEAN completion = (attempt->reauthorizeReason & FWP_CONDITION_REAUTHORIZE_REASON_CLASSIFY_COMPLETION) != 0;
    REQUEST_KEY key;
    TABLE_ANSWER answer;
    RequestKey(&key, attempt);
    switch (TableReauthorize(&key, &answer)) {
    case TABLE_REAUTHORIZED_KNOWN:
        COUNT(reauthorized);
        if (answer.verdict == SALLYPORT_VERDICT_PERMIT) {
            VerdictPermit(out, filter, answer.hard);
        } else {
            VerdictBlock(out);
        }
        return TRUE;
    case TABLE_REAUTHORIZED_HELD:
        if (!completion) {
            VerdictAbsorb(out);
            return TRUE;
        }
        break; /* another request of the same key: its completion has not come yet, so this is not its own */
    case TABLE_REAUTHORIZED_STRANGER:
        break;
    }
    if (completion) {
        HoldDecide(attempt, filter, SALLYPORT_VERDICT_BLOCK, SALLYPORT_REASON_STRANGER, out);
        return TRUE;
    }
    return FALSE;
}

static BOOLEAN Exempt(_In_ const ATTEMPT *attempt, _In_ const SALLYPORT_POLICY *policy)
{
    if (attempt->processId != 0 && attempt->processId == ClientsDeciderProcessId()) {
        COUNT(exempt);
        return TRUE;
    }
    if (PolicyExempts(policy, attempt->processId)) {
        COUNT(exempt);
        return TRUE;
    }
    if (attempt->loopback && (policy->flags & SALLYPORT_POLICY_HOLD_LOOPBACK) == 0) {
        COUNT(loopback);
        return TRUE;
    }
    return FALSE;
}

void NTAPI AuthorizeClassify(const FWPS_INCOMING_VALUES0 *values, const FWPS_INCOMING_METADATA_VALUES0 *metadata,
                             void *layerData, const void *classifyContext, const FWPS_FILTER2 *filter, UINT64 flowContext,
                             FWPS_CLASSIFY_OUT0 *out)
{
    SALLYPORT_POLICY policy;
    BOOLEAN complete, reauthorize, hard;
    ATTEMPT attempt;

    UNREFERENCED_PARAMETER(classifyContext);
    UNREFERENCED_PARAMETER(flowContext);
    COUNT(classified);
    if ((out->rights & FWPS_RIGHT_ACTION_WRITE) == 0) {
        COUNT(noWriteRight);
        return;
    }
    complete = AttemptRead(&attempt, values, metadata, layerData, filter);
    if (attempt.layer == NULL) {
        return; /* none of the layers we registered at: leave it to others */
    }
    if (layerData != NULL && PacketIsOwn(layerData, attempt.layer, &hard)) {
        COUNT(ownInjections);
        VerdictPermit(out, filter, hard);
        return;
    }
    PolicyGet(&policy);
    reauthorize = (attempt.conditionFlags & FWP_CONDITION_FLAG_IS_REAUTHORIZE) != 0;
    if (reauthorize && Reauthorize(&attempt, filter, out)) {
        return;
    }
    if (Exempt(&attempt, &policy)) {
        VerdictPermit(out, filter, FALSE);
    } else if (reauthorize) {
        HoldDecide(&attempt, filter, policy.onStranger, SALLYPORT_REASON_STRANGER, out);
    } else if (ClientsDeciderProcessId() == 0) {
        HoldDecide(&attempt, filter, policy.onDetach, SALLYPORT_REASON_NO_DECIDER, out);
    } else if (!complete || attempt.completionHandle == NULL) {
        HoldDecide(&attempt, filter, policy.onOverflow, SALLYPORT_REASON_CANNOT_PEND, out);
    } else {
        HoldAttempt(&attempt, filter, &policy, out);
    }
}

void NTAPI AuthorizeClosure(const FWPS_INCOMING_VALUES0 *values, const FWPS_INCOMING_METADATA_VALUES0 *metadata,
                            void *layerData, const void *classifyContext, const FWPS_FILTER2 *filter, UINT64 flowContext,
                            FWPS_CLASSIFY_OUT0 *out)
{
    UNREFERENCED_PARAMETER(values);
    UNREFERENCED_PARAMETER(layerData);
    UNREFERENCED_PARAMETER(classifyContext);
    UNREFERENCED_PARAMETER(filter);
    UNREFERENCED_PARAMETER(flowContext);
    if ((out->rights & FWPS_RIGHT_ACTION_WRITE) != 0) {
        out->actionType = FWP_ACTION_CONTINUE; /* what an inspection callout says (FWPS_CLASSIFY_OUT0) */
    }
    if (FWPS_IS_METADATA_FIELD_PRESENT(metadata, FWPS_METADATA_FIELD_TRANSPORT_ENDPOINT_HANDLE) &&
        metadata->transportEndpointHandle != 0 && TableWithdraw(metadata->transportEndpointHandle)) {
        WatchdogWake(); /* the completion must not run inside the closure of the same socket */
    }
}
