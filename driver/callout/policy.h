/* How the driver behaves where nobody decides. One value, replaced whole; readers take a copy. */
#ifndef SALLYPORT_POLICY_H
#define SALLYPORT_POLICY_H

#include "ioctl.h"
#include "platform.h"

/** Sets the defaults that ioctl.h states. */
_IRQL_requires_(PASSIVE_LEVEL) VOID PolicyInitialize(VOID);

_IRQL_requires_max_(DISPATCH_LEVEL) VOID PolicyGet(_Out_ SALLYPORT_POLICY *policy);

/** @returns STATUS_INVALID_PARAMETER when a value is out of its range or a reserved field is set; nothing changed then. */
_Must_inspect_result_ _IRQL_requires_max_(DISPATCH_LEVEL) NTSTATUS PolicySet(_In_ const SALLYPORT_POLICY *policy);

/** Ends the exemptions when their decider goes: the numbers may soon name other processes. The rest of the policy stays. */
_IRQL_requires_max_(DISPATCH_LEVEL) VOID PolicyEndExemptions(VOID);

/** Whether traffic of this process is never held by this policy. The decider's own exemption is not in here. */
BOOLEAN PolicyExempts(_In_ const SALLYPORT_POLICY *policy, UINT64 processId);

/** Translates SALLYPORT_VERDICT_BY_FILTER by the asking filter's flags; others stay. Never BY_FILTER. */
UCHAR PolicyVerdict(UCHAR verdict, UINT16 filterFlags);

#endif
