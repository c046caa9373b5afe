#include "modules.h"

#include "redirect.h"
#include "stream.h"

static DEVICE_OBJECT *Device;
static KEVENT Turn; /* a mutex that leaves the thread at PASSIVE_LEVEL, as FwpsCalloutRegister needs it */
static volatile LONG Registered;
static const CLIENT *Owner; /* in turn; who has set what is registered, only ever compared. NULL: nobody */

typedef struct MODULE {
    ULONG bit;
    NTSTATUS (*start)(DEVICE_OBJECT *device, const SALLYPORT_MODULES *modules);
    VOID (*stop)(VOID);
} MODULE;

static const MODULE Modules[] = {
    { SALLYPORT_MODULE_REDIRECT, RedirectStart, RedirectStop },
    { SALLYPORT_MODULE_STREAM, StreamStart, StreamStop },
};

_Use_decl_annotations_ VOID ModulesInitialize(DEVICE_OBJECT *device)
{
    Device = device;
    Registered = 0;
    Owner = NULL;
    KeInitializeEvent(&Turn, SynchronizationEvent, TRUE);
}

static BOOLEAN Valid(_In_ const SALLYPORT_MODULES *modules)
{
    if ((modules->modules & ~(SALLYPORT_MODULE_REDIRECT | SALLYPORT_MODULE_STREAM)) != 0 || modules->reserved0 != 0 ||
        modules->reserved1 != 0) {
        return FALSE;
    }
    if ((modules->modules & SALLYPORT_MODULE_REDIRECT) != 0 &&
        (modules->proxyProcessId == 0 || modules->proxyProcessId > MAXULONG || modules->proxyPortHost == 0)) {
        return FALSE;
    }
    return (modules->modules & SALLYPORT_MODULE_STREAM) == 0 ||
           (modules->streamBytes >= 1 && modules->streamBytes <= SALLYPORT_MAX_STREAM_BYTES && modules->streamFlows >= 1 &&
            modules->streamFlows <= SALLYPORT_MAX_STREAM_FLOWS);
}

/* In turn. */
static NTSTATUS Change(_In_ const SALLYPORT_MODULES *modules)
{
    NTSTATUS result = STATUS_SUCCESS;
    ULONG i;
    for (i = 0; i < sizeof(Modules) / sizeof(Modules[0]); i++) {
        const MODULE *module = &Modules[i];
        if ((ModulesRegistered() & module->bit) != 0) {
            module->stop();
            InterlockedAnd(&Registered, ~(LONG)module->bit);
        }
        if ((modules->modules & module->bit) != 0) {
            NTSTATUS status = module->start(Device, modules);
            if (NT_SUCCESS(status)) {
                InterlockedOr(&Registered, (LONG)module->bit);
            } else {
                result = status;
            }
        }
    }
    return result;
}

static VOID TakeTurn(VOID)
{
    (VOID)KeWaitForSingleObject(&Turn, Executive, KernelMode, FALSE, NULL);
}

static VOID GiveTurn(VOID)
{
    (VOID)KeSetEvent(&Turn, IO_NO_INCREMENT, FALSE);
}

/* In turn. */
static VOID StopAll(VOID)
{
    SALLYPORT_MODULES none;
    RtlZeroMemory(&none, sizeof(none));
    (VOID)Change(&none);
    Owner = NULL;
}

_Use_decl_annotations_ NTSTATUS ModulesSet(CLIENT *decider, const SALLYPORT_MODULES *modules)
{
    NTSTATUS status = STATUS_CANCELLED;
    if (!Valid(modules)) {
        return STATUS_INVALID_PARAMETER;
    }
    TakeTurn();
    /* Its handle may have been closed since the call began: its modules were ended then, and nobody would end these. */
    if (ClientsIsDecider(decider)) {
        status = Change(modules);
        Owner = decider;
    }
    GiveTurn();
    return status;
}

_Use_decl_annotations_ VOID ModulesEnd(const CLIENT *decider)
{
    TakeTurn();
    /* The next decider may have come, and set its own, before this one's end has got its turn. */
    if (Owner == decider) {
        StopAll();
    }
    GiveTurn();
}

_Use_decl_annotations_ VOID ModulesStop(VOID)
{
    TakeTurn();
    StopAll();
    GiveTurn();
}

ULONG ModulesRegistered(VOID)
{
    return (ULONG)InterlockedCompareExchange(&Registered, 0, 0);
}
