#include "power.h"

#include "hold.h"
#include "table.h"

static PCALLBACK_OBJECT Object;
static PVOID Registration;

static CALLBACK_FUNCTION PowerState;

/* Argument1 PO_CB_SYSTEM_STATE_LOCK: Argument2 0, about to leave S0; 1, back in it (ExRegisterCallback, "\Callback\PowerState"). */
_Use_decl_annotations_ static VOID NTAPI PowerState(PVOID context, PVOID what, PVOID value)
{
    UNREFERENCED_PARAMETER(context);
    if ((ULONG_PTR)what != PO_CB_SYSTEM_STATE_LOCK) {
        return;
    }
    if ((ULONG_PTR)value == 0) {
        TableClose(SALLYPORT_REASON_POWER);
        (VOID)TableDecideAll(SALLYPORT_VERDICT_BLOCK, SALLYPORT_REASON_POWER);
        HoldCompleteReady();
    } else {
        TableOpen(SALLYPORT_REASON_POWER);
    }
}

_Use_decl_annotations_ NTSTATUS PowerInitialize(VOID)
{
    UNICODE_STRING name = SALLYPORT_STRING(L"\\Callback\\PowerState");
    OBJECT_ATTRIBUTES attributes;
    NTSTATUS status;
    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
    status = ExCreateCallback(&Object, &attributes, FALSE, TRUE);
    if (!NT_SUCCESS(status)) {
        return status;
    }
    Registration = ExRegisterCallback(Object, PowerState, NULL);
    if (Registration == NULL) {
        ObDereferenceObject(Object);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    return STATUS_SUCCESS;
}

_Use_decl_annotations_ VOID PowerUninitialize(VOID)
{
    ExUnregisterCallback(Registration);
    ObDereferenceObject(Object);
}
