/*
 * What the files of the stand-in kernel share. Tests see native.h.
 *   kernel.c          IRQL, the caller's process, calls that fail
 *   kernel-pool.c     pool, MDLs, what is left at the end
 *   kernel-lock.c     spin locks
 *   kernel-wait.c     events, threads, time
 *   kernel-power.c    the power callback
 *   kernel-request.c  devices, requests, handles, loading
 */
#ifndef SALLYPORT_NATIVE_KERNEL_H
#define SALLYPORT_NATIVE_KERNEL_H

#include <pthread.h>

#include "native.h"

extern _Thread_local KIRQL KernelIrql;
extern _Thread_local int KernelLocksHeld;
/** Aborts when the IRQL is above `most`; unlike NativeCheckCall it allows a spin lock. */
void KernelCheckIrql(const char *what, KIRQL most);

/** What exists now and must be gone at the end. */
typedef struct KERNEL_LEFT {
    size_t poolBytes, mdls, devices, links, callbacks, threadObjects, threadHandles;
} KERNEL_LEFT;

extern KERNEL_LEFT KernelLeft;
void KernelCount(size_t *counter, int by);

struct THREAD;
/** Gives back one reference of what PsCreateSystemThread or ObReferenceObjectByHandle has given. */
void KernelReleaseThread(struct THREAD *thread);

/** Guards every event, the end of threads and of requests, and the steps of the clock. */
extern pthread_mutex_t KernelWaitLock;
extern pthread_cond_t KernelWaitCondition;

#endif
