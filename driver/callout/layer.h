/* The authorization layers: what differs between them, as data. */
#ifndef SALLYPORT_LAYER_H
#define SALLYPORT_LAYER_H

#include "platform.h"

typedef enum LAYER_KIND {
    LAYER_CONNECT,     /**< ALE_AUTH_CONNECT: completing it reauthorizes. */
    LAYER_RECV_ACCEPT, /**< ALE_AUTH_RECV_ACCEPT: completing it does not; a permitted packet is injected again. */
} LAYER_KIND;

/** A field the layer does not have. Larger than any valueCount. */
#define LAYER_NO_FIELD 0xFFFFu

/** Run-time field indexes; always compared with valueCount, which differs between Windows builds. */
typedef struct LAYER {
    UINT16 layerId;
    UCHAR family; /**< 4 or 6 */
    UCHAR kind;   /**< LAYER_KIND */
    UINT16 appId;
    UINT16 localAddress;
    UINT16 localPort;
    UINT16 protocol;
    UINT16 remoteAddress;
    UINT16 remotePort;
    UINT16 interfaceLuid;
    UINT16 flags;
    UINT16 interfaceIndex;
    UINT16 subInterfaceIndex;
    UINT16 reauthorizeReason;
    UINT16 peerName;
    UINT16 packageId;
} LAYER;

/** @returns NULL for a layer that is none of the four. */
const LAYER *LayerFind(UINT16 layerId);

#endif
