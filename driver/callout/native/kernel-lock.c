/* Spin locks: a word that spins, so that the sanitizers see what real ones would give. */
#define _GNU_SOURCE
#include <sched.h>

#include "kernel.h"

VOID KeInitializeSpinLock(KSPIN_LOCK *lock)
{
    *lock = 0;
}

static uintptr_t Self(void)
{
    static _Thread_local char self;
    return (uintptr_t)&self;
}

VOID KeAcquireSpinLockAtDpcLevel(KSPIN_LOCK *lock)
{
    uintptr_t expected = 0;
    if (KernelIrql < DISPATCH_LEVEL) {
        Violation("KeAcquireSpinLockAtDpcLevel at IRQL %u", KernelIrql);
    }
    if (__atomic_load_n(lock, __ATOMIC_RELAXED) == Self()) {
        Violation("spin lock acquired twice by one thread");
    }
    while (!__atomic_compare_exchange_n(lock, &expected, Self(), 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
        expected = 0;
        sched_yield();
    }
    KernelLocksHeld++;
}

VOID KeReleaseSpinLockFromDpcLevel(KSPIN_LOCK *lock)
{
    if (__atomic_load_n(lock, __ATOMIC_RELAXED) != Self()) {
        Violation("spin lock released by a thread that does not hold it");
    }
    KernelLocksHeld--;
    __atomic_store_n(lock, 0, __ATOMIC_RELEASE);
}

VOID NativeAcquire(KSPIN_LOCK *lock, KIRQL *irql)
{
    KernelCheckIrql("KeAcquireSpinLock", DISPATCH_LEVEL);
    *irql = KernelIrql;
    KernelIrql = DISPATCH_LEVEL;
    KeAcquireSpinLockAtDpcLevel(lock);
}

VOID KeReleaseSpinLock(KSPIN_LOCK *lock, KIRQL irql)
{
    KeReleaseSpinLockFromDpcLevel(lock);
    KernelIrql = irql;
}

static KSPIN_LOCK CancelLock;

VOID IoAcquireCancelSpinLock(KIRQL *irql)
{
    NativeAcquire(&CancelLock, irql);
}

VOID IoReleaseCancelSpinLock(KIRQL irql)
{
    KeReleaseSpinLock(&CancelLock, irql);
}
