/*
 * The inverted calls of one client: requests that wait until there is an event to complete them with. A cancel-safe
 * queue (IoCsqInitializeEx); its lock is the innermost of the driver (client.h).
 */
#ifndef SALLYPORT_CALLS_H
#define SALLYPORT_CALLS_H

#include "ioctl.h"
#include "platform.h"

typedef struct CALLS {
    IO_CSQ csq;
    KSPIN_LOCK lock; /* the csq's own */
    _Guarded_by_(lock) LIST_ENTRY irps;
    _Guarded_by_(lock) ULONG count;
    _Guarded_by_(lock) BOOLEAN closed;
} CALLS;

_Must_inspect_result_ _IRQL_requires_max_(DISPATCH_LEVEL) NTSTATUS CallsInitialize(_Out_ CALLS *calls);

/**
 * Queues a request and marks it pending; on success it is not the caller's any more. A request that was taken out may be
 * put back.
 * @retval STATUS_CANCELLED              CallsClose was called
 * @retval STATUS_INSUFFICIENT_RESOURCES SALLYPORT_MAX_INVERTED_CALLS wait already
 */
_Must_inspect_result_ _IRQL_requires_max_(DISPATCH_LEVEL) NTSTATUS CallsQueue(_Inout_ CALLS *calls, _In_ IRP *irp);

/** The oldest request, for the caller to complete; NULL: none waits. */
_Must_inspect_result_ _IRQL_requires_max_(DISPATCH_LEVEL) IRP *CallsTake(_Inout_ CALLS *calls);

/** Completes all with STATUS_CANCELLED and refuses every later one. No lock held. */
_IRQL_requires_max_(DISPATCH_LEVEL) VOID CallsClose(_Inout_ CALLS *calls);

/** Completes a request that was taken. No lock held. */
_IRQL_requires_max_(DISPATCH_LEVEL) VOID CallsFinish(_In_ IRP *irp, NTSTATUS status, ULONG bytes);

#endif
