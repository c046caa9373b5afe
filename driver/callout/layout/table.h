/* Tables of what ioctl.h declares; layout.c checks that they name every byte. One line per field, in order. */
#ifndef SALLYPORT_LAYOUT_TABLE_H
#define SALLYPORT_LAYOUT_TABLE_H

#include "../ioctl.h"

/** A field. `width` is the size of one element; a nested header counts as its four fields. */
typedef struct FIELD {
    const char *name;
    size_t offset;
    size_t width;
    size_t count;
} FIELD;

typedef struct STRUCTURE {
    const char *name; /**< Without SALLYPORT_ */
    size_t size;
    const FIELD *fields; /**< Ends with a null name. */
} STRUCTURE;

typedef struct CONSTANT {
    const char *name;
    SP_U32 value;
} CONSTANT;

/** A GUID without Windows' headers. */
typedef struct KEY {
    SP_U32 data1;
    SP_U16 data2;
    SP_U16 data3;
    SP_U8 data4[8];
} KEY;

typedef struct CALLOUT_KEY {
    const char *name;
    KEY key;
} CALLOUT_KEY;

#define ONE(structure, member) { #member, offsetof(structure, member), sizeof(((structure *)0)->member), 1 }
#define MANY(structure, member)                                                                   \
    { #member, offsetof(structure, member), sizeof(((structure *)0)->member[0]),                  \
      sizeof(((structure *)0)->member) / sizeof(((structure *)0)->member[0]) }
#define HEADER(structure)                                                                         \
    ONE(structure, header.size), ONE(structure, header.type), ONE(structure, header.flags),       \
        ONE(structure, header.sequence), ONE(structure, header.time100ns)
#define END { NULL, 0, 0, 0 }

static const FIELD HELLO_FIELDS[] = {
    ONE(SALLYPORT_HELLO, version),
    ONE(SALLYPORT_HELLO, magic),
    ONE(SALLYPORT_HELLO, reserved0),
    ONE(SALLYPORT_HELLO, reserved1),
    END,
};

static const FIELD WELCOME_FIELDS[] = {
    ONE(SALLYPORT_WELCOME, version),
    ONE(SALLYPORT_WELCOME, magic),
    ONE(SALLYPORT_WELCOME, accepted),
    ONE(SALLYPORT_WELCOME, role),
    ONE(SALLYPORT_WELCOME, driverVersion),
    ONE(SALLYPORT_WELCOME, heldCount),
    ONE(SALLYPORT_WELCOME, deciderAttached),
    ONE(SALLYPORT_WELCOME, observerCount),
    ONE(SALLYPORT_WELCOME, modules),
    ONE(SALLYPORT_WELCOME, reserved0),
    ONE(SALLYPORT_WELCOME, instanceId),
    END,
};

static const FIELD POLICY_FIELDS[] = {
    ONE(SALLYPORT_POLICY, version),
    ONE(SALLYPORT_POLICY, flags),
    ONE(SALLYPORT_POLICY, deadlineMs),
    ONE(SALLYPORT_POLICY, rememberMs),
    ONE(SALLYPORT_POLICY, maxHeld),
    ONE(SALLYPORT_POLICY, maxHeldPerProcess),
    ONE(SALLYPORT_POLICY, maxHeldBytes),
    ONE(SALLYPORT_POLICY, exemptCount),
    ONE(SALLYPORT_POLICY, onTimeout),
    ONE(SALLYPORT_POLICY, onOverflow),
    ONE(SALLYPORT_POLICY, onDetach),
    ONE(SALLYPORT_POLICY, onStranger),
    MANY(SALLYPORT_POLICY, reserved),
    MANY(SALLYPORT_POLICY, exemptProcessIds),
    END,
};

static const FIELD MODULES_FIELDS[] = {
    ONE(SALLYPORT_MODULES, version),
    ONE(SALLYPORT_MODULES, modules),
    ONE(SALLYPORT_MODULES, proxyProcessId),
    ONE(SALLYPORT_MODULES, proxyPortHost),
    ONE(SALLYPORT_MODULES, reserved0),
    ONE(SALLYPORT_MODULES, streamBytes),
    ONE(SALLYPORT_MODULES, streamFlows),
    ONE(SALLYPORT_MODULES, reserved1),
    END,
};

static const FIELD VERDICT_FIELDS[] = {
    ONE(SALLYPORT_VERDICT, requestId),
    ONE(SALLYPORT_VERDICT, verdict),
    ONE(SALLYPORT_VERDICT, flags),
    END,
};

static const FIELD VERDICT_BATCH_FIELDS[] = {
    ONE(SALLYPORT_VERDICT_BATCH, version),
    ONE(SALLYPORT_VERDICT_BATCH, count),
    END,
};

