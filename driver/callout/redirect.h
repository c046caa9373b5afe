/* Optional module: TCP connects that a filter at ALE_CONNECT_REDIRECT selects go to a local proxy. */
#ifndef SALLYPORT_REDIRECT_H
#define SALLYPORT_REDIRECT_H

#include "ioctl.h"
#include "platform.h"

/**
 * Registers the callouts. The proxy reads the original destination, a SOCKADDR_STORAGE, with
 * SIO_QUERY_WFP_CONNECTION_REDIRECT_CONTEXT and marks its own connection with SIO_SET_WFP_CONNECTION_REDIRECT_RECORDS.
 */
_Must_inspect_result_ _IRQL_requires_(PASSIVE_LEVEL) NTSTATUS RedirectStart(_In_ DEVICE_OBJECT *device,
                                                                           _In_ const SALLYPORT_MODULES *modules);
_IRQL_requires_(PASSIVE_LEVEL) VOID RedirectStop(VOID);

#endif
