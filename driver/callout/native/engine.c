/*
 * The filter engine's part of the platform: calls the callouts as WFP is documented to, and checks what they do.
 * Completing a CONNECT reauthorizes on the same thread; a RECV_ACCEPT copy comes by again; every pointer handed to a
 * classify dies with it.
 */
#define _GNU_SOURCE
#include "engine.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

pthread_mutex_t EngineLock = PTHREAD_MUTEX_INITIALIZER;
REGISTERED EngineCallouts[MAX_CALLOUTS];
PEND *EnginePends;
INJECTED *EngineQueue;
FLOW_CONTEXT *EngineFlows;
ENGINE_COUNTS EngineTotals;
long EngineLists;
long EngineInjectionHandles;
long EnginePools;
long EngineRedirectHandles;
long EngineClassifyHandles;
NTSTATUS EngineInjectStatus;
_Thread_local OPERATION *EngineCurrent;
_Thread_local BOOLEAN EngineCurrentSecured;

NTSTATUS FwpsCalloutRegister2(void *deviceObject, const FWPS_CALLOUT2 *callout, UINT32 *calloutId)
{
    ULONG i;
    NativeCheckCall("FwpsCalloutRegister2", PASSIVE_LEVEL);
    if (deviceObject == NULL || callout->classifyFn == NULL || callout->notifyFn == NULL) {
        Violation("callout without device, classifyFn or notifyFn");
    }
    if (((callout->flags & FWP_CALLOUT_FLAG_CONDITIONAL_ON_FLOW) != 0) != (callout->flowDeleteFn != NULL)) {
        Violation("flow contexts need flowDeleteFn and CONDITIONAL_ON_FLOW");
    }
    if (NativeFails("FwpsCalloutRegister2")) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    pthread_mutex_lock(&EngineLock);
    for (i = 0; i < MAX_CALLOUTS; i++) {
        if (EngineCallouts[i].live && memcmp(&EngineCallouts[i].callout.calloutKey, &callout->calloutKey, sizeof(GUID)) == 0) {
            Violation("callout registered twice");
        }
    }
    for (i = 0; i < MAX_CALLOUTS && EngineCallouts[i].live; i++) {
    }
    if (i == MAX_CALLOUTS) {
        Violation("too many callouts");
    }
    EngineCallouts[i].callout = *callout;
    EngineCallouts[i].contexts = 0;
    __atomic_store_n(&EngineCallouts[i].live, 1, __ATOMIC_SEQ_CST);
    EngineTotals.registered++;
    pthread_mutex_unlock(&EngineLock);
    *calloutId = i + 1;
    /* The engine tells about filters that come and go; a callout that refuses would make them fail. */
    if (!NT_SUCCESS(callout->notifyFn(FWPS_CALLOUT_NOTIFY_ADD_FILTER, &callout->calloutKey, NULL))) {
        Violation("notifyFn refuses a filter");
    }
    return STATUS_SUCCESS;
}

NTSTATUS FwpsCalloutUnregisterById0(const UINT32 calloutId)
{
    REGISTERED *callout = &EngineCallouts[calloutId - 1];
    NTSTATUS status = STATUS_SUCCESS;
    NativeCheckCall("FwpsCalloutUnregisterById0", PASSIVE_LEVEL);
    pthread_mutex_lock(&EngineLock);
    if (!callout->live) {
        Violation("unregistered a callout that is not registered");
    }
    if (callout->contexts != 0) {
        status = STATUS_DEVICE_BUSY;
    } else if (callout->running != 0) {
        status = STATUS_FWP_IN_USE;
    } else {
        __atomic_store_n(&callout->live, 0, __ATOMIC_SEQ_CST);
        EngineTotals.registered--;
    }
    EngineTotals.unregisterRefused += !NT_SUCCESS(status);
    pthread_mutex_unlock(&EngineLock);
    return status;
}

