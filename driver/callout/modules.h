/* Which optional modules are registered. Changes come one after the other. */
#ifndef SALLYPORT_MODULES_H
#define SALLYPORT_MODULES_H

#include "client.h"
#include "ioctl.h"
#include "platform.h"

_IRQL_requires_(PASSIVE_LEVEL) VOID ModulesInitialize(_In_ DEVICE_OBJECT *device);

/**
 * Registers and unregisters until exactly `modules->modules` are there, as `decider`'s; a module that stays with other
 * settings is restarted. On failure the module that failed is off and the others are as asked for.
 * @retval STATUS_INVALID_PARAMETER a value is out of its range; nothing changed
 * @retval STATUS_CANCELLED         `decider` has gone while this waited for its turn; nothing changed
 */
_Must_inspect_result_ _IRQL_requires_(PASSIVE_LEVEL) NTSTATUS
    ModulesSet(_In_ CLIENT *decider, _In_ const SALLYPORT_MODULES *modules);

/** Ends the modules that this decider has set: call it after the client is no decider any more. Another's stay. */
_IRQL_requires_(PASSIVE_LEVEL) VOID ModulesEnd(_In_ const CLIENT *decider);

/** Ends all modules. */
_IRQL_requires_(PASSIVE_LEVEL) VOID ModulesStop(VOID);

/** SALLYPORT_MODULE_ bits. */
ULONG ModulesRegistered(VOID);

#endif
