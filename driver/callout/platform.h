/*
 * The one place that decides what the kernel looks like. Three builds share every other file:
 *   WDK         real headers; include/, compat/ and native/ are not on the path
 *   mingw-w64   its ddk headers, our stand-in for fwpsk.h and ndis.h in include/
 *   native      Linux, native/include/ntddk.h over threads, and the same stand-in: tests under sanitizers
 */
#ifndef SALLYPORT_PLATFORM_H
#define SALLYPORT_PLATFORM_H

#ifndef NDIS60
#define NDIS60 1
#endif
#ifndef NDIS_SUPPORT_NDIS6
#define NDIS_SUPPORT_NDIS6 1
#endif

#include <ntifs.h>
#include <wdmsec.h>

/* ndis.h and fwpsk.h have nameless unions, which /W4 with /WX refuses (C4201). */
#ifdef _MSC_VER
#pragma warning(push)
#pragma warning(disable : 4201)
#endif
#include <fwpsk.h>
#ifdef _MSC_VER
#pragma warning(pop)
#endif

#if defined(__MINGW32__) || defined(SALLYPORT_NATIVE)
#include "compat/compat.h"
#endif

/*
 * A UNICODE_STRING of a literal. RTL_CONSTANT_STRING checks its type by dividing by the size of a char, which clang takes
 * for a mistaken count of elements (-Wsizeof-array-div) although the macro stands in a system header.
 */
#define SALLYPORT_STRING(literal) { sizeof(literal) - sizeof((literal)[0]), sizeof(literal), (WCHAR *)(literal) }

/* "Sprt" in !poolused; written as a number because a multi-character constant is no portable C. */
#define SALLYPORT_POOL_TAG 0x74727053

#endif
