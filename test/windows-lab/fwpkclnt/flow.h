/* A flow of the stack, and everything that one classify of it points to. */
#pragma once
#include "lab.h"

#define IS_LOOPBACK 1u
#define IS_REAUTHORIZE 4u
#define IS_CONNECTION_REDIRECTED 0x100000u
/** The lab's flow handles are no endpoint handles: a callout that takes one for the other is seen. */
#define FLOW_HANDLE(flow) (0xf10a0000ull + (flow)->endpoint)

typedef struct REDIRECT_HANDLE REDIRECT_HANDLE;

/** Redirect records of a connection: whoever redirected it last, and whether that was changed afterwards by another. */
typedef struct RECORDS {
    ULONG magic;
    const REDIRECT_HANDLE *by; /* NULL with a magic: another driver */
    BOOLEAN changedByOther;
    LONG times; /* by ours */
    ULONG targetProcessId;
    UCHAR remote[16];
    UINT16 remotePort;
    void *context;
    SIZE_T contextBytes;
} RECORDS;

#define RECORDS_MAGIC 0x5245434f

typedef struct FLOW_CONTEXT {
    struct FLOW_CONTEXT *next;
    UINT16 layerId;
    UINT32 calloutId;
    UINT64 value;
    LONG running;
    BOOLEAN removed; /* while it runs */
} FLOW_CONTEXT;

struct FLOW {
    LAB_PLAY play;
    UINT64 endpoint;
    UINT16 layer;
    LONG state;
    LONG reauthorized, delivered, hard, mismatch, asked;
    BOOLEAN established, ended;
    RECORDS records;
    FLOW_CONTEXT *contexts;
    UINT64 sent[2]; /* bytes of the stream so far, outbound and inbound */
};

/** A WSACMSGHDR with its data, as a program gives it to WSASendMsg. */
#define CONTROL_BYTES 28u

/** Gone and overwritten when the classify returns: a callout that kept a pointer reads rubbish. */
typedef struct CALL {
    FWPS_INCOMING_VALUE0 values[64];
    FWPS_INCOMING_VALUES0 fixed;
    FWPS_INCOMING_METADATA_VALUES0 metadata;
    FWPS_FILTER2 filter;
    FWPS_CLASSIFY_OUT0 out;
    FWP_BYTE_ARRAY16 local, remote;
    SOCKADDR_STORAGE original;
    UCHAR control[CONTROL_BYTES];
    UINT64 interfaceLuid;
    FWP_BYTE_BLOB appId;
    WCHAR appIdText[64];
} CALL;

static inline BOOLEAN IsConnect(const FLOW *flow) { return flow->layer == 48 || flow->layer == 50; }
static inline BOOLEAN SameBytes(const void *a, const void *b, SIZE_T size) { return RtlCompareMemory(a, b, size) == size; }

/* classify.c */
/** The values of this layer for this flow. NULL without memory. */
CALL *CallMake(FLOW *flow, UINT16 layerId, UINT32 reauthorizeReason, HANDLE completion);
void CallEnd(CALL *call);
/** What the program of this flow gives along with a datagram: IP_PKTINFO or IPV6_PKTINFO, another one for every flow. */
void WriteControl(const FLOW *flow, UCHAR control[CONTROL_BYTES]);
/** Writes a socket address as WFP's structures hold it: port in network order. */
void WriteSocketAddress(SOCKADDR_STORAGE *storage, UINT32 family, const UCHAR *address, UINT16 port);

/** What a filter that asks says of its asking. */
typedef struct ASKING {
    UINT64 filterId; /* 0: the layer's own, as it is played */
    UINT16 filterFlags; /* FWPS_FILTER_FLAG_* */
    UINT32 rights;
} ASKING;

/** What a layer, a sublayer or one filter says. */
typedef struct OUTCOME {
    FWP_ACTION_TYPE action;
    BOOLEAN right; /* FWPS_RIGHT_ACTION_WRITE is left */
    BOOLEAN held;  /* pended, or still */
} OUTCOME;

/** One classify of the flow, as it is asked again and again. */
typedef struct CLASSIFICATION {
    FLOW *flow;
    UINT32 reason; /* REAUTHORIZE_REASON, 0 at first */
    NET_BUFFER_LIST *list;
    HANDLE completion;
} CLASSIFICATION;

/* flow.c */
/** Calls this callout, which `CalloutFor` or `CalloutByKey` has given; leaves it. */
OUTCOME AskCallout(const CLASSIFICATION *one, const ASKING *asking, FWPS_CALLOUT_CLASSIFY_FN2 classify, UINT32 calloutId);

/* arbitrate.c */
/** What the engine's filters say, by its rules of arbitration. False: the engine has told of none, the callout of the layer is asked. */
BOOLEAN Arbitrate(const CLASSIFICATION *one, OUTCOME *outcome);
/** Whether some filter at the layer names this layer's own callout; TRUE when the engine has told of none. */
BOOLEAN FilterNames(UINT16 layerId);
NTSTATUS FiltersTake(const LAB_FILTERS *list, ULONG size);
void FiltersFree(void);
