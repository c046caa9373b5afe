/*
 * A Base Filtering Engine for the lab: fwpuclnt.dll with the documented behaviour of the functions that Sallyport uses, written from
 * Microsoft's pages against mingw-w64's headers, as strict as it can be. It exists for tests and enforces nothing.
 * Sources: https://learn.microsoft.com/windows/win32/fwp/object-management and the pages of the functions.
 */
#pragma once
#define _WIN32_WINNT 0x0A00
#define NTDDI_VERSION 0x0A000000
#include <winsock2.h>
#include <windows.h>
#include <stdio.h>
#include <stddef.h>
#include <fwpmu.h>

/* fwpmu.h of the Windows SDK has these, mingw-w64's has not. */
#define FWPM_SESSION_FLAG_DYNAMIC 1u
#define FWPM_TXN_READ_ONLY 1u
#define FWPM_PROVIDER_FLAG_PERSISTENT 1u
#define FWPM_PROVIDER_CONTEXT_FLAG_PERSISTENT 1u
#define FWPM_SUBLAYER_FLAG_PERSISTENT 1u
#define FWPM_CALLOUT_FLAG_PERSISTENT 0x10000u
#define FWPM_CALLOUT_FLAG_USES_PROVIDER_CONTEXT 0x20000u
#define FWPM_FILTER_FLAG_PERSISTENT 1u
#define FWPM_FILTER_FLAG_BOOTTIME 2u
#define FWPM_FILTER_FLAG_HAS_PROVIDER_CONTEXT 4u
#define FWPM_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED 0x10u
#define FWPM_LAYER_FLAG_KERNEL 1u
#define FWPM_SUBSCRIPTION_FLAG_NOTIFY_ON_ADD 1u
#define FWPM_SUBSCRIPTION_FLAG_NOTIFY_ON_DELETE 2u

enum kind { KIND_PROVIDER, KIND_PROVIDER_CONTEXT, KIND_SUBLAYER, KIND_CALLOUT, KIND_FILTER, KIND_LAYER, KIND_SESSION, KIND_COUNT };

/** True when the caller may read `size` bytes there. */
int readable(const void *memory, SIZE_T size);
/** One line of JSON for the test to read; `text` is an object's inside. */
void trace(const char *format, ...) __attribute__((format(printf, 1, 2)));
/** The caller broke a rule that Windows would not report but suffer from. The test fails on any such line. */
void violation(const char *format, ...) __attribute__((format(printf, 1, 2)));
