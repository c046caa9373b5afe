/*
 * A kernel side of the Windows Filtering Platform for the lab: fwpkclnt.sys with the functions that the callout driver imports, and a
 * control device through which a test plays what programs and packets do. It checks its caller: what would hang or crash Windows is
 * counted as a violation here. Sources: the pages of the Fwps functions, https://learn.microsoft.com/windows-hardware/drivers/network/
 */
#pragma once
#include <ntifs.h>
#include <fwpsk.h>
#include "../filters.h"

#define LAB_DEVICE L"\\Device\\SallyportLab"
#define LAB_LINK L"\\DosDevices\\SallyportLab"
/* METHOD_BUFFERED, any access; the prefix of the lab belongs to the test. */
#define LAB_IOCTL_PLAY CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define LAB_IOCTL_QUERY CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define LAB_IOCTL_COUNTERS CTL_CODE(FILE_DEVICE_UNKNOWN, 0x802, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define LAB_IOCTL_STREAM CTL_CODE(FILE_DEVICE_UNKNOWN, 0x803, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define LAB_IOCTL_REDIRECT CTL_CODE(FILE_DEVICE_UNKNOWN, 0x804, METHOD_BUFFERED, FILE_ANY_ACCESS)

#define LAB_IOCTL_FILTERS CTL_CODE(FILE_DEVICE_UNKNOWN, 0x806, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define LAB_IOCTL_FAKE CTL_CODE(FILE_DEVICE_UNKNOWN, 0x805, METHOD_BUFFERED, FILE_ANY_ACCESS)

/* What this device is when a client takes it for the callout driver. In: UINT32. */
enum LAB_FAKE { LAB_FAKE_FOREIGN = 1, LAB_FAKE_NEWER = 2, LAB_FAKE_CUT = 3, LAB_FAKE_ENDLESS = 4, LAB_FAKE_COUNT = 5, LAB_FAKE_SHORT = 6 };

enum LAB_ACTION { LAB_CONNECT = 1, LAB_ACCEPT = 2, LAB_SEND = 3, LAB_REAUTHORIZE = 4, LAB_CLOSE = 5, LAB_ESTABLISH = 6 };
enum LAB_STATE { LAB_NEW = 0, LAB_HELD = 1, LAB_PERMITTED = 2, LAB_BLOCKED = 3, LAB_CLOSED = 4 };

/* What else happens meanwhile. LAB_STALL: the classify runs on a thread of its own and stops inside the function that the callout calls,
 * until somebody tries to take the callout or the context away. The other two: another driver redirects before or after. */
enum LAB_TROUBLE { LAB_STALL = 1, LAB_OTHER_BEFORE = 2, LAB_OTHER_AFTER = 4 };

/* What a test plays; stack.ts lays it out. `count` times with rising remote ports. */
typedef struct LAB_PLAY {
    UINT32 action, family, protocol, count;
    UINT32 rights, filterFlags, conditionFlags, payloadBytes;
    UINT64 endpoint; /* of LAB_REAUTHORIZE and LAB_CLOSE: the first flow */
    UINT64 processId;
    UINT16 localPort, remotePort;
    UINT32 trouble; /* LAB_TROUBLE bits */
    UINT8 local[16], remote[16];
    WCHAR appId[64];
    UINT64 records; /* of LAB_CONNECT: the socket carries the redirect records of this flow, as a proxy sets them; 0: none */
} LAB_PLAY;

/* How `count` flows from `endpoint` on are. */
typedef struct LAB_FLOWS {
    UINT64 endpoint;
    UINT32 count, held, permitted, blocked, closed;
    UINT32 reauthorized;    /* classifies with IS_REAUTHORIZE */
    UINT32 delivered;       /* injected packets that were permitted and went on */
    UINT32 hard;            /* decisions without FWPS_RIGHT_ACTION_WRITE */
    UINT32 payloadMismatch; /* delivered packets whose bytes were not those sent */
    UINT32 redirected;
    UINT32 asked; /* calls of our callouts' classifyFn */
    UINT32 reserved;
} LAB_FLOWS;

typedef struct LAB_COUNTERS {
    UINT32 callouts, injectionHandles, operations, lists, pools, flowContexts; /* alive now */
    UINT32 pended, completed, injected;
    UINT32 violations;
    char first[128]; /* the first violation in words */
    UINT32 redirectHandles, classifyHandles, poolBlocks, stalled; /* alive now */
    UINT32 inlineReauthorize; /* FwpsApplyModifiedLayerData0 with FWPS_CLASSIFY_FLAG_REAUTHORIZE_IF_MODIFIED_BY_OTHERS, but not pended */
    UINT32 reserved;
} LAB_COUNTERS;

/* A part of an established flow's stream: `repeat` times the bytes behind this header, in segments. */
typedef struct LAB_STREAM {
    UINT64 endpoint;
    UINT32 inbound, segmentBytes, repeat;
    UINT32 end; /* LAB_END: what follows the bytes */
    UINT32 trouble, reserved;
} LAB_STREAM;

