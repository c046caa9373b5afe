/* Packets on their way back into the stack: recognised at their layer, then completed. */
#define _GNU_SOURCE
#include "engine.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

NTSTATUS FwpsInjectionHandleCreate0(ADDRESS_FAMILY family, UINT32 flags, HANDLE *handle)
{
    NativeCheckCall("FwpsInjectionHandleCreate0", PASSIVE_LEVEL);
    if ((family != AF_INET && family != AF_INET6) || flags != FWPS_INJECTION_TYPE_TRANSPORT) {
        Violation("injection handle of a wrong family or type");
    }
    if (NativeFails("FwpsInjectionHandleCreate0")) {
        return STATUS_FWP_TCPIP_NOT_READY;
    }
    *handle = malloc(1);
    EngineInjectionHandles++;
    return STATUS_SUCCESS;
}

static ULONG Deliver(HANDLE only)
{
    ULONG count = 0;
    for (;;) {
        INJECTED *injected, **link;
        ATTEMPT_INPUT input;
        FWPS_CLASSIFY_OUT0 out;
        pthread_mutex_lock(&EngineLock);
        for (link = &EngineQueue; *link != NULL && only != NULL && (*link)->handle != only; link = &(*link)->next) {
        }
        injected = *link;
        if (injected != NULL) {
            *link = injected->next;
        }
        pthread_mutex_unlock(&EngineLock);
        if (injected == NULL) {
            return count;
        }
        memset(&input, 0, sizeof(input));
        input.layerId = injected->receive
                            ? (injected->family == AF_INET ? FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V4 : FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V6)
                            : (injected->family == AF_INET ? FWPS_LAYER_ALE_AUTH_CONNECT_V4 : FWPS_LAYER_ALE_AUTH_CONNECT_V6);
        input.protocol = IPPROTO_UDP;
        input.processId = 1234;
        input.remoteLast = 9;
        if (EngineCall(&input, NULL, 0, 0, injected->list, &out)) {
            if (EngineOutcome(&out) != OUTCOME_PERMIT) {
                Violation("the driver does not permit its own packet");
            }
            pthread_mutex_lock(&EngineLock);
            EngineTotals.injectedPermitted++;
            EngineTotals.injectedHard += (out.rights & FWPS_RIGHT_ACTION_WRITE) == 0;
            pthread_mutex_unlock(&EngineLock);
        }
        if (injected->parameters != NULL) { /* until now they had to stay where they are */
            ULONG length = injected->parameters->controlDataLength;
            if ((length == 0) != (injected->parameters->controlData == NULL) ||
                (uintptr_t)injected->parameters->controlData % sizeof(SIZE_T) != 0) {
                Violation("control data without a length, or not aligned as WSACMSGHDR is");
            }
            pthread_mutex_lock(&EngineLock);
            EngineTotals.lastControlBytes = length;
            if (length != 0) {
                memcpy(EngineTotals.lastControl, injected->parameters->controlData,
                       length < sizeof(EngineTotals.lastControl) ? length : sizeof(EngineTotals.lastControl));
            }
            pthread_mutex_unlock(&EngineLock);
        }
        injected->list->list.Status = EngineInjectStatus;
        injected->complete(injected->completeContext, &injected->list->list, FALSE);
        free(injected);
        count++;
    }
}

ULONG EngineDeliver(void)
{
    return Deliver(NULL);
}

NTSTATUS FwpsInjectionHandleDestroy0(HANDLE handle)
{
    NativeCheckCall("FwpsInjectionHandleDestroy0", PASSIVE_LEVEL);
    Deliver(handle); /* it waits until everything injected has completed */
    EngineInjectionHandles--;
    free(handle);
    return STATUS_SUCCESS;
}

