/* The control codes of ioctl.h: everything a client sends is checked here, before anything is done with it. */
#ifndef SALLYPORT_CONTROL_H
#define SALLYPORT_CONTROL_H

#include "client.h"
#include "platform.h"

/** Major 0, minor 1, patch 0. */
#define SALLYPORT_DRIVER_VERSION 0x00000100u

/** SALLYPORT_IOCTL_NEXT_EVENTS. STATUS_PENDING: the request belongs to the client's queue. */
_Must_inspect_result_ _IRQL_requires_(PASSIVE_LEVEL) NTSTATUS ControlNextEvents(_In_ CLIENT *client, _In_ IRP *irp);

/**
 * All other codes. Input and output share `buffer` (METHOD_BUFFERED), which is as long as the longer of both.
 * @param written bytes of output; 0 unless the status is a success
 */
_IRQL_requires_(PASSIVE_LEVEL) NTSTATUS ControlDispatch(_In_ CLIENT *client, UINT64 processId, ULONG code,
                                                       _Inout_opt_ VOID *buffer, ULONG inputLength, ULONG outputLength,
                                                       _Out_ ULONG *written);

#endif
