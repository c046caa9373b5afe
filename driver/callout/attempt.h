/*
 * What one classify call says, read once with every type and presence bit checked. Everything in it that points
 * (names, packet) belongs to the caller of classifyFn and dies when classifyFn returns.
 */
#ifndef SALLYPORT_ATTEMPT_H
#define SALLYPORT_ATTEMPT_H

#include "layer.h"
#include "platform.h"

/** Borrowed bytes; length 0: not known. */
typedef struct BYTES {
    const UCHAR *data;
    ULONG length;
} BYTES;

typedef struct ATTEMPT {
    const LAYER *layer;
    UINT64 processId;      /**< 0: not known. */
    UINT64 filterId;
    UINT64 endpointHandle; /**< 0: not known. */
    UINT64 interfaceLuid;
    UINT64 subProcessTag;
    ULONG conditionFlags;
    ULONG reauthorizeReason;
    IF_INDEX interfaceIndex;
    IF_INDEX subInterfaceIndex;
    SCOPE_ID remoteScopeId;
    COMPARTMENT_ID compartmentId;
    ULONG ipHeaderSize;        /**< Inbound only. */
    ULONG transportHeaderSize; /**< Inbound only. */
    UINT16 filterFlags;
    UINT16 localPortHost;
    UINT16 remotePortHost;
    UINT16 destinationPortHost;
    UCHAR protocol;
    BOOLEAN localAddressKnown;
    BOOLEAN loopback; /**< Goes to this machine, and was meant to: a redirection to a local proxy is none. */
    UCHAR localAddress[16];  /**< Network order. */
    UCHAR remoteAddress[16]; /**< Network order. Where packets go: of a redirected connect the proxy. */
    UCHAR destinationAddress[16]; /**< Where the program wants to go: differs from the remote end of a redirected connect only. */
    BYTES appId;             /**< UTF-16LE without terminator. */
    BYTES peerName;          /**< UTF-16LE without terminator. */
    BYTES packageSid;
    HANDLE completionHandle;  /**< NULL: the operation cannot be pended. */
    NET_BUFFER_LIST *packet;  /**< NULL: none, or one that must not be copied (raw send with its own IP header). */
    const WSACMSGHDR *controlData; /**< NULL: none. Outbound only; the caller's, like all that points. */
    ULONG controlDataLength;
} ATTEMPT;

/** @returns FALSE when the layer is none of ours or a field that every such layer has is missing. */
_Must_inspect_result_ _IRQL_requires_max_(DISPATCH_LEVEL) BOOLEAN
    AttemptRead(_Out_ ATTEMPT *attempt, _In_ const FWPS_INCOMING_VALUES0 *values,
                _In_ const FWPS_INCOMING_METADATA_VALUES0 *metadata, _In_opt_ NET_BUFFER_LIST *packet,
                _In_ const FWPS_FILTER2 *filter);

/** Reads an address field into network order. FALSE: FWP_EMPTY, another type, or no such field. */
BOOLEAN AttemptReadAddress(_In_ const FWPS_INCOMING_VALUES0 *values, ULONG field, UCHAR family, _Out_ UCHAR address[16]);

/** An integer field of up to 32 bits, widened; `fallback` when it is empty, of another type, or missing. */
UINT32 AttemptReadNumber(_In_ const FWPS_INCOMING_VALUES0 *values, ULONG field, UINT32 fallback);

#endif
