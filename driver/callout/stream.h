/* Optional module: a bounded copy of the first bytes of new TCP flows, for names in TLS and HTTP. Never changes data. */
#ifndef SALLYPORT_STREAM_H
#define SALLYPORT_STREAM_H

#include "ioctl.h"
#include "platform.h"

/** Registers at ALE_FLOW_ESTABLISHED (to know whose flow it is) and STREAM. Flows that exist already are not seen. */
_Must_inspect_result_ _IRQL_requires_(PASSIVE_LEVEL) NTSTATUS StreamStart(_In_ DEVICE_OBJECT *device,
                                                                         _In_ const SALLYPORT_MODULES *modules);
/** Takes every flow context back and returns when none is left. */
_IRQL_requires_(PASSIVE_LEVEL) VOID StreamStop(VOID);

#endif
