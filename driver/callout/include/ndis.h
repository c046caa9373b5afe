/*
 * Stand-in for the parts of NDIS 6 that the driver uses (mingw-w64's ndis.h knows NDIS 5 only). The structures have
 * the published x64 layout up to the last member that the documented accessors reach; expected.h pins it.
 */
#ifndef SALLYPORT_STAND_IN_NDIS_H
#define SALLYPORT_STAND_IN_NDIS_H

#include <stddef.h>

typedef PVOID NDIS_HANDLE;
typedef int NDIS_STATUS;

#define NDIS_STATUS_SUCCESS ((NDIS_STATUS)0)
#define NDIS_OBJECT_TYPE_DEFAULT 0x80
#define NDIS_PROTOCOL_ID_DEFAULT 0
#define NET_BUFFER_LIST_POOL_PARAMETERS_REVISION_1 1

typedef struct _NDIS_OBJECT_HEADER {
    UCHAR Type;
    UCHAR Revision;
    USHORT Size;
} NDIS_OBJECT_HEADER;

typedef struct _NET_BUFFER_LIST_POOL_PARAMETERS {
    NDIS_OBJECT_HEADER Header;
    UCHAR ProtocolId;
    BOOLEAN fAllocateNetBuffer;
    USHORT ContextSize;
    ULONG PoolTag;
    ULONG DataSize;
} NET_BUFFER_LIST_POOL_PARAMETERS;

#define NDIS_SIZEOF_NET_BUFFER_LIST_POOL_PARAMETERS_REVISION_1 sizeof(NET_BUFFER_LIST_POOL_PARAMETERS)

typedef struct _NET_BUFFER {
    struct _NET_BUFFER *Next;
    MDL *CurrentMdl;
    ULONG CurrentMdlOffset;
    ULONG Reserved0;
    union {
        ULONG DataLength;
        SIZE_T stDataLength;
    };
    MDL *MdlChain;
    ULONG DataOffset;
    ULONG Reserved1;
    USHORT ChecksumBias;
    USHORT Reserved;
    ULONG Reserved2;
    NDIS_HANDLE NdisPoolHandle;
} NET_BUFFER, *PNET_BUFFER;

typedef enum _NDIS_NET_BUFFER_LIST_INFO {
    TcpIpChecksumNetBufferListInfo = 0,
} NDIS_NET_BUFFER_LIST_INFO;

typedef struct _NET_BUFFER_LIST {
    struct _NET_BUFFER_LIST *Next;
    NET_BUFFER *FirstNetBuffer;
    PVOID Context;
    struct _NET_BUFFER_LIST *ParentNetBufferList;
    NDIS_HANDLE NdisPoolHandle;
    PVOID Reserved0;
    PVOID NdisReserved[2];
    PVOID ProtocolReserved[4];
    PVOID MiniportReserved[2];
    PVOID Scratch;
    NDIS_HANDLE SourceHandle;
    ULONG NblFlags;
    LONG ChildRefCount;
    ULONG Flags;
    NDIS_STATUS Status;
    PVOID NetBufferListInfo[1];
} NET_BUFFER_LIST, *PNET_BUFFER_LIST;

#define NET_BUFFER_LIST_NEXT_NBL(list) ((list)->Next)
#define NET_BUFFER_LIST_FIRST_NB(list) ((list)->FirstNetBuffer)
#define NET_BUFFER_LIST_STATUS(list) ((list)->Status)
#define NET_BUFFER_LIST_INFO(list, id) ((list)->NetBufferListInfo[(id)])
#define NET_BUFFER_NEXT_NB(buffer) ((buffer)->Next)
#define NET_BUFFER_DATA_LENGTH(buffer) ((buffer)->DataLength)
#define NET_BUFFER_CURRENT_MDL(buffer) ((buffer)->CurrentMdl)

typedef MDL *NET_BUFFER_ALLOCATE_MDL(ULONG *BufferSize);
typedef VOID NET_BUFFER_FREE_MDL(MDL *Mdl);

NDIS_HANDLE NTAPI NdisAllocateNetBufferListPool(NDIS_HANDLE NdisHandle, NET_BUFFER_LIST_POOL_PARAMETERS *Parameters);
VOID NTAPI NdisFreeNetBufferListPool(NDIS_HANDLE PoolHandle);
NDIS_STATUS NTAPI NdisRetreatNetBufferDataStart(NET_BUFFER *NetBuffer, ULONG DataOffsetDelta, ULONG DataBackFill,
                                                NET_BUFFER_ALLOCATE_MDL *AllocateMdlHandler);
VOID NTAPI NdisAdvanceNetBufferDataStart(NET_BUFFER *NetBuffer, ULONG DataOffsetDelta, BOOLEAN FreeMdl,
                                         NET_BUFFER_FREE_MDL *FreeMdlHandler);
PVOID NTAPI NdisGetDataBuffer(NET_BUFFER *NetBuffer, ULONG BytesNeeded, PVOID Storage, ULONG AlignMultiple, ULONG AlignOffset);

#endif
