/* Packets of the stack, and the functions of NDIS and WFP on them. */
#define _GNU_SOURCE
#include "engine.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

ULONG EngineTransportHeader(UCHAR protocol)
{
    return protocol == IPPROTO_TCP ? 20 : 8;
}

ULONG EngineIpHeader(UINT16 layerId)
{
    return layerId == FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V6 || layerId == FWPS_LAYER_ALE_AUTH_CONNECT_V6 ? 40 : 20;
}

BOOLEAN EngineIsReceive(UINT16 layerId)
{
    return layerId == FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V4 || layerId == FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V6;
}

LIST *EngineMakeList(const ATTEMPT_INPUT *input)
{
    LIST *list = calloc(1, sizeof(*list));
    ULONG headers = EngineIsReceive(input->layerId) ? EngineIpHeader(input->layerId) + EngineTransportHeader(input->protocol) : 0;
    ULONG whole = headers + input->packetBytes, i;
    list->bufferCount = input->packetBuffers == 0 ? 1 : input->packetBuffers;
    list->offset = headers;
    list->bytes = malloc((size_t)whole * list->bufferCount);
    for (i = 0; i < whole * list->bufferCount; i++) {
        list->bytes[i] = input->bytes != NULL && i % whole >= headers ? input->bytes[i % whole - headers] : (UCHAR)(i * 13 + 5);
    }
    for (i = 0; i < list->bufferCount; i++) {
        UCHAR *bytes = list->bytes + (size_t)whole * i;
        NET_BUFFER *buffer = &list->buffers[i];
        MDL *first = &list->mdls[2 * i], *second = &list->mdls[2 * i + 1];
        if (headers != 0 && EngineIpHeader(input->layerId) == 20) {
            bytes[0] = input->longHeader ? 0x4F : 0x45;
        } else if (headers != 0) {
            bytes[0] = 0x60;
        }
        /* Odd lengths lie in two MDLs, so that both ways of NdisGetDataBuffer are taken. */
        first->address = bytes;
        first->length = whole % 2 == 1 ? whole / 2 : whole;
        if (first->length != whole) {
            second->address = bytes + first->length;
            second->length = whole - first->length;
            first->Next = second;
        }
        buffer->MdlChain = buffer->CurrentMdl = first;
        buffer->DataOffset = headers;
        buffer->DataLength = input->packetBytes;
        buffer->Next = i + 1 < list->bufferCount ? buffer + 1 : NULL;
    }
    list->list.FirstNetBuffer = list->buffers;
    list->list.NetBufferListInfo[TcpIpChecksumNetBufferListInfo] = (PVOID)0x1234;
    return list;
}

/* The stack takes its packet back: it must be as it was. */
void EngineFreeList(LIST *list)
{
    ULONG i;
    if (list == NULL) {
        return;
    }
    for (i = 0; i < list->bufferCount; i++) {
        if (list->buffers[i].DataOffset != list->offset) {
            Violation("classifyFn returned a packet whose data start has moved");
        }
    }
    free(list->bytes);
    free(list);
}

NDIS_STATUS NdisRetreatNetBufferDataStart(NET_BUFFER *buffer, ULONG delta, ULONG backFill, NET_BUFFER_ALLOCATE_MDL *allocate)
{
    (void)backFill;
    (void)allocate;
    if (NativeFails("NdisRetreatNetBufferDataStart") || buffer->DataOffset < delta) {
        return (NDIS_STATUS)STATUS_INSUFFICIENT_RESOURCES;
    }
    buffer->DataOffset -= delta;
    buffer->DataLength += delta;
    return NDIS_STATUS_SUCCESS;
}

VOID NdisAdvanceNetBufferDataStart(NET_BUFFER *buffer, ULONG delta, BOOLEAN freeMdl, NET_BUFFER_FREE_MDL *free_)
{
    (void)freeMdl;
    (void)free_;
    buffer->DataOffset += delta;
    buffer->DataLength -= delta;
}

