/* Leaving the working state: nothing may be held across a sleep. */
#ifndef SALLYPORT_POWER_H
#define SALLYPORT_POWER_H

#include "platform.h"

/** Registers with \Callback\PowerState. */
_Must_inspect_result_ _IRQL_requires_(PASSIVE_LEVEL) NTSTATUS PowerInitialize(VOID);
_IRQL_requires_(PASSIVE_LEVEL) VOID PowerUninitialize(VOID);

#endif