static const FIELD VERDICT_RESULT_FIELDS[] = {
    ONE(SALLYPORT_VERDICT_RESULT, requestId),
    ONE(SALLYPORT_VERDICT_RESULT, result),
    ONE(SALLYPORT_VERDICT_RESULT, reserved0),
    END,
};

static const FIELD VERDICT_RESULTS_FIELDS[] = {
    ONE(SALLYPORT_VERDICT_RESULTS, version),
    ONE(SALLYPORT_VERDICT_RESULTS, count),
    END,
};

static const FIELD EVENT_BATCH_FIELDS[] = {
    ONE(SALLYPORT_EVENT_BATCH, version),
    ONE(SALLYPORT_EVENT_BATCH, count),
    ONE(SALLYPORT_EVENT_BATCH, lost),
    ONE(SALLYPORT_EVENT_BATCH, bytes),
    ONE(SALLYPORT_EVENT_BATCH, reserved0),
    END,
};

static const FIELD EVENT_HEADER_FIELDS[] = {
    ONE(SALLYPORT_EVENT_HEADER, size),
    ONE(SALLYPORT_EVENT_HEADER, type),
    ONE(SALLYPORT_EVENT_HEADER, flags),
    ONE(SALLYPORT_EVENT_HEADER, sequence),
    ONE(SALLYPORT_EVENT_HEADER, time100ns),
    END,
};

static const FIELD ATTEMPT_EVENT_FIELDS[] = {
    HEADER(SALLYPORT_ATTEMPT_EVENT),
    ONE(SALLYPORT_ATTEMPT_EVENT, requestId),
    ONE(SALLYPORT_ATTEMPT_EVENT, processId),
    ONE(SALLYPORT_ATTEMPT_EVENT, filterId),
    ONE(SALLYPORT_ATTEMPT_EVENT, interfaceLuid),
    ONE(SALLYPORT_ATTEMPT_EVENT, subProcessTag),
    ONE(SALLYPORT_ATTEMPT_EVENT, deadlineMs),
    ONE(SALLYPORT_ATTEMPT_EVENT, conditionFlags),
    ONE(SALLYPORT_ATTEMPT_EVENT, reauthorizeReason),
    ONE(SALLYPORT_ATTEMPT_EVENT, interfaceIndex),
    ONE(SALLYPORT_ATTEMPT_EVENT, subInterfaceIndex),
    ONE(SALLYPORT_ATTEMPT_EVENT, remoteScopeId),
    ONE(SALLYPORT_ATTEMPT_EVENT, compartmentId),
    ONE(SALLYPORT_ATTEMPT_EVENT, packetBytes),
    ONE(SALLYPORT_ATTEMPT_EVENT, layerId),
    ONE(SALLYPORT_ATTEMPT_EVENT, family),
    ONE(SALLYPORT_ATTEMPT_EVENT, protocol),
    ONE(SALLYPORT_ATTEMPT_EVENT, localPortHost),
    ONE(SALLYPORT_ATTEMPT_EVENT, remotePortHost),
    MANY(SALLYPORT_ATTEMPT_EVENT, localAddress),
    MANY(SALLYPORT_ATTEMPT_EVENT, remoteAddress),
    ONE(SALLYPORT_ATTEMPT_EVENT, verdict),
    ONE(SALLYPORT_ATTEMPT_EVENT, reason),
    ONE(SALLYPORT_ATTEMPT_EVENT, reserved0),
    ONE(SALLYPORT_ATTEMPT_EVENT, appIdOffset),
    ONE(SALLYPORT_ATTEMPT_EVENT, appIdBytes),
    ONE(SALLYPORT_ATTEMPT_EVENT, peerNameOffset),
    ONE(SALLYPORT_ATTEMPT_EVENT, peerNameBytes),
    ONE(SALLYPORT_ATTEMPT_EVENT, packageSidOffset),
    ONE(SALLYPORT_ATTEMPT_EVENT, packageSidBytes),
    END,
};

static const FIELD COMPLETED_EVENT_FIELDS[] = {
    HEADER(SALLYPORT_COMPLETED_EVENT),
    ONE(SALLYPORT_COMPLETED_EVENT, requestId),
    ONE(SALLYPORT_COMPLETED_EVENT, waitedMs),
    ONE(SALLYPORT_COMPLETED_EVENT, verdict),
    ONE(SALLYPORT_COMPLETED_EVENT, reason),
    ONE(SALLYPORT_COMPLETED_EVENT, packetsInjected),
    ONE(SALLYPORT_COMPLETED_EVENT, packetsDropped),
    ONE(SALLYPORT_COMPLETED_EVENT, reserved0),
    ONE(SALLYPORT_COMPLETED_EVENT, injectStatus),
    END,
};

