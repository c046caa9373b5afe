#include "policy.h"

static KSPIN_LOCK Lock;
static _Guarded_by_(Lock) SALLYPORT_POLICY Current;
static _Guarded_by_(Lock) const CLIENT *Owner; /* who has set it, only ever compared; NULL: nobody, or one that has gone */

static const SALLYPORT_POLICY Defaults = {
    .version = SALLYPORT_CONTRACT_VERSION,
    .deadlineMs = 60000,
    .rememberMs = 600000,
    .maxHeld = 1024,
    .maxHeldPerProcess = 128,
    .maxHeldBytes = 4 * 1024 * 1024,
    .onTimeout = SALLYPORT_VERDICT_BLOCK,
    .onOverflow = SALLYPORT_VERDICT_BLOCK,
    .onDetach = SALLYPORT_VERDICT_BY_FILTER,
    .onStranger = SALLYPORT_VERDICT_PERMIT,
};

_Use_decl_annotations_ VOID PolicyInitialize(VOID)
{
    KeInitializeSpinLock(&Lock);
    Current = Defaults;
    Owner = NULL;
}

_Use_decl_annotations_ VOID PolicyGet(SALLYPORT_POLICY *policy)
{
    KIRQL irql;
    KeAcquireSpinLock(&Lock, &irql);
    *policy = Current;
    KeReleaseSpinLock(&Lock, irql);
}

static BOOLEAN Valid(_In_ const SALLYPORT_POLICY *policy)
{
    ULONG i;
    if (policy->deadlineMs < SALLYPORT_MIN_DEADLINE_MS || policy->deadlineMs > SALLYPORT_MAX_DEADLINE_MS ||
        policy->rememberMs > SALLYPORT_MAX_REMEMBER_MS || policy->maxHeld < 1 || policy->maxHeld > SALLYPORT_MAX_HELD ||
        policy->maxHeldPerProcess < 1 || policy->maxHeldPerProcess > policy->maxHeld ||
        policy->maxHeldBytes > SALLYPORT_MAX_HELD_BYTES || policy->exemptCount > SALLYPORT_MAX_EXEMPT) {
        return FALSE;
    }
    if (policy->onTimeout > SALLYPORT_VERDICT_BLOCK || policy->onOverflow > SALLYPORT_VERDICT_BLOCK ||
        policy->onDetach > SALLYPORT_VERDICT_BLOCK || policy->onStranger > SALLYPORT_VERDICT_BLOCK) {
        return FALSE;
    }
    if ((policy->flags & ~SALLYPORT_POLICY_HOLD_LOOPBACK) != 0) {
        return FALSE;
    }
    for (i = 0; i < sizeof(policy->reserved); i++) {
        if (policy->reserved[i] != 0) {
            return FALSE;
        }
    }
    for (i = policy->exemptCount; i < SALLYPORT_MAX_EXEMPT; i++) {
        if (policy->exemptProcessIds[i] != 0) {
            return FALSE;
        }
    }
    return TRUE;
}

_Use_decl_annotations_ NTSTATUS PolicySet(const CLIENT *decider, const SALLYPORT_POLICY *policy)
{
    NTSTATUS status = STATUS_CANCELLED;
    KIRQL irql;
    if (!Valid(policy)) {
        return STATUS_INVALID_PARAMETER;
    }
    KeAcquireSpinLock(&Lock, &irql);
    /* Its handle may have been closed since the call began: its exemptions were ended then, and nobody would end these. */
    if (ClientsIsDecider(decider)) {
        Current = *policy;
        Owner = decider;
        status = STATUS_SUCCESS;
    }
    KeReleaseSpinLock(&Lock, irql);
    return status;
}

_Use_decl_annotations_ VOID PolicyEndExemptions(const CLIENT *decider)
{
    KIRQL irql;
    KeAcquireSpinLock(&Lock, &irql);
    if (Owner == decider) {
        Current.exemptCount = 0;
        RtlZeroMemory(Current.exemptProcessIds, sizeof(Current.exemptProcessIds));
        Owner = NULL;
    }
    KeReleaseSpinLock(&Lock, irql);
}

_Use_decl_annotations_ BOOLEAN PolicyExempts(const SALLYPORT_POLICY *policy, UINT64 processId)
{
    ULONG i;
    for (i = 0; processId != 0 && i < policy->exemptCount; i++) {
        if (policy->exemptProcessIds[i] == processId) {
            return TRUE;
        }
    }
    return FALSE;
}

UCHAR PolicyVerdict(UCHAR verdict, UINT16 filterFlags)
{
    if (verdict != SALLYPORT_VERDICT_BY_FILTER) {
        return verdict;
    }
    return (filterFlags & FWPS_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED) != 0 ? SALLYPORT_VERDICT_PERMIT
                                                                               : SALLYPORT_VERDICT_BLOCK;
}
