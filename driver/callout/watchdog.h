/*
 * One system thread: completes what reaches its deadline and what must not be completed where it was decided (in a
 * classify or a closure), and forgets what expires. At PASSIVE_LEVEL.
 */
#ifndef SALLYPORT_WATCHDOG_H
#define SALLYPORT_WATCHDOG_H

#include "platform.h"

_Must_inspect_result_ _IRQL_requires_(PASSIVE_LEVEL) NTSTATUS WatchdogInitialize(VOID);
/** Waits until the thread has ended. */
_IRQL_requires_(PASSIVE_LEVEL) VOID WatchdogUninitialize(VOID);
/** Looks now instead of at the next deadline. Before WatchdogInitialize and after WatchdogUninitialize: nothing. */
_IRQL_requires_max_(DISPATCH_LEVEL) VOID WatchdogWake(VOID);

#endif
