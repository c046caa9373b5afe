/* How the driver behaves where nobody decides. One value, replaced whole; readers take a copy. */
#ifndef SALLYPORT_POLICY_H
#define SALLYPORT_POLICY_H

#include "client.h"
#include "ioctl.h"
#include "platform.h"

/** Sets the defaults that ioctl.h states. */
_IRQL_requires_(PASSIVE_LEVEL) VOID PolicyInitialize(VOID);

_IRQL_requires_max_(DISPATCH_LEVEL) VOID PolicyGet(_Out_ SALLYPORT_POLICY *policy);

/**
 * @retval STATUS_INVALID_PARAMETER a value is out of its range or a reserved field is set; nothing changed
 * @retval STATUS_CANCELLED         `decider` has gone since the call began; nothing changed
 */
_Must_inspect_result_ _IRQL_requires_max_(DISPATCH_LEVEL) NTSTATUS
    PolicySet(_In_ const CLIENT *decider, _In_ const SALLYPORT_POLICY *policy);

/**
 * Ends the exemptions that this decider has set: the numbers may soon name other processes. The rest of the policy
 * stays, and so do the exemptions of a decider that came after it. Call it when the client is no decider any more.
 */
_IRQL_requires_max_(DISPATCH_LEVEL) VOID PolicyEndExemptions(_In_ const CLIENT *decider);

/** Whether traffic of this process is never held by this policy. The decider's own exemption is not in here. */
BOOLEAN PolicyExempts(_In_ const SALLYPORT_POLICY *policy, UINT64 processId);

/** Translates SALLYPORT_VERDICT_BY_FILTER by the asking filter's flags; others stay. Never BY_FILTER. */
UCHAR PolicyVerdict(UCHAR verdict, UINT16 filterFlags);

#endif
