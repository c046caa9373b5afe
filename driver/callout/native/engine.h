/*
 * What the files of the stand-in filter engine share: its state and the calls between its parts. Tests see native.h.
 *   engine.c            callouts, counts, the check at the end
 *   engine-packet.c     packets of the stack, and NDIS' functions on them
 *   engine-classify.c   one classify; pending, completing, reauthorizing; closing a socket
 *   engine-injection.c  packets on their way back in
 *   engine-flow.c       flows, their contexts, streams
 *   engine-redirect.c   connect redirection
 */
#ifndef SALLYPORT_NATIVE_ENGINE_H
#define SALLYPORT_NATIVE_ENGINE_H

#include <pthread.h>

#include "native.h"

#define MAX_CALLOUTS 64

typedef struct PEND {
    struct PEND *next;
    OPERATION *operation;
    BOOLEAN used;
} PEND;

/* A packet with its buffers; also what FwpsAllocateNetBufferAndNetBufferList0 gives. */
typedef struct LIST {
    NET_BUFFER_LIST list; /* first: the driver's pointer is ours */
    NET_BUFFER buffers[12];
    MDL mdls[24];
    UCHAR *bytes;
    ULONG bufferCount;
    ULONG offset; /* of the data at the beginning */
    BOOLEAN ours;
    HANDLE injectedBy;
    HANDLE injectionContext;
} LIST;

typedef struct INJECTED {
    struct INJECTED *next;
    HANDLE handle;
    LIST *list;
    FWPS_INJECT_COMPLETE0 complete;
    HANDLE completeContext;
    BOOLEAN receive;
    ADDRESS_FAMILY family;
    const FWPS_TRANSPORT_SEND_PARAMS0 *parameters; /* NULL: received */
} INJECTED;

typedef struct REGISTERED {
    FWPS_CALLOUT2 callout;
    volatile LONG live;
    volatile LONG running;
    volatile LONG contexts;
} REGISTERED;

typedef struct FLOW_CONTEXT {
    struct FLOW_CONTEXT *next;
    UINT64 flowHandle;
    UINT32 calloutId;
    UINT64 context;
    UINT16 layerId;
} FLOW_CONTEXT;

extern pthread_mutex_t EngineLock; /* guards everything below that is not a thread's own */
extern REGISTERED EngineCallouts[MAX_CALLOUTS]; /* id - 1 */
extern PEND *EnginePends;
extern INJECTED *EngineQueue;
extern FLOW_CONTEXT *EngineFlows;
extern ENGINE_COUNTS EngineTotals;
extern long EngineLists;
extern long EngineInjectionHandles;
extern long EnginePools;
extern long EngineRedirectHandles;
extern long EngineClassifyHandles;
extern NTSTATUS EngineInjectStatus;
extern _Thread_local OPERATION *EngineCurrent; /* the operation that this thread classifies */
extern _Thread_local BOOLEAN EngineCurrentSecured;

REGISTERED *EngineEnter(UINT16 layerId);
void EngineLeave(REGISTERED *callout);
ULONG EngineTransportHeader(UCHAR protocol);
ULONG EngineIpHeader(UINT16 layerId);
BOOLEAN EngineIsReceive(UINT16 layerId);
LIST *EngineMakeList(const ATTEMPT_INPUT *input);
void EngineFreeList(LIST *list);
void EngineSetAddress(FWP_VALUE0 *value, BOOLEAN six, FWP_BYTE_ARRAY16 *storage, ULONG last);
void EngineSetNumber(FWP_VALUE0 *value, FWP_DATA_TYPE type, UINT32 number);
OUTCOME EngineOutcome(const FWPS_CLASSIFY_OUT0 *out);
BOOLEAN EngineCall(const ATTEMPT_INPUT *input, OPERATION *operation, UINT32 flags, UINT32 reason, LIST *given, FWPS_CLASSIFY_OUT0 *out);

#endif
