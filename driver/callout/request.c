#include "request.h"

#include "pool.h"

VOID RequestKey(REQUEST_KEY *key, const ATTEMPT *attempt)
{
    BOOLEAN icmp = attempt->protocol == IPPROTO_ICMP || attempt->protocol == IPPROTO_ICMPV6;
    RtlZeroMemory(key, sizeof(*key));
    key->endpointHandle = attempt->endpointHandle;
    key->kind = attempt->layer->kind;
    key->family = attempt->layer->family;
    key->protocol = attempt->protocol;
    if (attempt->protocol == IPPROTO_TCP) {
        /* A socket has one connection; its reauthorization need not be told again where that was to go. */
        key->remotePortHost = attempt->remotePortHost;
        RtlCopyMemory(key->remoteAddress, attempt->remoteAddress, 16);
    } else {
        /* Datagrams of one socket for several destinations may all go to one proxy: each destination is a question of its own. */
        key->remotePortHost = attempt->destinationPortHost;
        RtlCopyMemory(key->remoteAddress, attempt->destinationAddress, 16);
    }
    if (attempt->layer->kind == LAYER_RECV_ACCEPT || attempt->endpointHandle == 0 || icmp) {
        key->localPortHost = attempt->localPortHost;
    }
    if (attempt->layer->kind == LAYER_RECV_ACCEPT) {
        RtlCopyMemory(key->localAddress, attempt->localAddress, 16);
    }
}

_Use_decl_annotations_ REQUEST *RequestCreate(const ATTEMPT *attempt)
{
    REQUEST *request = PoolAllocate(sizeof(*request));
    if (request == NULL) {
        return NULL;
    }
    request->references = 1;
    request->processId = attempt->processId;
    request->filterFlags = attempt->filterFlags;
    InitializeListHead(&request->packets);
    RequestKey(&request->key, attempt);
    PacketRoute(&request->route, attempt);
    return request;
}

VOID RequestReference(REQUEST *request)
{
    InterlockedIncrement(&request->references);
}

_Use_decl_annotations_ VOID RequestRelease(REQUEST *request)
{
    if (request != NULL && InterlockedDecrement(&request->references) == 0) {
        (VOID)PacketFreeAll(&request->packets);
        EventRelease(request->event);
        PoolFree(request);
    }
}
