/* The control device: who may open it, and what a handle is. */
#ifndef SALLYPORT_DEVICE_H
#define SALLYPORT_DEVICE_H

#include "platform.h"

/**
 * Creates the device and its link and sets the dispatch routines. Open to SYSTEM and Administrators only:
 * D:P(A;;GA;;;SY)(A;;GA;;;BA), for the device and every name below it (FILE_DEVICE_SECURE_OPEN).
 */
_Must_inspect_result_ _IRQL_requires_(PASSIVE_LEVEL) NTSTATUS DeviceInitialize(_In_ DRIVER_OBJECT *driver,
                                                                              _Out_ DEVICE_OBJECT **device);
_IRQL_requires_(PASSIVE_LEVEL) VOID DeviceUninitialize(_In_ DEVICE_OBJECT *device);

#endif
