/* A structure with everything it points to, in one piece of memory that can be copied, given out and written to a file. */
#pragma once
#include "lab.h"

/** Pointers inside are kept as offsets from the start; `relocs` lists where they are. Immutable once built; counted. */
struct block {
    volatile LONG refs;
    UINT32 size, capacity;
    unsigned char *bytes;
    UINT32 relocCount, relocCapacity;
    UINT32 *relocs;
};

struct block *block_new(void);
struct block *block_hold(struct block *block);
void block_release(struct block *block);
/** Appends a copy (zeroes when data is NULL), 8-aligned; returns its offset. */
UINT32 block_append(struct block *block, const void *data, UINT32 size);
/** Makes the pointer at offset `slot` point to offset `target`. */
void block_point(struct block *block, UINT32 slot, UINT32 target);
/** Copies into `memory` (block->size bytes) with real pointers; returns it. */
void *block_place(const struct block *block, void *memory);
/** One block in a file, and back; 0 when the file ends or is broken. */
int block_write(const struct block *block, HANDLE file);
struct block *block_read(HANDLE file);