PVOID NdisGetDataBuffer(NET_BUFFER *buffer, ULONG bytesNeeded, PVOID storage, ULONG alignMultiple, ULONG alignOffset)
{
    MDL *mdl = buffer->MdlChain;
    ULONG skip = buffer->DataOffset, copied = 0;
    (void)alignMultiple;
    (void)alignOffset;
    if (bytesNeeded > buffer->DataLength || NativeFails("NdisGetDataBuffer")) {
        return NULL;
    }
    while (mdl != NULL && skip >= mdl->length && mdl->Next != NULL) {
        skip -= mdl->length;
        mdl = mdl->Next;
    }
    if (mdl->length - skip >= bytesNeeded) {
        return (UCHAR *)mdl->address + skip;
    }
    for (; mdl != NULL && copied < bytesNeeded; mdl = mdl->Next, skip = 0) {
        ULONG part = mdl->length - skip;
        part = part > bytesNeeded - copied ? bytesNeeded - copied : part;
        memcpy((UCHAR *)storage + copied, (UCHAR *)mdl->address + skip, part);
        copied += part;
    }
    return storage;
}

NDIS_HANDLE NdisAllocateNetBufferListPool(NDIS_HANDLE handle, NET_BUFFER_LIST_POOL_PARAMETERS *parameters)
{
    (void)handle;
    NativeCheckCall("NdisAllocateNetBufferListPool", DISPATCH_LEVEL);
    if (!parameters->fAllocateNetBuffer || parameters->Header.Size == 0 || parameters->PoolTag == 0) {
        Violation("NET_BUFFER_LIST pool with wrong parameters");
    }
    if (NativeFails("NdisAllocateNetBufferListPool")) {
        return NULL;
    }
    EnginePools++;
    return &EnginePools;
}

VOID NdisFreeNetBufferListPool(NDIS_HANDLE pool)
{
    if (pool != &EnginePools || EngineLists != 0) {
        Violation("pool freed twice or while %ld lists are left", EngineLists);
    }
    EnginePools--;
}

NTSTATUS FwpsAllocateNetBufferAndNetBufferList0(NDIS_HANDLE pool, USHORT contextSize, USHORT contextBackFill, MDL *mdl,
                                                ULONG offset, SIZE_T length, NET_BUFFER_LIST **result)
{
    LIST *list;
    (void)contextSize;
    (void)contextBackFill;
    (void)offset;
    NativeCheckCall("FwpsAllocateNetBufferAndNetBufferList0", DISPATCH_LEVEL);
    if (pool != &EnginePools || !mdl->built || mdl->length != length) {
        Violation("list allocated from a wrong pool, MDL or length");
    }
    if (NativeFails("FwpsAllocateNetBufferAndNetBufferList0")) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    list = calloc(1, sizeof(*list));
    list->ours = TRUE;
    list->bufferCount = 1;
    list->buffers[0].MdlChain = list->buffers[0].CurrentMdl = mdl;
    list->buffers[0].DataLength = (ULONG)length;
    list->list.FirstNetBuffer = list->buffers;
    __atomic_add_fetch(&EngineLists, 1, __ATOMIC_SEQ_CST);
    *result = &list->list;
    return STATUS_SUCCESS;
}

void FwpsFreeNetBufferList0(NET_BUFFER_LIST *netBufferList)
{
    LIST *list = (LIST *)netBufferList;
    NativeCheckCall("FwpsFreeNetBufferList0", DISPATCH_LEVEL);
    if (!list->ours) {
        Violation("freed a list that belongs to the stack");
    }
    __atomic_sub_fetch(&EngineLists, 1, __ATOMIC_SEQ_CST);
    free(list);
}

NTSTATUS FwpsGetPacketListSecurityInformation0(NET_BUFFER_LIST *list, UINT32 flags, FWPS_PACKET_LIST_INFORMATION0 *information)
{
    (void)list;
    NativeCheckCall("FwpsGetPacketListSecurityInformation0", DISPATCH_LEVEL);
    if (flags != (FWPS_PACKET_LIST_INFORMATION_QUERY_IPSEC | FWPS_PACKET_LIST_INFORMATION_QUERY_INBOUND)) {
        Violation("wrong query flags");
    }
    if (NativeFails("FwpsGetPacketListSecurityInformation0")) {
        return STATUS_UNSUCCESSFUL;
    }
    information->ipsecInformation.inbound.isSecure = EngineCurrentSecured;
    return STATUS_SUCCESS;
}
