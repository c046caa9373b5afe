/*
 * A kernel side of the Windows Filtering Platform for the lab: fwpkclnt.sys with the functions that the callout driver imports, and a
 * control device through which a test plays what programs and packets do. It checks its caller: what would hang or crash Windows is
 * counted as a violation here. Sources: the pages of the Fwps functions, https://learn.microsoft.com/windows-hardware/drivers/network/
 */
#pragma once
#include <ntifs.h>
#include <fwpsk.h>

#define LAB_DEVICE L"\\Device\\SallyportLab"
#define LAB_LINK L"\\DosDevices\\SallyportLab"
/* METHOD_BUFFERED, any access; the prefix of the lab belongs to the test. */
#define LAB_IOCTL_PLAY CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define LAB_IOCTL_QUERY CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define LAB_IOCTL_COUNTERS CTL_CODE(FILE_DEVICE_UNKNOWN, 0x802, METHOD_BUFFERED, FILE_ANY_ACCESS)

enum LAB_ACTION { LAB_CONNECT = 1, LAB_ACCEPT = 2, LAB_SEND = 3, LAB_REAUTHORIZE = 4, LAB_CLOSE = 5 };
enum LAB_STATE { LAB_NEW = 0, LAB_HELD = 1, LAB_PERMITTED = 2, LAB_BLOCKED = 3, LAB_CLOSED = 4 };

/* What a test plays; driver.ts lays it out. `count` times with rising remote ports. */
typedef struct LAB_PLAY {
    UINT32 action, family, protocol, count;
    UINT32 rights, filterFlags, conditionFlags, payloadBytes;
    UINT64 endpoint; /* of LAB_REAUTHORIZE and LAB_CLOSE: the first flow */
    UINT64 processId;
    UINT16 localPort, remotePort;
    UINT32 reserved;
    UINT8 local[16], remote[16];
    WCHAR appId[64];
} LAB_PLAY;

/* How `count` flows from `endpoint` on are. */
typedef struct LAB_FLOWS {
    UINT64 endpoint;
    UINT32 count, held, permitted, blocked, closed;
    UINT32 reauthorized;    /* classifies with IS_REAUTHORIZE */
    UINT32 delivered;       /* injected packets that were permitted and went on */
    UINT32 hard;            /* decisions without FWPS_RIGHT_ACTION_WRITE */
    UINT32 payloadMismatch; /* delivered packets whose bytes were not those sent */
    UINT32 reserved;
} LAB_FLOWS;

typedef struct LAB_COUNTERS {
    UINT32 callouts, injectionHandles, operations, lists, pools, flowContexts; /* alive now */
    UINT32 pended, completed, injected;
    UINT32 violations;
    char first[128]; /* the first violation in words */
} LAB_COUNTERS;

C_ASSERT(sizeof(LAB_PLAY) == 216);
C_ASSERT(sizeof(LAB_FLOWS) == 48);
C_ASSERT(sizeof(LAB_COUNTERS) == 168);

extern LAB_COUNTERS Counters;
void Violation(const char *text);
void *Allocate(SIZE_T size);
void Free(void *memory);
void LabLock(KIRQL *irql);
void LabUnlock(KIRQL irql);

/* flow.c */
typedef struct FLOW FLOW;
NTSTATUS Play(const LAB_PLAY *play, LAB_FLOWS *flows);
void Query(LAB_FLOWS *flows);
void FlowsFree(void);
/* The operation of this flow was completed with or without a packet. */
void FlowCompleted(FLOW *flow);
/* An injected packet arrives at the layers again. Answers whether it went on. */
BOOLEAN FlowInjected(UINT64 endpoint, BOOLEAN send, const UCHAR *local, const UCHAR *remote, NET_BUFFER_LIST *list);

/* callout.c */
FWPS_CALLOUT_CLASSIFY_FN2 CalloutFor(UINT16 layerId, UINT32 *calloutId);
void CalloutLeave(UINT32 calloutId);

/* operation.c */
HANDLE OperationOffer(FLOW *flow);
BOOLEAN OperationTaken(HANDLE completionHandle);
void OperationsFree(void);

/* buffer.c */
NET_BUFFER_LIST *ListFromBytes(const UCHAR *bytes, ULONG size, ULONG offset);
void ListFree(NET_BUFFER_LIST *list);
ULONG ListCopy(NET_BUFFER_LIST *list, UCHAR *bytes, ULONG size);

/* inject.c */
void InjectStart(void);
void InjectStop(void);