static const struct {
    UINT16 layerId;
    GUID key;
} Keys[] = {
    { FWPS_LAYER_ALE_AUTH_CONNECT_V4, SALLYPORT_CALLOUT_AUTH_CONNECT_V4 },
    { FWPS_LAYER_ALE_AUTH_CONNECT_V6, SALLYPORT_CALLOUT_AUTH_CONNECT_V6 },
    { FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V4, SALLYPORT_CALLOUT_AUTH_RECV_ACCEPT_V4 },
    { FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V6, SALLYPORT_CALLOUT_AUTH_RECV_ACCEPT_V6 },
    { FWPS_LAYER_ALE_ENDPOINT_CLOSURE_V4, SALLYPORT_CALLOUT_ENDPOINT_CLOSURE_V4 },
    { FWPS_LAYER_ALE_ENDPOINT_CLOSURE_V6, SALLYPORT_CALLOUT_ENDPOINT_CLOSURE_V6 },
    { FWPS_LAYER_ALE_CONNECT_REDIRECT_V4, SALLYPORT_CALLOUT_CONNECT_REDIRECT_V4 },
    { FWPS_LAYER_ALE_CONNECT_REDIRECT_V6, SALLYPORT_CALLOUT_CONNECT_REDIRECT_V6 },
    { FWPS_LAYER_ALE_FLOW_ESTABLISHED_V4, SALLYPORT_CALLOUT_FLOW_ESTABLISHED_V4 },
    { FWPS_LAYER_ALE_FLOW_ESTABLISHED_V6, SALLYPORT_CALLOUT_FLOW_ESTABLISHED_V6 },
    { FWPS_LAYER_STREAM_V4, SALLYPORT_CALLOUT_STREAM_V4 },
    { FWPS_LAYER_STREAM_V6, SALLYPORT_CALLOUT_STREAM_V6 },
};

/* Enters the layer's callout, so that it cannot be unregistered meanwhile. */
REGISTERED *EngineEnter(UINT16 layerId)
{
    const GUID *key = NULL;
    ULONG i;
    for (i = 0; i < sizeof(Keys) / sizeof(Keys[0]); i++) {
        if (Keys[i].layerId == layerId) {
            key = &Keys[i].key;
        }
    }
    pthread_mutex_lock(&EngineLock);
    for (i = 0; key != NULL && i < MAX_CALLOUTS; i++) {
        if (EngineCallouts[i].live && memcmp(&EngineCallouts[i].callout.calloutKey, key, sizeof(*key)) == 0) {
            EngineCallouts[i].running++;
            pthread_mutex_unlock(&EngineLock);
            return &EngineCallouts[i];
        }
    }
    pthread_mutex_unlock(&EngineLock);
    return NULL;
}

void EngineLeave(REGISTERED *callout)
{
    pthread_mutex_lock(&EngineLock);
    callout->running--;
    pthread_mutex_unlock(&EngineLock);
}

/* --- the end --- */

ENGINE_COUNTS EngineCounts(void)
{
    ENGINE_COUNTS counts;
    pthread_mutex_lock(&EngineLock);
    counts = EngineTotals;
    pthread_mutex_unlock(&EngineLock);
    return counts;
}

void EngineCheckEnd(void)
{
    PEND *pend;
    while ((pend = EnginePends) != NULL) {
        if (!pend->used) {
            Violation("an operation was pended and never completed");
        }
        EnginePends = pend->next;
        free(pend);
    }
    if (EngineTotals.registered != 0 || EngineLists != 0 || EngineInjectionHandles != 0 || EnginePools != 0 || EngineRedirectHandles != 0 ||
        EngineClassifyHandles != 0 || EngineQueue != NULL || EngineFlows != NULL) {
        Violation("left in the filter engine: %u callouts, %ld lists, %ld injection handles, %ld pools", EngineTotals.registered, EngineLists,
                  EngineInjectionHandles, EnginePools);
    }
    memset(&EngineTotals, 0, sizeof(EngineTotals));
    EngineInjectStatus = STATUS_SUCCESS;
}