static NTSTATUS Inject(HANDLE handle, HANDLE context, NET_BUFFER_LIST *netBufferList, FWPS_INJECT_COMPLETE0 complete,
                       HANDLE completeContext, BOOLEAN receive, ADDRESS_FAMILY family,
                       const FWPS_TRANSPORT_SEND_PARAMS0 *parameters)
{
    LIST *list = (LIST *)netBufferList;
    MDL *mdl = list->buffers[0].MdlChain;
    INJECTED *injected, **link;
    NativeCheckCall("FwpsInjectTransport", DISPATCH_LEVEL);
    if (EngineCurrent != NULL && receive) {
        Violation("inbound packet injected from inside a classify");
    }
    if (NativeFails("FwpsInjectTransport")) {
        return STATUS_UNSUCCESSFUL;
    }
    list->injectedBy = handle;
    list->injectionContext = context;
    injected = calloc(1, sizeof(*injected));
    injected->handle = handle;
    injected->list = list;
    injected->complete = complete;
    injected->completeContext = completeContext;
    injected->receive = receive;
    injected->family = family;
    injected->parameters = parameters;
    pthread_mutex_lock(&EngineLock);
    EngineTotals.lastInjectedBytes = mdl->length;
    memcpy(EngineTotals.lastInjected, mdl->address, mdl->length < 128 ? mdl->length : 128);
    if (receive) {
        EngineTotals.injectedReceive++;
    } else {
        EngineTotals.injectedSend++;
    }
    for (link = &EngineQueue; *link != NULL; link = &(*link)->next) {
    }
    *link = injected;
    pthread_mutex_unlock(&EngineLock);
    return STATUS_SUCCESS;
}

NTSTATUS FwpsInjectTransportSendAsync0(HANDLE handle, HANDLE context, UINT64 endpointHandle, UINT32 flags,
                                       FWPS_TRANSPORT_SEND_PARAMS0 *parameters, ADDRESS_FAMILY family,
                                       COMPARTMENT_ID compartmentId, NET_BUFFER_LIST *list, FWPS_INJECT_COMPLETE0 complete,
                                       HANDLE completeContext)
{
    if (flags != 0 || parameters == NULL || parameters->remoteAddress == NULL || compartmentId != 1 ||
        parameters->remoteScopeId.Value != 3) {
        Violation("send injected with wrong parameters");
    }
    (void)endpointHandle;
    return Inject(handle, context, list, complete, completeContext, FALSE, family, parameters);
}

NTSTATUS FwpsInjectTransportReceiveAsync0(HANDLE handle, HANDLE context, PVOID reserved, UINT32 flags, ADDRESS_FAMILY family,
                                          COMPARTMENT_ID compartmentId, IF_INDEX interfaceIndex, IF_INDEX subInterfaceIndex,
                                          NET_BUFFER_LIST *list, FWPS_INJECT_COMPLETE0 complete, HANDLE completeContext)
{
    if (reserved != NULL || flags != 0 || compartmentId != 1 || interfaceIndex != 7 || subInterfaceIndex != 8) {
        Violation("receive injected with wrong parameters");
    }
    return Inject(handle, context, list, complete, completeContext, TRUE, family, NULL);
}

NTSTATUS FwpsConstructIpHeaderForTransportPacket0(NET_BUFFER_LIST *list, ULONG headerIncludeHeaderLength, ADDRESS_FAMILY family,
                                                  const UCHAR *sourceAddress, const UCHAR *remoteAddress, IPPROTO nextProtocol,
                                                  UINT64 endpointHandle, const WSACMSGHDR *controlData, ULONG controlDataLength,
                                                  UINT32 flags, PVOID reserved, IF_INDEX interfaceIndex,
                                                  IF_INDEX subInterfaceIndex)
{
    (void)endpointHandle, (void)controlData, (void)controlDataLength, (void)flags, (void)reserved, (void)interfaceIndex;
    (void)subInterfaceIndex, (void)sourceAddress, (void)remoteAddress, (void)nextProtocol, (void)family;
    if (!((LIST *)list)->ours || headerIncludeHeaderLength == 0) {
        Violation("IP header built for a wrong list");
    }
    if (NativeFails("FwpsConstructIpHeaderForTransportPacket0")) {
        return STATUS_UNSUCCESSFUL;
    }
    pthread_mutex_lock(&EngineLock);
    EngineTotals.constructedHeaders++;
    pthread_mutex_unlock(&EngineLock);
    return STATUS_SUCCESS;
}

FWPS_PACKET_INJECTION_STATE FwpsQueryPacketInjectionState0(HANDLE handle, const NET_BUFFER_LIST *netBufferList, HANDLE *context)
{
    const LIST *list = (const LIST *)netBufferList;
    NativeCheckCall("FwpsQueryPacketInjectionState0", DISPATCH_LEVEL);
    if (list->injectedBy == NULL) {
        return FWPS_PACKET_NOT_INJECTED;
    }
    if (list->injectedBy != handle) {
        return FWPS_PACKET_INJECTED_BY_OTHER;
    }
    *context = list->injectionContext;
    return FWPS_PACKET_INJECTED_BY_SELF;
}

void EngineSetInjectStatus(NTSTATUS status)
{
    EngineInjectStatus = status;
}
