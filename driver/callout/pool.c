#include "pool.h"

_Use_decl_annotations_ PVOID PoolAllocate(SIZE_T bytes)
{
    PVOID memory = ExAllocatePoolUninitialized(NonPagedPoolNx, bytes, SALLYPORT_POOL_TAG);
    if (memory != NULL) {
        RtlZeroMemory(memory, bytes);
    }
    return memory;
}

_Use_decl_annotations_ VOID PoolFree(PVOID memory)
{
    if (memory != NULL) {
        ExFreePoolWithTag(memory, SALLYPORT_POOL_TAG);
    }
}
