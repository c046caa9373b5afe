#include "memory.h"

struct piece {
    void *memory;
    SIZE_T size;
    struct piece *next;
};
static struct piece *pieces;
static SRWLOCK lock = SRWLOCK_INIT;

void *give_out(SIZE_T size)
{
    struct piece *piece = calloc(1, sizeof *piece);
    piece->memory = calloc(1, size + 8);
    piece->size = size;
    AcquireSRWLockExclusive(&lock);
    piece->next = pieces;
    pieces = piece;
    ReleaseSRWLockExclusive(&lock);
    return piece->memory;
}

void take_back(void **pointer)
{
    if (!readable(pointer, sizeof *pointer)) {
        violation("FwpmFreeMemory0 wants the address of the pointer");
        return;
    }
    if (!*pointer) return;
    AcquireSRWLockExclusive(&lock);
    struct piece **at = &pieces;
    while (*at && (*at)->memory != *pointer) at = &(*at)->next;
    struct piece *found = *at;
    if (found) *at = found->next;
    ReleaseSRWLockExclusive(&lock);
    if (!found) {
        violation("FwpmFreeMemory0 of memory that is not given out");
        return;
    }
    memset(found->memory, 0xdd, found->size);
    free(found->memory);
    free(found);
    *pointer = NULL;
}

void memory_check(void)
{
    AcquireSRWLockExclusive(&lock);
    int count = 0;
    for (struct piece *piece = pieces; piece; piece = piece->next) count++;
    ReleaseSRWLockExclusive(&lock);
    if (count) violation("%d pieces of memory were never freed", count);
}