static const FIELD STATE_EVENT_FIELDS[] = {
    HEADER(SALLYPORT_STATE_EVENT),
    ONE(SALLYPORT_STATE_EVENT, deciderAttached),
    ONE(SALLYPORT_STATE_EVENT, modules),
    ONE(SALLYPORT_STATE_EVENT, deciderProcessId),
    END,
};

static const FIELD STREAM_EVENT_FIELDS[] = {
    HEADER(SALLYPORT_STREAM_EVENT),
    ONE(SALLYPORT_STREAM_EVENT, flowId),
    ONE(SALLYPORT_STREAM_EVENT, processId),
    ONE(SALLYPORT_STREAM_EVENT, streamOffset),
    ONE(SALLYPORT_STREAM_EVENT, inbound),
    ONE(SALLYPORT_STREAM_EVENT, family),
    ONE(SALLYPORT_STREAM_EVENT, last),
    ONE(SALLYPORT_STREAM_EVENT, reserved0),
    ONE(SALLYPORT_STREAM_EVENT, localPortHost),
    ONE(SALLYPORT_STREAM_EVENT, remotePortHost),
    ONE(SALLYPORT_STREAM_EVENT, dataOffset),
    ONE(SALLYPORT_STREAM_EVENT, dataBytes),
    MANY(SALLYPORT_STREAM_EVENT, localAddress),
    MANY(SALLYPORT_STREAM_EVENT, remoteAddress),
    END,
};

static const FIELD STATISTICS_FIELDS[] = {
    ONE(SALLYPORT_STATISTICS, version),
    ONE(SALLYPORT_STATISTICS, heldNow),
    ONE(SALLYPORT_STATISTICS, heldBytesNow),
    ONE(SALLYPORT_STATISTICS, rememberedNow),
    ONE(SALLYPORT_STATISTICS, heldMost),
    ONE(SALLYPORT_STATISTICS, observersNow),
    ONE(SALLYPORT_STATISTICS, deciderNow),
    ONE(SALLYPORT_STATISTICS, reserved0),
    ONE(SALLYPORT_STATISTICS, classified),
    ONE(SALLYPORT_STATISTICS, pended),
    MANY(SALLYPORT_STATISTICS, completed),
    MANY(SALLYPORT_STATISTICS, decided),
    ONE(SALLYPORT_STATISTICS, permitted),
    ONE(SALLYPORT_STATISTICS, blocked),
    ONE(SALLYPORT_STATISTICS, noWriteRight),
    ONE(SALLYPORT_STATISTICS, ownInjections),
    ONE(SALLYPORT_STATISTICS, exempt),
    ONE(SALLYPORT_STATISTICS, loopback),
    ONE(SALLYPORT_STATISTICS, reauthorized),
    ONE(SALLYPORT_STATISTICS, joined),
    ONE(SALLYPORT_STATISTICS, packetsInjected),
    ONE(SALLYPORT_STATISTICS, packetsDropped),
    ONE(SALLYPORT_STATISTICS, injectFailures),
    ONE(SALLYPORT_STATISTICS, eventsLost),
    ONE(SALLYPORT_STATISTICS, redirected),
    ONE(SALLYPORT_STATISTICS, streamFlows),
    ONE(SALLYPORT_STATISTICS, streamBytes),
    END,
};

static const STRUCTURE Structures[] = {
    { "HELLO", sizeof(SALLYPORT_HELLO), HELLO_FIELDS },
    { "WELCOME", sizeof(SALLYPORT_WELCOME), WELCOME_FIELDS },
    { "POLICY", sizeof(SALLYPORT_POLICY), POLICY_FIELDS },
    { "MODULES", sizeof(SALLYPORT_MODULES), MODULES_FIELDS },
    { "VERDICT", sizeof(SALLYPORT_VERDICT), VERDICT_FIELDS },
    { "VERDICT_BATCH", sizeof(SALLYPORT_VERDICT_BATCH), VERDICT_BATCH_FIELDS },
    { "VERDICT_RESULT", sizeof(SALLYPORT_VERDICT_RESULT), VERDICT_RESULT_FIELDS },
    { "VERDICT_RESULTS", sizeof(SALLYPORT_VERDICT_RESULTS), VERDICT_RESULTS_FIELDS },
    { "EVENT_BATCH", sizeof(SALLYPORT_EVENT_BATCH), EVENT_BATCH_FIELDS },
    { "EVENT_HEADER", sizeof(SALLYPORT_EVENT_HEADER), EVENT_HEADER_FIELDS },
    { "ATTEMPT_EVENT", sizeof(SALLYPORT_ATTEMPT_EVENT), ATTEMPT_EVENT_FIELDS },
    { "COMPLETED_EVENT", sizeof(SALLYPORT_COMPLETED_EVENT), COMPLETED_EVENT_FIELDS },
    { "STATE_EVENT", sizeof(SALLYPORT_STATE_EVENT), STATE_EVENT_FIELDS },
    { "STREAM_EVENT", sizeof(SALLYPORT_STREAM_EVENT), STREAM_EVENT_FIELDS },
    { "STATISTICS", sizeof(SALLYPORT_STATISTICS), STATISTICS_FIELDS },
    { NULL, 0, NULL },
};

