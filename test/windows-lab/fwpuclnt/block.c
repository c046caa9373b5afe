#include "block.h"

struct block *block_new(void)
{
    struct block *block = calloc(1, sizeof *block);
    block->refs = 1;
    return block;
}

struct block *block_hold(struct block *block)
{
    InterlockedIncrement(&block->refs);
    return block;
}

void block_release(struct block *block)
{
    if (!block || InterlockedDecrement(&block->refs)) return;
    free(block->bytes);
    free(block->relocs);
    free(block);
}

UINT32 block_append(struct block *block, const void *data, UINT32 size)
{
    UINT32 at = (block->size + 7) & ~7u;
    while (at + size > block->capacity) {
        block->capacity = block->capacity ? block->capacity * 2 : 512;
        block->bytes = realloc(block->bytes, block->capacity);
    }
    memset(block->bytes + block->size, 0, at - block->size);
    if (data) memcpy(block->bytes + at, data, size);
    else memset(block->bytes + at, 0, size);
    block->size = at + size;
    return at;
}

void block_point(struct block *block, UINT32 slot, UINT32 target)
{
    UINT64 offset = target;
    memcpy(block->bytes + slot, &offset, sizeof offset);
    if (block->relocCount == block->relocCapacity) {
        block->relocCapacity = block->relocCapacity ? block->relocCapacity * 2 : 16;
        block->relocs = realloc(block->relocs, block->relocCapacity * sizeof *block->relocs);
    }
    block->relocs[block->relocCount++] = slot;
}

void *block_place(const struct block *block, void *memory)
{
    memcpy(memory, block->bytes, block->size);
    for (UINT32 i = 0; i < block->relocCount; i++) {
        UINT64 *slot = (UINT64 *)((unsigned char *)memory + block->relocs[i]);
        *slot += (UINT64)memory;
    }
    return memory;
}

int block_write(const struct block *block, HANDLE file)
{
    DWORD done;
    UINT32 head[2] = { block->size, block->relocCount };
    return WriteFile(file, head, sizeof head, &done, NULL) && WriteFile(file, block->bytes, block->size, &done, NULL) &&
           WriteFile(file, block->relocs, block->relocCount * sizeof *block->relocs, &done, NULL);
}

static int read_all(HANDLE file, void *into, DWORD size)
{
    DWORD done;
    return ReadFile(file, into, size, &done, NULL) && done == size;
}

struct block *block_read(HANDLE file)
{
    UINT32 head[2];
    if (!read_all(file, head, sizeof head)) return NULL;
    struct block *block = block_new();
    block->size = block->capacity = head[0];
    block->relocCount = block->relocCapacity = head[1];
    block->bytes = malloc(head[0] + 1);
    block->relocs = malloc(head[1] * sizeof *block->relocs + 1);
    if (read_all(file, block->bytes, head[0]) && read_all(file, block->relocs, head[1] * sizeof *block->relocs)) return block;
    block_release(block);
    return NULL;
}