enum LAB_END { LAB_GOES_ON = 0, LAB_FIN = 1, LAB_RESET = 2 };

typedef struct LAB_STREAM_RESULT {
    UINT64 passed;     /* bytes that went on */
    UINT64 copied;     /* bytes that the callout had copied */
    UINT32 classified; /* calls of the callout; 0: it has no context with this flow */
    UINT32 mismatch;   /* segments whose bytes were not the same afterwards */
} LAB_STREAM_RESULT;

/* What a proxy learns of the socket that it accepted (SIO_QUERY_WFP_CONNECTION_REDIRECT_CONTEXT), and where the flow goes now. */
typedef struct LAB_REDIRECT {
    UINT64 endpoint;
    UINT32 times; /* how often our callout has redirected it */
    UINT32 targetProcessId;
    UINT32 contextBytes;
    UINT16 port, originalFamily;
    UINT8 address[16];
    UINT8 context[128];
} LAB_REDIRECT;

C_ASSERT(sizeof(LAB_PLAY) == 224);
C_ASSERT(sizeof(LAB_FLOWS) == 56);
C_ASSERT(sizeof(LAB_COUNTERS) == 192);
C_ASSERT(sizeof(LAB_STREAM) == 32);
C_ASSERT(sizeof(LAB_STREAM_RESULT) == 24);
C_ASSERT(sizeof(LAB_REDIRECT) == 168);

extern LAB_COUNTERS Counters;
void Violation(const char *text);
void *Allocate(SIZE_T size);
void Free(void *memory);
void LabLock(KIRQL *irql);
void LabUnlock(KIRQL irql);

/* fake.c */
void FakeAs(ULONG kind);
BOOLEAN FakeControl(ULONG code, void *buffer, ULONG out, ULONG *written);

/* stall.c */
NTSTATUS RunApart(void (*work)(void *), void *argument);
/* Waits until StallEnd is called; a violation when nobody does. */
void StallHere(void);
void StallEnd(void);

/* pool.c */
/* From now on what this driver allocates and frees goes through the checks here. */
void PoolWatch(DRIVER_OBJECT *driver);
/* Bytes of a block that starts here; 0: not one of the driver's blocks. */
SIZE_T PoolSize(const void *memory);
void PoolRelease(void *memory);

/* flow.c */
typedef struct FLOW FLOW;
NTSTATUS Play(const LAB_PLAY *play, LAB_FLOWS *flows);
void Query(LAB_FLOWS *flows);
void FlowsFree(void);
/* NULL when there is none. */
FLOW *FlowAt(UINT64 endpoint);
/* The operation of this flow was completed with or without a packet. */
void FlowCompleted(FLOW *flow);
/* An injected packet arrives at the layers again; `sent` is NULL for a received one. Answers whether it went on. */
BOOLEAN FlowInjected(UINT64 endpoint, const FWPS_TRANSPORT_SEND_PARAMS0 *sent, NET_BUFFER_LIST *list);

/* callout.c */
FWPS_CALLOUT_CLASSIFY_FN2 CalloutFor(UINT16 layerId, UINT32 *calloutId);
FWPS_CALLOUT_CLASSIFY_FN2 CalloutByKey(const void *key, UINT32 *calloutId);
void CalloutLeave(UINT32 calloutId);
/* The flowDeleteFn of this callout if it stands at this layer; NULL when it has none or is not there. */
FWPS_CALLOUT_FLOW_DELETE_NOTIFY_FN0 CalloutFlowDelete(UINT32 calloutId, UINT16 layerId);
BOOLEAN CalloutLeaving(UINT32 calloutId);

/* redirect.c */
/* Asks the callout of ALE_CONNECT_REDIRECT, if there is one, and writes where the flow goes. */
void RedirectFlow(FLOW *flow);
void RedirectTell(LAB_REDIRECT *answer);
void RedirectForget(FLOW *flow);
void RedirectFree(void);

/* stream.c, context.c */
NTSTATUS StreamPlay(const LAB_STREAM *stream, const UCHAR *bytes, ULONG size, LAB_STREAM_RESULT *result);
/* Before and after a classify of the flow at this layer; 0: the callout has no context, so it is not asked. */
UINT64 ContextEnter(FLOW *flow, UINT16 layerId, UINT32 calloutId);
void ContextLeave(FLOW *flow, UINT16 layerId, UINT32 calloutId);
void ContextsEnd(FLOW *flow);
ULONG ContextsOf(UINT32 calloutId);

/* operation.c */
HANDLE OperationOffer(FLOW *flow);
BOOLEAN OperationTaken(HANDLE completionHandle);
void OperationsFree(void);

/* buffer.c */
NET_BUFFER_LIST *ListFromBytes(const UCHAR *bytes, ULONG size, ULONG offset);
void ListFree(NET_BUFFER_LIST *list);
ULONG ListCopy(NET_BUFFER_LIST *list, UCHAR *bytes, ULONG size);
/* The first bytes of a list's data. */
UCHAR *ListBytes(NET_BUFFER_LIST *list);

/* inject.c */
void InjectStart(void);
void InjectStop(void);
