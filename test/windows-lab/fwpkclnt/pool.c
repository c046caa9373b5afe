/*
 * The driver's pool under watch: its imports of ntoskrnl's pool functions are pointed here, so that blocks left at unload, double
 * releases, wrong tags and bytes written past the end are seen. What was allocated before the watch began goes to ntoskrnl as ever.
 */
#include "lab.h"

#define GUARD 16
#define GUARD_BYTE 0xfd
#define ALIVE 0x4b4c424c41424c4full
#define RELEASED 0x4b4c424445414400ull

typedef struct BLOCK {
    UINT64 magic;
    struct BLOCK *self;
    SIZE_T size;
    ULONG tag, reserved;
} BLOCK;

static PVOID NTAPI WatchedAllocate(POOL_TYPE type, SIZE_T size, ULONG tag)
{
    BLOCK *block = ExAllocatePoolWithTag(type, sizeof *block + size + GUARD, tag);
    if (!size) Violation("a pool block of no bytes");
    if (!block) return NULL;
    block->magic = ALIVE;
    block->self = block;
    block->size = size;
    block->tag = tag;
    RtlFillMemory(block + 1, size, 0xcd);
    RtlFillMemory((UCHAR *)(block + 1) + size, GUARD, GUARD_BYTE);
    InterlockedIncrement((LONG *)&Counters.poolBlocks);
    return block + 1;
}

static BLOCK *Of(const void *memory)
{
    BLOCK *block = (BLOCK *)memory - 1;
    return memory && block->self == block && (block->magic == ALIVE || block->magic == RELEASED) ? block : NULL;
}

static void Release(BLOCK *block)
{
    const UCHAR *end = (UCHAR *)(block + 1) + block->size;
    if (block->magic == RELEASED) {
        Violation("a pool block released twice");
        return;
    }
    for (ULONG i = 0; i < GUARD; i++)
        if (end[i] != GUARD_BYTE) {
            Violation("bytes written past the end of a pool block");
            break;
        }
    RtlFillMemory(block + 1, block->size, 0xdd);
    block->magic = RELEASED;
    InterlockedDecrement((LONG *)&Counters.poolBlocks);
    ExFreePoolWithTag(block, block->tag);
}

static VOID NTAPI WatchedFree(PVOID memory, ULONG tag)
{
    BLOCK *block = Of(memory);
    if (!block) {
        ExFreePoolWithTag(memory, tag);
        return;
    }
    if (block->magic == ALIVE && block->tag != tag) Violation("a pool block released with another tag");
    Release(block);
}

SIZE_T PoolSize(const void *memory)
{
    BLOCK *block = Of(memory);
    return block && block->magic == ALIVE ? block->size : 0;
}

void PoolRelease(void *memory)
{
    BLOCK *block = Of(memory);
    if (block) Release(block);
}

static BOOLEAN SameName(const CHAR *a, const CHAR *b)
{
    while (*a && *a == *b) a++, b++;
    return *a == *b;
}

void PoolWatch(DRIVER_OBJECT *driver)
{
    static const struct { const CHAR *name; void *function; } Watched[] = {
        { "ExAllocatePoolWithTag", WatchedAllocate },
        { "ExFreePoolWithTag", WatchedFree },
    };
    UCHAR *image = driver->DriverStart;
    ULONG found = 0;
    if (!image || image[0] != 'M' || image[1] != 'Z') {
        Violation("the driver's image is not where its driver object says");
        return;
    }
    /* PE32+: the import directory is the second of the optional header (https://learn.microsoft.com/windows/win32/debug/pe-format). */
    UCHAR *optional = image + *(ULONG *)(image + 0x3c) + 24;
    for (ULONG *entry = (ULONG *)(image + *(ULONG *)(optional + 120)); entry[3]; entry += 5) {
        UINT64 *names = (UINT64 *)(image + entry[0]);
        void **functions = (void **)(image + entry[4]);
        for (; *names; names++, functions++)
            for (ULONG i = 0; !(*names >> 63) && i < sizeof Watched / sizeof Watched[0]; i++)
                if (SameName((CHAR *)image + *names + 2, Watched[i].name)) {
                    *functions = Watched[i].function;
                    found++;
                }
    }
    if (found != sizeof Watched / sizeof Watched[0]) Violation("the driver allocates by functions that are not watched");
}
