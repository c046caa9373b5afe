/*
 * Copies of held packets and their way back into the stack. A copy is deep, because holding the stack's own buffers
 * for as long as a person thinks would block power transitions (FwpsAllocateCloneNetBufferList0, remarks).
 */
#ifndef SALLYPORT_PACKET_H
#define SALLYPORT_PACKET_H

#include "attempt.h"
#include "platform.h"

/** Packets kept per request; the rest of a burst is dropped and counted. */
#define PACKETS_PER_REQUEST 8u

/** Where copies of one request go back in; everything that is read from metadata, copied. */
typedef struct ROUTE {
    UINT64 endpointHandle;
    COMPARTMENT_ID compartmentId;
    IF_INDEX interfaceIndex;
    IF_INDEX subInterfaceIndex;
    SCOPE_ID remoteScopeId;
    ULONG ipHeaderSize;
    UCHAR family;
    UCHAR kind; /**< LAYER_KIND */
    UCHAR protocol;
    BOOLEAN ipsecProtected; /**< The copy still carries AH or ESP: its IP header is built anew. */
    UCHAR localAddress[16];
    UCHAR remoteAddress[16];
} ROUTE;

/** Most control data kept with a packet; a socket's options (packet info, hop limit, traffic class) are some 100 bytes. */
#define PACKET_MAX_CONTROL_BYTES 1024u

/** One NET_BUFFER's bytes: inbound from the IP header on, outbound from the transport header on. */
typedef struct PACKET {
    LIST_ENTRY link;
    PVOID checksumInfo; /**< TcpIpChecksumNetBufferListInfo of the original. */
    ULONG length;
    ULONG controlDataLength; /**< Bytes; 0: none. Outbound only. */
    WSACMSGHDR *controlData; /**< Behind the bytes. */
    UCHAR bytes[1];
} PACKET;

/** A copy on its way: owns the packet, its MDL and its list. */
typedef struct INJECTION INJECTION;

/** Creates the four injection handles (per family and direction) and the list pool. Undoes itself on failure. */
_Must_inspect_result_ _IRQL_requires_(PASSIVE_LEVEL) NTSTATUS PacketInitialize(VOID);

/** Waits for every injection that runs. No classify may run any more. */
_IRQL_requires_(PASSIVE_LEVEL) VOID PacketUninitialize(VOID);

_IRQL_requires_max_(DISPATCH_LEVEL) VOID PacketRoute(_Out_ ROUTE *route, _In_ const ATTEMPT *attempt);

/**
 * Copies every buffer of the attempt's packet to the end of `packets`. All or nothing.
 * @retval STATUS_INSUFFICIENT_RESOURCES no memory
 * @retval STATUS_INVALID_BUFFER_SIZE    an empty buffer, more than PACKETS_PER_REQUEST or PACKET_MAX_CONTROL_BYTES, or
 *                                       headers that do not fit
 */
_Must_inspect_result_ _IRQL_requires_max_(DISPATCH_LEVEL) NTSTATUS
    PacketCopy(_In_ const ATTEMPT *attempt, _Inout_ LIST_ENTRY *packets, _Out_ ULONG *count, _Out_ ULONG *bytes);

/** Frees all of `packets` and leaves it empty. @returns how many there were. */
_IRQL_requires_max_(DISPATCH_LEVEL) ULONG PacketFreeAll(_Inout_ LIST_ENTRY *packets);

/**
 * Builds the list for one packet and takes the packet over, also on failure (it is freed then).
 * @param hard told back by PacketIsOwn when the injected packet is classified.
 */
_Must_inspect_result_ _IRQL_requires_max_(DISPATCH_LEVEL) NTSTATUS
    PacketPrepare(_In_ PACKET *packet, _In_ const ROUTE *route, BOOLEAN hard, _Out_ INJECTION **injection);

/** The list, for FwpsCompleteOperation0. Owned by the injection. */
NET_BUFFER_LIST *PacketList(_In_ INJECTION *injection);

/** Injects and gives the injection away. When it fails everything is freed and counted; nothing is left to do. */
_IRQL_requires_max_(DISPATCH_LEVEL) NTSTATUS PacketInject(_In_ INJECTION *injection);

/** Whether this packet is one of our copies coming by (again). */
_IRQL_requires_max_(DISPATCH_LEVEL) BOOLEAN PacketIsOwn(_In_ const NET_BUFFER_LIST *list, _In_ const LAYER *layer,
                                                       _Out_ BOOLEAN *hard);

#endif
