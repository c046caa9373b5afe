/* Non-paged, non-executable memory, always zeroed: what reaches user mode can hold nothing of its former owner. */
#ifndef SALLYPORT_POOL_H
#define SALLYPORT_POOL_H

#include "platform.h"

/** @returns NULL when there is no memory; the caller has a written answer for that. */
_Must_inspect_result_ _IRQL_requires_max_(DISPATCH_LEVEL) PVOID PoolAllocate(_In_ SIZE_T bytes);

/** NULL is allowed. */
_IRQL_requires_max_(DISPATCH_LEVEL) VOID PoolFree(_In_opt_ PVOID memory);

#endif
