/*
 * The cancel-safe queue, for systems whose kernel does not bring a working one (Wine exports the names only) and for
 * the native tests, as Microsoft's csq.lib once did. The names and contracts are those of the documentation; a WDK
 * build uses the kernel's.
 */
#include "../platform.h"

static NTSTATUS NTAPI NoInsert(PIO_CSQ csq, PIRP irp, PVOID context)
{
    UNREFERENCED_PARAMETER(csq);
    UNREFERENCED_PARAMETER(irp);
    UNREFERENCED_PARAMETER(context);
    return STATUS_NOT_SUPPORTED;
}

/* A request in the queue points to it; a request taken out does not, so that who comes second sees it. */
static VOID NTAPI Cancel(PDEVICE_OBJECT device, PIRP irp)
{
    PIO_CSQ csq;
    KIRQL irql;
    UNREFERENCED_PARAMETER(device);
    csq = irp->Tail.Overlay.DriverContext[3];
    IoReleaseCancelSpinLock(irp->CancelIrql);
    csq->CsqAcquireLock(csq, &irql);
    csq->CsqRemoveIrp(csq, irp);
    irp->Tail.Overlay.DriverContext[3] = NULL;
    csq->CsqReleaseLock(csq, irql);
    csq->CsqCompleteCanceledIrp(csq, irp);
}

NTSTATUS NTAPI IoCsqInitializeEx(PIO_CSQ csq, PIO_CSQ_INSERT_IRP_EX insert, PIO_CSQ_REMOVE_IRP remove,
                                 PIO_CSQ_PEEK_NEXT_IRP peek, PIO_CSQ_ACQUIRE_LOCK acquire, PIO_CSQ_RELEASE_LOCK release,
                                 PIO_CSQ_COMPLETE_CANCELED_IRP completeCancelled)
{
    csq->Type = IO_TYPE_CSQ_EX;
    csq->CsqInsertIrp = (PIO_CSQ_INSERT_IRP)(PVOID)(insert == NULL ? NoInsert : insert);
    csq->CsqRemoveIrp = remove;
    csq->CsqPeekNextIrp = peek;
    csq->CsqAcquireLock = acquire;
    csq->CsqReleaseLock = release;
    csq->CsqCompleteCanceledIrp = completeCancelled;
    csq->ReservePointer = NULL;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI IoCsqInsertIrpEx(PIO_CSQ csq, PIRP irp, PIO_CSQ_IRP_CONTEXT irpContext, PVOID insertContext)
{
    NTSTATUS status;
    KIRQL irql;
    UNREFERENCED_PARAMETER(irpContext);
    csq->CsqAcquireLock(csq, &irql);
    irp->Tail.Overlay.DriverContext[3] = csq;
    status = ((PIO_CSQ_INSERT_IRP_EX)(PVOID)csq->CsqInsertIrp)(csq, irp, insertContext);
    if (!NT_SUCCESS(status)) {
        irp->Tail.Overlay.DriverContext[3] = NULL;
        csq->CsqReleaseLock(csq, irql);
        return status;
    }
    IoMarkIrpPending(irp);
    (VOID)IoSetCancelRoutine(irp, Cancel);
    if (irp->Cancel && IoSetCancelRoutine(irp, NULL) != NULL) {
        /* Cancelled before it was in the queue, and nobody has called the routine: it is ours to end. */
        csq->CsqRemoveIrp(csq, irp);
        irp->Tail.Overlay.DriverContext[3] = NULL;
        csq->CsqReleaseLock(csq, irql);
        csq->CsqCompleteCanceledIrp(csq, irp);
        return STATUS_SUCCESS;
    }
    csq->CsqReleaseLock(csq, irql);
    return STATUS_SUCCESS;
}

PIRP NTAPI IoCsqRemoveNextIrp(PIO_CSQ csq, PVOID peekContext)
{
    PIRP irp = NULL;
    KIRQL irql;
    csq->CsqAcquireLock(csq, &irql);
    while ((irp = csq->CsqPeekNextIrp(csq, irp, peekContext)) != NULL) {
        if (IoSetCancelRoutine(irp, NULL) == NULL) {
            continue; /* the cancel routine runs and waits for the lock: the request is its own */
        }
        csq->CsqRemoveIrp(csq, irp);
        irp->Tail.Overlay.DriverContext[3] = NULL;
        break;
    }
    csq->CsqReleaseLock(csq, irql);
    return irp;
}
