/* Registering callouts with the filter engine, all or none, and unregistering them until the engine lets go. */
#ifndef SALLYPORT_CALLOUT_H
#define SALLYPORT_CALLOUT_H

#include "ioctl.h"
#include "platform.h"

typedef struct CALLOUT {
    GUID key;
    UINT32 flags; /**< FWP_CALLOUT_FLAG_ */
    FWPS_CALLOUT_CLASSIFY_FN2 classify;
    FWPS_CALLOUT_FLOW_DELETE_NOTIFY_FN0 flowDelete; /**< NULL without flow contexts. */
} CALLOUT;

/** @param ids receives `count` run-time ids; all zero on failure, and nothing is registered then. */
_Must_inspect_result_ _IRQL_requires_(PASSIVE_LEVEL) NTSTATUS
    CalloutsRegister(_In_ DEVICE_OBJECT *device, _In_ const CALLOUT *callouts, ULONG count, _Out_ UINT32 *ids);

/**
 * Returns when none of them can be called any more. The engine answers STATUS_DEVICE_BUSY or STATUS_FWP_IN_USE while a
 * classify runs or a flow context exists: unloading before it has let go is a bugcheck, so this waits.
 */
_IRQL_requires_(PASSIVE_LEVEL) VOID CalloutsUnregister(_Inout_ UINT32 *ids, ULONG count);

/** The six callouts that are always there: authorization and endpoint closure. */
_Must_inspect_result_ _IRQL_requires_(PASSIVE_LEVEL) NTSTATUS CalloutInitialize(_In_ DEVICE_OBJECT *device);
_IRQL_requires_(PASSIVE_LEVEL) VOID CalloutUninitialize(VOID);

#endif
