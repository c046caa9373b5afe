#include "layer.h"

#define CONNECT(version, number)                                                                                          \
    {                                                                                                                     \
        FWPS_LAYER_ALE_AUTH_CONNECT_##version, number, LAYER_CONNECT, FWPS_FIELD_ALE_AUTH_CONNECT_##version##_ALE_APP_ID, \
            FWPS_FIELD_ALE_AUTH_CONNECT_##version##_IP_LOCAL_ADDRESS,                                                     \
            FWPS_FIELD_ALE_AUTH_CONNECT_##version##_IP_LOCAL_PORT, FWPS_FIELD_ALE_AUTH_CONNECT_##version##_IP_PROTOCOL,   \
            FWPS_FIELD_ALE_AUTH_CONNECT_##version##_IP_REMOTE_ADDRESS,                                                    \
            FWPS_FIELD_ALE_AUTH_CONNECT_##version##_IP_REMOTE_PORT,                                                       \
            FWPS_FIELD_ALE_AUTH_CONNECT_##version##_IP_LOCAL_INTERFACE, FWPS_FIELD_ALE_AUTH_CONNECT_##version##_FLAGS,    \
            FWPS_FIELD_ALE_AUTH_CONNECT_##version##_INTERFACE_INDEX,                                                      \
            FWPS_FIELD_ALE_AUTH_CONNECT_##version##_SUB_INTERFACE_INDEX,                                                  \
            FWPS_FIELD_ALE_AUTH_CONNECT_##version##_REAUTHORIZE_REASON,                                                   \
            FWPS_FIELD_ALE_AUTH_CONNECT_##version##_PEER_NAME, FWPS_FIELD_ALE_AUTH_CONNECT_##version##_ALE_PACKAGE_ID     \
    }

#define RECV_ACCEPT(version, number)                                                                                \
    {                                                                                                               \
        FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_##version, number, LAYER_RECV_ACCEPT,                                       \
            FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_##version##_ALE_APP_ID,                                                 \
            FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_##version##_IP_LOCAL_ADDRESS,                                           \
            FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_##version##_IP_LOCAL_PORT,                                              \
            FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_##version##_IP_PROTOCOL,                                                \
            FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_##version##_IP_REMOTE_ADDRESS,                                          \
            FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_##version##_IP_REMOTE_PORT,                                             \
            FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_##version##_IP_LOCAL_INTERFACE,                                         \
            FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_##version##_FLAGS,                                                      \
            FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_##version##_INTERFACE_INDEX,                                            \
            FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_##version##_SUB_INTERFACE_INDEX,                                        \
            FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_##version##_REAUTHORIZE_REASON, LAYER_NO_FIELD,                         \
            FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_##version##_ALE_PACKAGE_ID                                              \
    }

static const LAYER Layers[] = { CONNECT(V4, 4), CONNECT(V6, 6), RECV_ACCEPT(V4, 4), RECV_ACCEPT(V6, 6) };

const LAYER *LayerFind(UINT16 layerId)
{
    ULONG i;
    for (i = 0; i < sizeof(Layers) / sizeof(Layers[0]); i++) {
        if (Layers[i].layerId == layerId) {
            return &Layers[i];
        }
    }
    return NULL;
}
