/* Which optional modules are registered. Changes come one after the other. */
#ifndef SALLYPORT_MODULES_H
#define SALLYPORT_MODULES_H

#include "ioctl.h"
#include "platform.h"

_IRQL_requires_(PASSIVE_LEVEL) VOID ModulesInitialize(_In_ DEVICE_OBJECT *device);

/**
 * Registers and unregisters until exactly `modules->modules` are there; a module that stays with other settings is
 * restarted. On failure the module that failed is off and the others are as asked for.
 * @retval STATUS_INVALID_PARAMETER a value is out of its range; nothing changed
 */
_Must_inspect_result_ _IRQL_requires_(PASSIVE_LEVEL) NTSTATUS ModulesSet(_In_ const SALLYPORT_MODULES *modules);

/** Ends all modules. */
_IRQL_requires_(PASSIVE_LEVEL) VOID ModulesStop(VOID);

/** SALLYPORT_MODULE_ bits. */
ULONG ModulesRegistered(VOID);

#endif
