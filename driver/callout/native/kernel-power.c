/* The power callback. */
#define _GNU_SOURCE
#include <string.h>

#include "kernel.h"

struct NATIVE_CALLBACK {
    CALLBACK_FUNCTION *function;
    PVOID context;
};
static struct NATIVE_CALLBACK PowerCallback;

NTSTATUS ExCreateCallback(PCALLBACK_OBJECT *object, OBJECT_ATTRIBUTES *attributes, BOOLEAN create, BOOLEAN many)
{
    static const WCHAR name[] = L"\\Callback\\PowerState";
    (void)create;
    (void)many;
    NativeCheckCall("ExCreateCallback", PASSIVE_LEVEL);
    if (memcmp(attributes->name->Buffer, name, sizeof(name)) != 0) {
        Violation("ExCreateCallback of another name than \\Callback\\PowerState");
    }
    if (NativeFails("ExCreateCallback")) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    KernelCount(&KernelLeft.callbacks, 1);
    *object = &PowerCallback;
    return STATUS_SUCCESS;
}

PVOID ExRegisterCallback(PCALLBACK_OBJECT object, CALLBACK_FUNCTION *function, PVOID context)
{
    NativeCheckCall("ExRegisterCallback", APC_LEVEL);
    if (NativeFails("ExRegisterCallback")) {
        return NULL;
    }
    object->function = function;
    object->context = context;
    KernelCount(&KernelLeft.callbacks, 1);
    return object;
}

VOID ExUnregisterCallback(PVOID registration)
{
    NativeCheckCall("ExUnregisterCallback", APC_LEVEL);
    ((PCALLBACK_OBJECT)registration)->function = NULL;
    KernelCount(&KernelLeft.callbacks, -1);
}

void NativePower(BOOLEAN working)
{
    KIRQL irql = NativeSetIrql(DISPATCH_LEVEL);
    PowerCallback.function(PowerCallback.context, (PVOID)PO_CB_SYSTEM_STATE_LOCK, (PVOID)(ULONG_PTR)working);
    PowerCallback.function(PowerCallback.context, (PVOID)1, (PVOID)0); /* another argument: not ours */
    NativeSetIrql(irql);
}

VOID ObDereferenceObject(PVOID object)
{
    if (object == &PowerCallback) {
        KernelCount(&KernelLeft.callbacks, -1);
        return;
    }
    KernelCount(&KernelLeft.threadObjects, -1);
    KernelReleaseThread(object);
}
