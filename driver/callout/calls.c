#include "calls.h"

_Use_decl_annotations_ VOID CallsFinish(IRP *irp, NTSTATUS status, ULONG bytes)
{
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = bytes;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
}

/* The routines of the queue (IoCsqInitializeEx); all but the last under its lock. */
static IO_CSQ_INSERT_IRP_EX CsqInsert;
static IO_CSQ_REMOVE_IRP CsqRemove;
static IO_CSQ_PEEK_NEXT_IRP CsqPeek;
static IO_CSQ_COMPLETE_CANCELED_IRP CsqCancelled;

_Use_decl_annotations_ static NTSTATUS NTAPI CsqInsert(IO_CSQ *csq, IRP *irp, PVOID context)
{
    CALLS *calls = CONTAINING_RECORD(csq, CALLS, csq);
    UNREFERENCED_PARAMETER(context);
    if (calls->closed) {
        return STATUS_CANCELLED;
    }
    if (calls->count == SALLYPORT_MAX_INVERTED_CALLS) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    InsertTailList(&calls->irps, &irp->Tail.Overlay.ListEntry);
    calls->count++;
    return STATUS_SUCCESS;
}

_Use_decl_annotations_ static VOID NTAPI CsqRemove(IO_CSQ *csq, IRP *irp)
{
    CALLS *calls = CONTAINING_RECORD(csq, CALLS, csq);
    RemoveEntryList(&irp->Tail.Overlay.ListEntry);
    calls->count--;
}

_Use_decl_annotations_ static IRP *NTAPI CsqPeek(IO_CSQ *csq, IRP *irp, PVOID context)
{
    CALLS *calls = CONTAINING_RECORD(csq, CALLS, csq);
    LIST_ENTRY *next = irp == NULL ? calls->irps.Flink : irp->Tail.Overlay.ListEntry.Flink;
    UNREFERENCED_PARAMETER(context);
    return next == &calls->irps ? NULL : CONTAINING_RECORD(next, IRP, Tail.Overlay.ListEntry);
}

/* The types of these two say nothing of the level and the lock: the annotations are those of Microsoft's cancel sample. */
_IRQL_raises_(DISPATCH_LEVEL) _IRQL_requires_max_(DISPATCH_LEVEL) _Acquires_lock_(CONTAINING_RECORD(csq, CALLS, csq)->lock)
static VOID NTAPI CsqAcquire(_In_ IO_CSQ *csq, _Out_ _At_(*irql, _Post_ _IRQL_saves_) KIRQL *irql)
{
    KeAcquireSpinLock(&CONTAINING_RECORD(csq, CALLS, csq)->lock, irql);
}

_IRQL_requires_(DISPATCH_LEVEL) _Releases_lock_(CONTAINING_RECORD(csq, CALLS, csq)->lock)
static VOID NTAPI CsqRelease(_In_ IO_CSQ *csq, _In_ _IRQL_restores_ KIRQL irql)
{
    KeReleaseSpinLock(&CONTAINING_RECORD(csq, CALLS, csq)->lock, irql);
}

_Use_decl_annotations_ static VOID NTAPI CsqCancelled(IO_CSQ *csq, IRP *irp)
{
    UNREFERENCED_PARAMETER(csq);
    CallsFinish(irp, STATUS_CANCELLED, 0);
}

_Use_decl_annotations_ NTSTATUS CallsInitialize(CALLS *calls)
{
    KeInitializeSpinLock(&calls->lock);
    InitializeListHead(&calls->irps);
    calls->count = 0;
    calls->closed = FALSE;
    return IoCsqInitializeEx(&calls->csq, CsqInsert, CsqRemove, CsqPeek, CsqAcquire, CsqRelease, CsqCancelled);
}

_Use_decl_annotations_ NTSTATUS CallsQueue(CALLS *calls, IRP *irp)
{
    return IoCsqInsertIrpEx(&calls->csq, irp, NULL, NULL);
}

_Use_decl_annotations_ IRP *CallsTake(CALLS *calls)
{
    return IoCsqRemoveNextIrp(&calls->csq, NULL);
}

_Use_decl_annotations_ VOID CallsClose(CALLS *calls)
{
    KIRQL irql;
    IRP *irp;
    KeAcquireSpinLock(&calls->lock, &irql);
    calls->closed = TRUE;
    KeReleaseSpinLock(&calls->lock, irql);
    while ((irp = CallsTake(calls)) != NULL) {
        CallsFinish(irp, STATUS_CANCELLED, 0);
    }
}
