/* The kernel's part of the platform: what a thread may do at its IRQL, and calls that fail when a test wants it. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernel.h"

void Violation(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "VIOLATION: ");
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
    abort();
}

/* --- per thread --- */

_Thread_local KIRQL KernelIrql;
_Thread_local int KernelLocksHeld;
static _Thread_local UINT64 Process = 4;

KIRQL KeGetCurrentIrql(VOID)
{
    return KernelIrql;
}

KIRQL NativeSetIrql(KIRQL irql)
{
    KIRQL former = KernelIrql;
    KernelIrql = irql;
    return former;
}

void NativeSetProcess(UINT64 processId)
{
    Process = processId;
}

HANDLE PsGetCurrentProcessId(VOID)
{
    return (HANDLE)(uintptr_t)Process;
}

void KernelCheckIrql(const char *what, KIRQL most)
{
    if (KernelIrql > most) {
        Violation("%s at IRQL %u, at most %u is allowed", what, KernelIrql, most);
    }
}

void NativeCheckCall(const char *what, KIRQL most)
{
    KernelCheckIrql(what, most);
    if (KernelLocksHeld != 0) {
        Violation("%s with %d spin locks held", what, KernelLocksHeld);
    }
}

/* --- faults --- */

static long FailAt, CallCount;

void NativeFailCall(long n)
{
    __atomic_store_n(&CallCount, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&FailAt, n, __ATOMIC_SEQ_CST);
}

long NativeCalls(void)
{
    return __atomic_load_n(&CallCount, __ATOMIC_SEQ_CST);
}

BOOLEAN NativeFails(const char *what)
{
    long call = __atomic_add_fetch(&CallCount, 1, __ATOMIC_SEQ_CST);
    long at = __atomic_load_n(&FailAt, __ATOMIC_SEQ_CST);
    (void)what;
    return at < 0 ? call >= -at : call == at;
}
