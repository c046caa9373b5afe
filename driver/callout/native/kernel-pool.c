/* Memory: pool and MDLs that tell leaks and double frees. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel.h"

typedef struct BLOCK {
    struct BLOCK *next, *previous;
    size_t bytes;
    ULONG tag;
    ULONG magic;
} BLOCK;

static pthread_mutex_t PoolLock = PTHREAD_MUTEX_INITIALIZER;
static BLOCK PoolList = { &PoolList, &PoolList, 0, 0, 0 };
KERNEL_LEFT KernelLeft;

#define BLOCK_MAGIC 0x600DB10Cu

PVOID ExAllocatePoolWithTag(POOL_TYPE type, SIZE_T bytes, ULONG tag)
{
    BLOCK *block;
    KernelCheckIrql("ExAllocatePoolWithTag", DISPATCH_LEVEL);
    if (type != NonPagedPoolNx) {
        Violation("pool of type %d: must be NonPagedPoolNx", (int)type);
    }
    if (bytes == 0) {
        Violation("pool allocation of 0 bytes");
    }
    if (NativeFails("ExAllocatePoolWithTag")) {
        return NULL;
    }
    block = malloc(sizeof(*block) + bytes);
    memset(block + 1, 0xCD, bytes); /* pool is not zeroed */
    block->bytes = bytes;
    block->tag = tag;
    block->magic = BLOCK_MAGIC;
    pthread_mutex_lock(&PoolLock);
    block->next = &PoolList;
    block->previous = PoolList.previous;
    PoolList.previous->next = block;
    PoolList.previous = block;
    KernelLeft.poolBytes += bytes;
    pthread_mutex_unlock(&PoolLock);
    return block + 1;
}

VOID ExFreePoolWithTag(PVOID memory, ULONG tag)
{
    BLOCK *block = (BLOCK *)memory - 1;
    KernelCheckIrql("ExFreePoolWithTag", DISPATCH_LEVEL);
    pthread_mutex_lock(&PoolLock);
    if (block->magic != BLOCK_MAGIC || block->tag != tag) {
        Violation("free of %p: freed twice, or with another tag", memory);
    }
    block->magic = 0;
    block->next->previous = block->previous;
    block->previous->next = block->next;
    KernelLeft.poolBytes -= block->bytes;
    pthread_mutex_unlock(&PoolLock);
    memset(block + 1, 0xDD, block->bytes);
    free(block);
}

size_t NativePoolBytes(void)
{
    size_t bytes;
    pthread_mutex_lock(&PoolLock);
    bytes = KernelLeft.poolBytes;
    pthread_mutex_unlock(&PoolLock);
    return bytes;
}

void KernelCount(size_t *counter, int by)
{
    __atomic_add_fetch(counter, (size_t)(ssize_t)by, __ATOMIC_SEQ_CST);
}

void NativeCheckLeaks(void)
{
    BLOCK *block;
    for (block = PoolList.next; block != &PoolList; block = block->next) {
        fprintf(stderr, "leak: %zu bytes of pool at %p\n", block->bytes, (void *)(block + 1));
    }
    if (KernelLeft.poolBytes != 0 || KernelLeft.mdls != 0 || KernelLeft.devices != 0 || KernelLeft.links != 0 || KernelLeft.callbacks != 0 || KernelLeft.threadObjects != 0 || KernelLeft.threadHandles != 0) {
        Violation("left over: %zu pool bytes, %zu MDLs, %zu devices, %zu links, %zu callbacks, %zu thread objects, %zu handles",
                  KernelLeft.poolBytes, KernelLeft.mdls, KernelLeft.devices, KernelLeft.links, KernelLeft.callbacks, KernelLeft.threadObjects, KernelLeft.threadHandles);
    }
}

SIZE_T RtlCompareMemory(const VOID *a, const VOID *b, SIZE_T bytes)
{
    SIZE_T i = 0;
    while (i < bytes && ((const UCHAR *)a)[i] == ((const UCHAR *)b)[i]) {
        i++;
    }
    return i;
}

MDL *IoAllocateMdl(PVOID address, ULONG length, BOOLEAN secondary, BOOLEAN chargeQuota, PVOID irp)
{
    MDL *mdl;
    (void)secondary;
    (void)chargeQuota;
    (void)irp;
    KernelCheckIrql("IoAllocateMdl", DISPATCH_LEVEL);
    if (NativeFails("IoAllocateMdl")) {
        return NULL;
    }
    mdl = calloc(1, sizeof(*mdl));
    mdl->address = address;
    mdl->length = length;
    KernelCount(&KernelLeft.mdls, 1);
    return mdl;
}

VOID MmBuildMdlForNonPagedPool(MDL *mdl)
{
    KernelCheckIrql("MmBuildMdlForNonPagedPool", DISPATCH_LEVEL);
    mdl->built = TRUE;
}

VOID IoFreeMdl(MDL *mdl)
{
    KernelCheckIrql("IoFreeMdl", DISPATCH_LEVEL);
    KernelCount(&KernelLeft.mdls, -1);
    free(mdl);
}
