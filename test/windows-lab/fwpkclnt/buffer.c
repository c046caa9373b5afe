/* NET_BUFFER_LISTs over one MDL, with the accessors of NDIS that Wine's ndis.sys lacks. Everything made is counted until it is freed. */
#include "lab.h"

typedef struct LIST {
    NET_BUFFER_LIST list;
    NET_BUFFER buffer;
    UCHAR *own; /* bytes and MDL are ours too */
    ULONG magic;
} LIST;

/** MmBuildMdlForNonPagedPool is a stub in Wine: it maps nothing. The memory of non-paged pool is where the MDL says it is. */
static UCHAR *BytesOf(MDL *mdl) { return (UCHAR *)mdl->StartVa + mdl->ByteOffset; }

#define LIST_MAGIC 0x4c495354

static LIST *Make(MDL *mdl, ULONG offset, SIZE_T length)
{
    LIST *made = Allocate(sizeof *made + 16 * sizeof(PVOID));
    if (!made) return NULL;
    made->magic = LIST_MAGIC;
    made->list.FirstNetBuffer = &made->buffer;
    made->buffer.MdlChain = made->buffer.CurrentMdl = mdl;
    made->buffer.DataOffset = made->buffer.CurrentMdlOffset = offset;
    made->buffer.stDataLength = length;
    InterlockedIncrement((LONG *)&Counters.lists);
    return made;
}

static LIST *Of(NET_BUFFER_LIST *list)
{
    LIST *made = CONTAINING_RECORD(list, LIST, list);
    if (!list || made->magic != LIST_MAGIC) {
        Violation("a NET_BUFFER_LIST that is freed or none");
        return NULL;
    }
    return made;
}

NET_BUFFER_LIST *ListFromBytes(const UCHAR *bytes, ULONG size, ULONG offset)
{
    UCHAR *copy = Allocate(size);
    MDL *mdl = copy ? IoAllocateMdl(copy, size, FALSE, FALSE, NULL) : NULL;
    if (!mdl) return NULL;
    RtlCopyMemory(copy, bytes, size);
    MmBuildMdlForNonPagedPool(mdl);
    LIST *made = Make(mdl, offset, size - offset);
    made->own = copy;
    return &made->list;
}

static void Destroy(LIST *made)
{
    made->magic = 0;
    if (made->own) {
        IoFreeMdl(made->buffer.MdlChain);
        RtlFillMemory(made->own, 1, 0xdd);
        Free(made->own);
    }
    InterlockedDecrement((LONG *)&Counters.lists);
    Free(made);
}

void ListFree(NET_BUFFER_LIST *list)
{
    LIST *made = Of(list);
    if (made) Destroy(made);
}

ULONG ListCopy(NET_BUFFER_LIST *list, UCHAR *bytes, ULONG size)
{
    LIST *made = Of(list);
    if (!made || made->buffer.DataLength > size) return 0;
    UCHAR *data = BytesOf(made->buffer.MdlChain);
    RtlCopyMemory(bytes, data + made->buffer.DataOffset, made->buffer.DataLength);
    return made->buffer.DataLength;
}

UCHAR *ListBytes(NET_BUFFER_LIST *list)
{
    LIST *made = Of(list);
    return made ? BytesOf(made->buffer.MdlChain) + made->buffer.DataOffset : NULL;
}

NDIS_HANDLE NTAPI NdisAllocateNetBufferListPool(NDIS_HANDLE handle, NET_BUFFER_LIST_POOL_PARAMETERS *parameters)
{
    (void)handle;
    if (!parameters || parameters->Header.Type != NDIS_OBJECT_TYPE_DEFAULT || !parameters->fAllocateNetBuffer || parameters->DataSize) {
        Violation("NdisAllocateNetBufferListPool: Fwps needs fAllocateNetBuffer TRUE and DataSize 0");
        return NULL;
    }
    InterlockedIncrement((LONG *)&Counters.pools);
    return Allocate(16);
}

VOID NTAPI NdisFreeNetBufferListPool(NDIS_HANDLE pool)
{
    if (Counters.lists) Violation("a pool freed while lists of it are alive");
    InterlockedDecrement((LONG *)&Counters.pools);
    Free(pool);
}

NTSTATUS NTAPI FwpsAllocateNetBufferAndNetBufferList0(NDIS_HANDLE pool, USHORT contextSize, USHORT contextBackFill, MDL *mdlChain,
                                                      ULONG dataOffset, SIZE_T dataLength, NET_BUFFER_LIST **out)
{
    (void)contextSize, (void)contextBackFill;
    if (!pool || !mdlChain || !out || dataOffset + dataLength > MmGetMdlByteCount(mdlChain)) {
        Violation("FwpsAllocateNetBufferAndNetBufferList0 with more data than the MDL has");
        return STATUS_INVALID_PARAMETER;
    }
    LIST *made = Make(mdlChain, dataOffset, dataLength);
    if (!made) return STATUS_INSUFFICIENT_RESOURCES;
    *out = &made->list;
    return STATUS_SUCCESS;
}

void NTAPI FwpsFreeNetBufferList0(NET_BUFFER_LIST *list) { ListFree(list); }

NDIS_STATUS NTAPI NdisRetreatNetBufferDataStart(NET_BUFFER *buffer, ULONG delta, ULONG backFill, NET_BUFFER_ALLOCATE_MDL *allocate)
{
    (void)backFill, (void)allocate;
    if (delta > buffer->DataOffset) return (NDIS_STATUS)STATUS_INSUFFICIENT_RESOURCES;
    buffer->DataOffset -= delta;
    buffer->CurrentMdlOffset -= delta;
    buffer->stDataLength += delta;
    return NDIS_STATUS_SUCCESS;
}

VOID NTAPI NdisAdvanceNetBufferDataStart(NET_BUFFER *buffer, ULONG delta, BOOLEAN freeMdl, NET_BUFFER_FREE_MDL *free)
{
    (void)freeMdl, (void)free;
    if (delta > buffer->stDataLength) {
        Violation("NdisAdvanceNetBufferDataStart past the end");
        return;
    }
    buffer->DataOffset += delta;
    buffer->CurrentMdlOffset += delta;
    buffer->stDataLength -= delta;
}

PVOID NTAPI NdisGetDataBuffer(NET_BUFFER *buffer, ULONG needed, PVOID storage, ULONG align, ULONG alignOffset)
{
    (void)align, (void)alignOffset;
    if (needed > buffer->stDataLength) return NULL;
    UCHAR *data = BytesOf(buffer->CurrentMdl);
    if (!storage) return data + buffer->CurrentMdlOffset;
    /* Windows copies when the data is not contiguous; a caller must not rely on either. */
    RtlCopyMemory(storage, data + buffer->CurrentMdlOffset, needed);
    return storage;
}

NTSTATUS NTAPI FwpsGetPacketListSecurityInformation0(NET_BUFFER_LIST *list, UINT32 flags, FWPS_PACKET_LIST_INFORMATION0 *out)
{
    (void)flags;
    if (!Of(list) || !out) return STATUS_INVALID_PARAMETER;
    RtlZeroMemory(out, sizeof *out);
    return STATUS_SUCCESS;
}