#define VALUE(name) { #name, SALLYPORT_##name }

static const CONSTANT Constants[] = {
    VALUE(CONTRACT_VERSION),
    VALUE(MAGIC),
    VALUE(IOCTL_ATTACH_OBSERVER),
    VALUE(IOCTL_ATTACH_DECIDER),
    VALUE(IOCTL_NEXT_EVENTS),
    VALUE(IOCTL_COMPLETE),
    VALUE(IOCTL_SET_POLICY),
    VALUE(IOCTL_GET_POLICY),
    VALUE(IOCTL_GET_STATISTICS),
    VALUE(IOCTL_SET_MODULES),
    VALUE(MAX_OBSERVERS),
    VALUE(MAX_INVERTED_CALLS),
    VALUE(MAX_HELD),
    VALUE(MAX_HELD_BYTES),
    VALUE(MIN_DEADLINE_MS),
    VALUE(MAX_DEADLINE_MS),
    VALUE(MAX_REMEMBER_MS),
    VALUE(MAX_EXEMPT),
    VALUE(MAX_VERDICTS),
    VALUE(MAX_STREAM_BYTES),
    VALUE(MAX_STREAM_FLOWS),
    VALUE(MAX_APP_ID_BYTES),
    VALUE(MAX_PEER_NAME_BYTES),
    VALUE(MAX_SID_BYTES),
    VALUE(MAX_EVENT_BYTES),
    VALUE(MIN_EVENT_BUFFER),
    VALUE(ROLE_NONE),
    VALUE(ROLE_OBSERVER),
    VALUE(ROLE_DECIDER),
    VALUE(VERDICT_BY_FILTER),
    VALUE(VERDICT_PERMIT),
    VALUE(VERDICT_BLOCK),
    VALUE(VERDICT_FLAG_HARD),
    VALUE(REASON_NONE),
    VALUE(REASON_ANSWERED),
    VALUE(REASON_TIMED_OUT),
    VALUE(REASON_DETACHED),
    VALUE(REASON_WITHDRAWN),
    VALUE(REASON_POWER),
    VALUE(REASON_UNLOAD),
    VALUE(REASON_OVERFLOW),
    VALUE(REASON_NO_DECIDER),
    VALUE(REASON_CANNOT_PEND),
    VALUE(REASON_NO_MEMORY),
    VALUE(REASON_STRANGER),
    VALUE(REASON_COUNT),
    VALUE(RESULT_ACCEPTED),
    VALUE(RESULT_NOT_HELD),
    VALUE(EVENT_PENDED),
    VALUE(EVENT_DECIDED),
    VALUE(EVENT_COMPLETED),
    VALUE(EVENT_STATE),
    VALUE(EVENT_STREAM),
    VALUE(EVENT_FLAG_REPLAYED),
    VALUE(EVENT_FLAG_APP_ID_TRUNCATED),
    VALUE(EVENT_FLAG_PEER_NAME_TRUNCATED),
    VALUE(EVENT_FLAG_LOCAL_ADDRESS_UNKNOWN),
    VALUE(POLICY_HOLD_LOOPBACK),
    VALUE(MODULE_REDIRECT),
    VALUE(MODULE_STREAM),
    { NULL, 0 },
};

#define KEY_OF(name) { #name, SALLYPORT_CALLOUT_##name }

static const CALLOUT_KEY Callouts[] = {
    KEY_OF(AUTH_CONNECT_V4),
    KEY_OF(AUTH_CONNECT_V6),
    KEY_OF(AUTH_RECV_ACCEPT_V4),
    KEY_OF(AUTH_RECV_ACCEPT_V6),
    KEY_OF(ENDPOINT_CLOSURE_V4),
    KEY_OF(ENDPOINT_CLOSURE_V6),
    KEY_OF(CONNECT_REDIRECT_V4),
    KEY_OF(CONNECT_REDIRECT_V6),
    KEY_OF(FLOW_ESTABLISHED_V4),
    KEY_OF(FLOW_ESTABLISHED_V6),
    KEY_OF(STREAM_V4),
    KEY_OF(STREAM_V6),
    { NULL, { 0, 0, 0, { 0 } } },
};

#endif
