#include "control.h"

#include "hold.h"
#include "modules.h"
#include "policy.h"
#include "statistics.h"
#include "table.h"

_Use_decl_annotations_ NTSTATUS ControlNextEvents(CLIENT *client, IRP *irp)
{
    IO_STACK_LOCATION *stack = IoGetCurrentIrpStackLocation(irp);
    if (ClientRole(client) == SALLYPORT_ROLE_NONE) {
        return STATUS_ACCESS_DENIED;
    }
    if (stack->Parameters.DeviceIoControl.InputBufferLength != 0) {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    if (stack->Parameters.DeviceIoControl.OutputBufferLength < SALLYPORT_MIN_EVENT_BUFFER) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    return ClientQueueIrp(client, irp);
}

static NTSTATUS Attach(_In_ CLIENT *client, UINT64 processId, ULONG role, _Inout_ VOID *buffer, _Out_ ULONG *written)
{
    SALLYPORT_HELLO hello = *(SALLYPORT_HELLO *)buffer;
    SALLYPORT_WELCOME *welcome = buffer;
    CLIENT_COUNTS counts;
    ULONG held = 0;
    NTSTATUS status;

    if (hello.magic != SALLYPORT_MAGIC || hello.reserved0 != 0 || hello.reserved1 != 0) {
        return STATUS_INVALID_PARAMETER;
    }
    if (hello.version == SALLYPORT_CONTRACT_VERSION) {
        status = ClientPrepare(client, role);
        if (NT_SUCCESS(status)) {
            status = TableAttach(client, role, processId, &held);
        }
        if (!NT_SUCCESS(status)) {
            return status;
        }
        if (role == SALLYPORT_ROLE_DECIDER) {
            ClientsPost(EventState(TRUE, processId, ModulesRegistered()));
        }
    }
    RtlZeroMemory(welcome, sizeof(*welcome));
    welcome->version = SALLYPORT_CONTRACT_VERSION;
    welcome->magic = SALLYPORT_MAGIC;
    welcome->driverVersion = SALLYPORT_DRIVER_VERSION;
    if (hello.version == SALLYPORT_CONTRACT_VERSION) {
        counts = ClientsCount();
        welcome->accepted = 1;
        welcome->role = role;
        welcome->heldCount = held;
        welcome->deciderAttached = counts.decider;
        welcome->observerCount = counts.observers;
        welcome->modules = ModulesRegistered();
        welcome->instanceId = EventInstanceId();
    }
    *written = sizeof(*welcome);
    return STATUS_SUCCESS;
}

static NTSTATUS Answer(_Inout_ VOID *buffer, ULONG inputLength, ULONG outputLength, _Out_ ULONG *written)
{
    SALLYPORT_VERDICT_BATCH *batch = buffer;
    SALLYPORT_VERDICT_RESULTS *results = buffer;
    SALLYPORT_VERDICT_RESULT *result;
    SALLYPORT_VERDICT *verdicts;
    ULONG count, i;

    if (inputLength < sizeof(*batch)) {
        return STATUS_INFO_LENGTH_MISMATCH; /* there may be no buffer at all */
    }
    verdicts = (SALLYPORT_VERDICT *)(batch + 1);
    result = (SALLYPORT_VERDICT_RESULT *)(results + 1);
    if (batch->version != SALLYPORT_CONTRACT_VERSION) {
        return STATUS_REVISION_MISMATCH;
    }
    count = batch->count;
    if (count < 1 || count > SALLYPORT_MAX_VERDICTS) {
        return STATUS_INVALID_PARAMETER;
    }
    if (inputLength != sizeof(*batch) + count * sizeof(*verdicts)) {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    if (outputLength < sizeof(*results) + count * sizeof(*result)) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    for (i = 0; i < count; i++) {
        if ((verdicts[i].verdict != SALLYPORT_VERDICT_PERMIT && verdicts[i].verdict != SALLYPORT_VERDICT_BLOCK) ||
            (verdicts[i].flags & ~SALLYPORT_VERDICT_FLAG_HARD) != 0) {
            return STATUS_INVALID_PARAMETER;
        }
    }
    /* Verdicts and results have the same size and lie in the same buffer: each is read before its result is written. */
    for (i = 0; i < count; i++) {
        SALLYPORT_VERDICT verdict = verdicts[i];
        BOOLEAN held = HoldAnswer(verdict.requestId, (UCHAR)verdict.verdict, (verdict.flags & SALLYPORT_VERDICT_FLAG_HARD) != 0);
        result[i].requestId = verdict.requestId;
        result[i].result = held ? SALLYPORT_RESULT_ACCEPTED : SALLYPORT_RESULT_NOT_HELD;
        result[i].reserved0 = 0;
    }
    results->version = SALLYPORT_CONTRACT_VERSION;
    results->count = count;
    *written = (ULONG)(sizeof(*results) + count * sizeof(*result));
    return STATUS_SUCCESS;
}

static NTSTATUS ChangePolicy(_In_ CLIENT *client, _In_ const VOID *buffer)
{
    SALLYPORT_POLICY policy = *(const SALLYPORT_POLICY *)buffer;
    NTSTATUS status;
    if (policy.version != SALLYPORT_CONTRACT_VERSION) {
        return STATUS_REVISION_MISMATCH;
    }
    status = PolicySet(client, &policy);
    if (NT_SUCCESS(status)) {
        ClientsPost(EventState(ClientsCount().decider, ClientsDeciderProcessId(), ModulesRegistered()));
    }
    return status;
}

static NTSTATUS ChangeModules(_In_ CLIENT *client, _In_ const VOID *buffer)
{
    SALLYPORT_MODULES modules = *(const SALLYPORT_MODULES *)buffer;
    NTSTATUS status;
    if (modules.version != SALLYPORT_CONTRACT_VERSION) {
        return STATUS_REVISION_MISMATCH;
    }
    status = ModulesSet(client, &modules);
    if (status != STATUS_INVALID_PARAMETER && status != STATUS_CANCELLED) {
        ClientsPost(EventState(ClientsCount().decider, ClientsDeciderProcessId(), ModulesRegistered()));
    }
    return status;
}

typedef struct CODE {
    ULONG code;
    ULONG input;  /* exact length; COMPLETE checks its own */
    ULONG output; /* least length */
    ULONG role;   /* SALLYPORT_ROLE_NONE: any handle; _OBSERVER: any attached one; _DECIDER */
} CODE;

static const CODE Codes[] = {
    { SALLYPORT_IOCTL_ATTACH_OBSERVER, sizeof(SALLYPORT_HELLO), sizeof(SALLYPORT_WELCOME), SALLYPORT_ROLE_NONE },
    { SALLYPORT_IOCTL_ATTACH_DECIDER, sizeof(SALLYPORT_HELLO), sizeof(SALLYPORT_WELCOME), SALLYPORT_ROLE_NONE },
    { SALLYPORT_IOCTL_COMPLETE, MAXULONG, 0, SALLYPORT_ROLE_DECIDER },
    { SALLYPORT_IOCTL_SET_POLICY, sizeof(SALLYPORT_POLICY), 0, SALLYPORT_ROLE_DECIDER },
    { SALLYPORT_IOCTL_GET_POLICY, 0, sizeof(SALLYPORT_POLICY), SALLYPORT_ROLE_OBSERVER },
    { SALLYPORT_IOCTL_GET_STATISTICS, 0, sizeof(SALLYPORT_STATISTICS), SALLYPORT_ROLE_OBSERVER },
    { SALLYPORT_IOCTL_SET_MODULES, sizeof(SALLYPORT_MODULES), 0, SALLYPORT_ROLE_DECIDER },
};

/* Lengths and role, so that no handler sees less than its structure. */
static NTSTATUS Check(_In_ CLIENT *client, ULONG code, ULONG inputLength, ULONG outputLength)
{
    ULONG i;
    for (i = 0; i < sizeof(Codes) / sizeof(Codes[0]); i++) {
        if (Codes[i].code != code) {
            continue;
        }
        if ((Codes[i].role == SALLYPORT_ROLE_DECIDER && ClientRole(client) != SALLYPORT_ROLE_DECIDER) ||
            (Codes[i].role == SALLYPORT_ROLE_OBSERVER && ClientRole(client) == SALLYPORT_ROLE_NONE)) {
            return STATUS_ACCESS_DENIED;
        }
        if (Codes[i].input != MAXULONG && inputLength != Codes[i].input) {
            return STATUS_INFO_LENGTH_MISMATCH;
        }
        return outputLength < Codes[i].output ? STATUS_BUFFER_TOO_SMALL : STATUS_SUCCESS;
    }
    return STATUS_INVALID_DEVICE_REQUEST;
}

_Use_decl_annotations_ NTSTATUS ControlDispatch(CLIENT *client, UINT64 processId, ULONG code, VOID *buffer, ULONG inputLength,
                                                ULONG outputLength, ULONG *written)
{
    NTSTATUS status = Check(client, code, inputLength, outputLength);
    *written = 0;
    if (!NT_SUCCESS(status)) {
        return status;
    }
    switch (code) {
    case SALLYPORT_IOCTL_ATTACH_OBSERVER:
        return Attach(client, processId, SALLYPORT_ROLE_OBSERVER, buffer, written);
    case SALLYPORT_IOCTL_ATTACH_DECIDER:
        return Attach(client, processId, SALLYPORT_ROLE_DECIDER, buffer, written);
    case SALLYPORT_IOCTL_COMPLETE:
        return Answer(buffer, inputLength, outputLength, written);
    case SALLYPORT_IOCTL_SET_POLICY:
        return ChangePolicy(client, buffer);
    case SALLYPORT_IOCTL_GET_POLICY:
        PolicyGet(buffer);
        *written = sizeof(SALLYPORT_POLICY);
        return STATUS_SUCCESS;
    case SALLYPORT_IOCTL_GET_STATISTICS:
        StatisticsRead(buffer);
        *written = sizeof(SALLYPORT_STATISTICS);
        return STATUS_SUCCESS;
    default:
        return ChangeModules(client, buffer);
    }
}
