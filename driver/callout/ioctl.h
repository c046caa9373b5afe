/*
 * The contract between the callout driver and its clients. Both sides compile this file; the TypeScript client
 * reads its layout from golden/layout.json, which a program built from this file writes.
 *
 * Rules that hold for every structure:
 *   - fixed widths, little endian, natural alignment, every padding byte named and zero. A driver that receives a
 *     non-zero reserved field answers STATUS_INVALID_PARAMETER, so that the field can get a meaning later.
 *   - the first field of what a client sends is `version`. Another version than SALLYPORT_CONTRACT_VERSION is
 *     answered STATUS_REVISION_MISMATCH (ERROR_REVISION_MISMATCH 1306), except by the two attach codes, which
 *     succeed with `accepted` 0 and the driver's version, so that a client can tell which side is older.
 *   - addresses are 16 bytes in network order; IPv4 uses the first four and leaves the rest zero.
 *   - a port whose name ends in Host is a number in host order. For ICMP the local port is the type and the remote
 *     port the code (FWPM_CONDITION_ICMP_TYPE and _CODE are aliases of the port conditions in fwpmu.h).
 *   - times ending in 100ns are FILETIME: 100 ns units since 1601-01-01 UTC. Durations end in Ms.
 *
 * All codes are METHOD_BUFFERED. A shorter input than the structure is STATUS_INFO_LENGTH_MISMATCH
 * (ERROR_BAD_LENGTH 24), a shorter output buffer is STATUS_BUFFER_TOO_SMALL (ERROR_INSUFFICIENT_BUFFER 122), and
 * nothing has changed then. A longer input than the structure is refused likewise; a longer output buffer is not.
 */
#ifndef SALLYPORT_IOCTL_H
#define SALLYPORT_IOCTL_H

#include <stddef.h>
#if defined(SALLYPORT_STDINT) || !defined(_WIN32)
#include <stdint.h>
typedef uint8_t SP_U8;
typedef uint16_t SP_U16;
typedef uint32_t SP_U32;
typedef uint64_t SP_U64;
#else
typedef unsigned char SP_U8;
typedef unsigned short SP_U16;
typedef unsigned int SP_U32;
typedef unsigned long long SP_U64;
#endif

/* C11 knows _Static_assert; cl says by __STDC_VERSION__ whether it was asked for C11. */
#if defined(__cplusplus) || (defined(_MSC_VER) && !defined(__STDC_VERSION__))
#define SP_STATIC_ASSERT(condition, text) static_assert(condition, text)
#else
#define SP_STATIC_ASSERT(condition, text) _Static_assert(condition, text)
#endif

/* The kernel's stddef.h has offsetof as the cast of an address, which clang does not take for a constant. */
#if defined(__clang__) || defined(__GNUC__)
#define SP_OFFSET(structure, member) __builtin_offsetof(structure, member)
#else
#define SP_OFFSET(structure, member) offsetof(structure, member)
#endif

/** Rises with every change of a layout or of a meaning. Nothing else is compared. */
#define SALLYPORT_CONTRACT_VERSION 1u
/** "SPRT" as it lies in memory. */
#define SALLYPORT_MAGIC 0x54525053u

/** The device. Its security descriptor lets in SYSTEM and Administrators only. */
#define SALLYPORT_DEVICE_NAME L"\\Device\\Sallyport"
#define SALLYPORT_LINK_NAME L"\\DosDevices\\Sallyport"
/** What a client gives to CreateFileW. Name tails (\\.\Sallyport\x) are refused with STATUS_OBJECT_NAME_INVALID. */
#define SALLYPORT_USER_PATH L"\\\\.\\Sallyport"

/*
 * Control codes: CTL_CODE(FILE_DEVICE_NETWORK 0x12, function, METHOD_BUFFERED 0, access), access 1 FILE_READ_DATA,
 * 3 FILE_READ_DATA|FILE_WRITE_DATA. So an observer opens with GENERIC_READ and the system itself refuses it the rest.
 */
#define SP_CTL(function, access) ((0x12u << 16) | ((access) << 14) | ((function) << 2))

/**
 * Attach this handle as an observer: it receives events and statistics and can change nothing. Needed once, before
 * anything else. In: SALLYPORT_HELLO. Out: SALLYPORT_WELCOME.
 * STATUS_INVALID_DEVICE_STATE: the handle is attached already. STATUS_TOO_MANY_SESSIONS: SALLYPORT_MAX_OBSERVERS are.
 */
#define SALLYPORT_IOCTL_ATTACH_OBSERVER SP_CTL(0x800u, 1u)
/**
 * Attach this handle as the decider. Only now are operations pended. The calling process is exempt from being held.
 * In: SALLYPORT_HELLO. Out: SALLYPORT_WELCOME. STATUS_SHARING_VIOLATION: another decider is attached.
 */
#define SALLYPORT_IOCTL_ATTACH_DECIDER SP_CTL(0x801u, 3u)
/**
 * Inverted call: completes as soon as there is at least one event. Keep several outstanding. In: nothing.
 * Out: SALLYPORT_EVENT_BATCH and its events; at least SALLYPORT_MIN_EVENT_BUFFER bytes must be given.
 * STATUS_CANCELLED (ERROR_OPERATION_ABORTED 995): cancelled, or the handle was closed.
 * STATUS_INSUFFICIENT_RESOURCES: SALLYPORT_MAX_INVERTED_CALLS wait already. STATUS_ACCESS_DENIED: not attached.
 */
#define SALLYPORT_IOCTL_NEXT_EVENTS SP_CTL(0x802u, 1u)
/**
 * Answer held requests; decider only. In: SALLYPORT_VERDICT_BATCH with `count` verdicts. Out: SALLYPORT_VERDICT_RESULTS
 * with as many results, in order. The batch is checked whole before the first verdict is applied.
 * STATUS_ACCESS_DENIED: not the decider.
 */
#define SALLYPORT_IOCTL_COMPLETE SP_CTL(0x803u, 3u)
/**
 * Replace the policy; decider only. In: SALLYPORT_POLICY. Out: nothing. Held requests keep their old deadline.
 * STATUS_CANCELLED (ERROR_OPERATION_ABORTED 995): the handle was closed meanwhile; nothing changed.
 */
#define SALLYPORT_IOCTL_SET_POLICY SP_CTL(0x804u, 3u)
/** In: nothing. Out: SALLYPORT_POLICY as it is in force. */
#define SALLYPORT_IOCTL_GET_POLICY SP_CTL(0x805u, 1u)
/** In: nothing. Out: SALLYPORT_STATISTICS. */
#define SALLYPORT_IOCTL_GET_STATISTICS SP_CTL(0x806u, 1u)
/**
 * Register or unregister the callouts of the optional modules; decider only. In: SALLYPORT_MODULES. Out: nothing.
 * The modules end with the decider. On failure the module that failed is off; SALLYPORT_EVENT_STATE tells which are on.
 * STATUS_CANCELLED (ERROR_OPERATION_ABORTED 995): the handle was closed meanwhile; nothing changed.
 */
#define SALLYPORT_IOCTL_SET_MODULES SP_CTL(0x807u, 3u)

/* Limits. A policy asks for less; these are what the driver will never exceed. */
#define SALLYPORT_MAX_OBSERVERS 8u
#define SALLYPORT_MAX_INVERTED_CALLS 64u
#define SALLYPORT_MAX_HELD 8192u
#define SALLYPORT_MAX_HELD_BYTES (64u * 1024u * 1024u)
#define SALLYPORT_MIN_DEADLINE_MS 100u
#define SALLYPORT_MAX_DEADLINE_MS (60u * 60u * 1000u)
#define SALLYPORT_MAX_REMEMBER_MS (24u * 60u * 60u * 1000u)
#define SALLYPORT_MAX_EXEMPT 16u
#define SALLYPORT_MAX_VERDICTS 256u
#define SALLYPORT_MAX_STREAM_BYTES 4096u
#define SALLYPORT_MAX_STREAM_FLOWS 4096u
/** Longest ALE_APP_ID, PEER_NAME and SID that an event carries; longer names are cut and flagged. */
#define SALLYPORT_MAX_APP_ID_BYTES 1040u
#define SALLYPORT_MAX_PEER_NAME_BYTES 512u
#define SALLYPORT_MAX_SID_BYTES 68u
/** Longest single event. */
#define SALLYPORT_MAX_EVENT_BYTES 4352u
#define SALLYPORT_MIN_EVENT_BUFFER (24u + SALLYPORT_MAX_EVENT_BYTES)

/* SALLYPORT_WELCOME.role */
#define SALLYPORT_ROLE_NONE 0u
#define SALLYPORT_ROLE_OBSERVER 1u
#define SALLYPORT_ROLE_DECIDER 2u

/* A verdict, and what a policy says where there is none. */
#define SALLYPORT_VERDICT_BY_FILTER 0u /**< Policies only: permit if the asking filter has PERMIT_IF_CALLOUT_UNREGISTERED, else block. */
#define SALLYPORT_VERDICT_PERMIT 1u
#define SALLYPORT_VERDICT_BLOCK 2u

/* SALLYPORT_VERDICT.flags */
#define SALLYPORT_VERDICT_FLAG_HARD 1u /**< The permit takes away FWPS_RIGHT_ACTION_WRITE even when the filter does not ask for it. */

/* Why a request was completed or an attempt decided without holding it. */
#define SALLYPORT_REASON_NONE 0u
#define SALLYPORT_REASON_ANSWERED 1u      /**< A verdict of the decider. */
#define SALLYPORT_REASON_TIMED_OUT 2u     /**< policy.onTimeout */
#define SALLYPORT_REASON_DETACHED 3u      /**< The decider went while it was held: policy.onDetach */
#define SALLYPORT_REASON_WITHDRAWN 4u     /**< The socket was closed; blocked. */
#define SALLYPORT_REASON_POWER 5u         /**< The system leaves its working state; blocked. */
#define SALLYPORT_REASON_UNLOAD 6u        /**< The driver unloads; blocked. */
#define SALLYPORT_REASON_OVERFLOW 7u      /**< A cap was reached: policy.onOverflow */
#define SALLYPORT_REASON_NO_DECIDER 8u    /**< Nobody is attached: policy.onDetach */
#define SALLYPORT_REASON_CANNOT_PEND 9u   /**< FwpsPendOperation0 failed or there is no completion handle: policy.onOverflow */
#define SALLYPORT_REASON_NO_MEMORY 10u    /**< policy.onOverflow */
#define SALLYPORT_REASON_STRANGER 11u     /**< A reauthorization of a flow that this driver did not decide: policy.onStranger */
#define SALLYPORT_REASON_COUNT 12u

/* SALLYPORT_VERDICT_RESULT.result */
#define SALLYPORT_RESULT_ACCEPTED 0u
#define SALLYPORT_RESULT_NOT_HELD 1u /**< Unknown, or completed already: timed out, withdrawn, answered before. */

/* SALLYPORT_EVENT_HEADER.type */
#define SALLYPORT_EVENT_PENDED 1u    /**< SALLYPORT_ATTEMPT_EVENT: held now, waits for a verdict. */
#define SALLYPORT_EVENT_DECIDED 2u   /**< SALLYPORT_ATTEMPT_EVENT: decided without holding it; requestId 0. */
#define SALLYPORT_EVENT_COMPLETED 3u /**< SALLYPORT_COMPLETED_EVENT */
#define SALLYPORT_EVENT_STATE 4u     /**< SALLYPORT_STATE_EVENT */
#define SALLYPORT_EVENT_STREAM 5u    /**< SALLYPORT_STREAM_EVENT */

/* SALLYPORT_EVENT_HEADER.flags */
#define SALLYPORT_EVENT_FLAG_REPLAYED 1u            /**< Held before this client attached. */
#define SALLYPORT_EVENT_FLAG_APP_ID_TRUNCATED 2u
#define SALLYPORT_EVENT_FLAG_PEER_NAME_TRUNCATED 4u
#define SALLYPORT_EVENT_FLAG_LOCAL_ADDRESS_UNKNOWN 8u /**< The layer gave FWP_EMPTY. */

/* SALLYPORT_POLICY.flags */
#define SALLYPORT_POLICY_HOLD_LOOPBACK 1u /**< Without it loopback traffic passes without being asked about; a connect redirected to a local proxy is none. */

/* SALLYPORT_MODULES.modules */
#define SALLYPORT_MODULE_REDIRECT 1u
#define SALLYPORT_MODULE_STREAM 2u

/** First message of a handle. */
typedef struct SALLYPORT_HELLO {
    SP_U32 version;
    SP_U32 magic; /**< SALLYPORT_MAGIC */
    SP_U32 reserved0;
    SP_U32 reserved1;
} SALLYPORT_HELLO;

/** The driver's answer. With `accepted` 0 only magic, version and driverVersion have a meaning. */
typedef struct SALLYPORT_WELCOME {
    SP_U32 version; /**< SALLYPORT_CONTRACT_VERSION of the driver. */
    SP_U32 magic;
    SP_U32 accepted;
    SP_U32 role;            /**< SALLYPORT_ROLE_ */
    SP_U32 driverVersion;   /**< major << 16 | minor << 8 | patch */
    SP_U32 heldCount;       /**< Their PENDED events follow first, flagged REPLAYED. */
    SP_U32 deciderAttached; /**< 1 if there is one, this handle included. */
    SP_U32 observerCount;
    SP_U32 modules; /**< SALLYPORT_MODULE_ bits registered now. */
    SP_U32 reserved0;
    SP_U64 instanceId; /**< Differs after every load of the driver: request ids of another instance are void. */
} SALLYPORT_WELCOME;

/** How the driver behaves where nobody decides, and how much it holds. */
typedef struct SALLYPORT_POLICY {
    SP_U32 version;
    SP_U32 flags;             /**< SALLYPORT_POLICY_ */
    SP_U32 deadlineMs;        /**< SALLYPORT_MIN_DEADLINE_MS to SALLYPORT_MAX_DEADLINE_MS. Default 60,000. */
    SP_U32 rememberMs;        /**< How long an answer is kept for later reauthorizations of its flow. Default 600,000. */
    SP_U32 maxHeld;           /**< 1 to SALLYPORT_MAX_HELD. Default 1,024. */
    SP_U32 maxHeldPerProcess; /**< 1 to maxHeld. Default 128. */
    SP_U32 maxHeldBytes;      /**< Copied packet bytes; at most SALLYPORT_MAX_HELD_BYTES. Default 4 MiB. */
    SP_U32 exemptCount;
    SP_U8 onTimeout;  /**< Default block. These four: SALLYPORT_VERDICT_ */
    SP_U8 onOverflow; /**< Default block. */
    SP_U8 onDetach;   /**< Default by filter. */
    SP_U8 onStranger; /**< Default permit: the flow had been authorised before the driver came. */
    SP_U8 reserved[4];
    SP_U64 exemptProcessIds[SALLYPORT_MAX_EXEMPT]; /**< Never held: what the decider itself needs, as the DNS client. Forgotten when the decider goes. */
} SALLYPORT_POLICY;

/** Optional modules. The redirect fields count only with SALLYPORT_MODULE_REDIRECT, the stream fields with _STREAM. */
typedef struct SALLYPORT_MODULES {
    SP_U32 version;
    SP_U32 modules;        /**< SALLYPORT_MODULE_ bits to have registered after the call. */
    SP_U64 proxyProcessId; /**< The local proxy; its own connections are never redirected. */
    SP_U16 proxyPortHost;  /**< Listens on 127.0.0.1 and ::1. */
    SP_U16 reserved0;
    SP_U32 streamBytes; /**< First bytes copied per flow and direction, 1 to SALLYPORT_MAX_STREAM_BYTES. */
    SP_U32 streamFlows; /**< Flows watched at once, 1 to SALLYPORT_MAX_STREAM_FLOWS. */
    SP_U32 reserved1;
} SALLYPORT_MODULES;

typedef struct SALLYPORT_VERDICT {
    SP_U64 requestId;
    SP_U32 verdict; /**< SALLYPORT_VERDICT_PERMIT or _BLOCK */
    SP_U32 flags;   /**< SALLYPORT_VERDICT_FLAG_ */
} SALLYPORT_VERDICT;

/** Followed by `count` SALLYPORT_VERDICT; the input is exactly that long. */
typedef struct SALLYPORT_VERDICT_BATCH {
    SP_U32 version;
    SP_U32 count; /**< 1 to SALLYPORT_MAX_VERDICTS */
} SALLYPORT_VERDICT_BATCH;

typedef struct SALLYPORT_VERDICT_RESULT {
    SP_U64 requestId;
    SP_U32 result; /**< SALLYPORT_RESULT_ */
    SP_U32 reserved0;
} SALLYPORT_VERDICT_RESULT;

/** Followed by `count` SALLYPORT_VERDICT_RESULT. */
typedef struct SALLYPORT_VERDICT_RESULTS {
    SP_U32 version;
    SP_U32 count;
} SALLYPORT_VERDICT_RESULTS;

/** Followed by `count` events, each starting with its header and `size` bytes long, a multiple of 8. */
typedef struct SALLYPORT_EVENT_BATCH {
    SP_U32 version;
    SP_U32 count;
    SP_U64 lost;  /**< Events this client has missed since it attached, because it did not fetch them. Never PENDED for the decider. */
    SP_U32 bytes; /**< This header and all events. */
    SP_U32 reserved0;
} SALLYPORT_EVENT_BATCH;

typedef struct SALLYPORT_EVENT_HEADER {
    SP_U32 size; /**< Whole event, padded with zero bytes to a multiple of 8. */
    SP_U16 type;
    SP_U16 flags;
    SP_U64 sequence; /**< Rises by one per event of this instance; the same event has the same number for all clients. */
    SP_U64 time100ns;
} SALLYPORT_EVENT_HEADER;

/** An authorization that the driver was asked for. Offsets count from the event's start; length 0: not known. */
typedef struct SALLYPORT_ATTEMPT_EVENT {
    SALLYPORT_EVENT_HEADER header;
    SP_U64 requestId;     /**< Never 0 for PENDED; unique within an instance. */
    SP_U64 processId;     /**< 0: not known. */
    SP_U64 filterId;      /**< Run-time id of the filter that called. */
    SP_U64 interfaceLuid; /**< 0: not known. */
    SP_U64 subProcessTag; /**< Service of a svchost process; 0: none. */
    SP_U32 deadlineMs;    /**< From time100ns. PENDED only. */
    SP_U32 conditionFlags; /**< FWP_CONDITION_FLAG_ bits of the layer's FLAGS field. */
    SP_U32 reauthorizeReason; /**< FWP_CONDITION_REAUTHORIZE_REASON_ bits; 0: not a reauthorization or not told. */
    SP_U32 interfaceIndex;
    SP_U32 subInterfaceIndex;
    SP_U32 remoteScopeId; /**< SCOPE_ID.Value */
    SP_U32 compartmentId;
    SP_U32 packetBytes; /**< Bytes of the first packet that are held; 0 for a TCP connect. */
    SP_U16 layerId;     /**< FWPS_BUILTIN_LAYERS: 48, 50 connect V4, V6; 44, 46 recv_accept V4, V6. */
    SP_U8 family;       /**< 4 or 6 */
    SP_U8 protocol;     /**< IANA number. */
    SP_U16 localPortHost;
    SP_U16 remotePortHost;  /**< With remoteAddress: where the program wants to go. Of a redirected connect the original destination. */
    SP_U8 localAddress[16];
    SP_U8 remoteAddress[16];
    SP_U8 verdict; /**< DECIDED only. */
    SP_U8 reason;  /**< DECIDED only: SALLYPORT_REASON_ */
    SP_U16 reserved0;
    SP_U16 appIdOffset; /**< ALE_APP_ID: UTF-16LE NT path, lower case, without terminator. */
    SP_U16 appIdBytes;
    SP_U16 peerNameOffset; /**< PEER_NAME, UTF-16LE: the name given to WSAConnectByName. */
    SP_U16 peerNameBytes;
    SP_U16 packageSidOffset; /**< ALE_PACKAGE_ID as binary SID. */
    SP_U16 packageSidBytes;
} SALLYPORT_ATTEMPT_EVENT;

/** A held request came to its end. Exactly one per PENDED. */
typedef struct SALLYPORT_COMPLETED_EVENT {
    SALLYPORT_EVENT_HEADER header;
    SP_U64 requestId;
    SP_U32 waitedMs;
    SP_U8 verdict;
    SP_U8 reason; /**< SALLYPORT_REASON_ANSWERED to _UNLOAD */
    SP_U16 packetsInjected;
    SP_U16 packetsDropped; /**< Of a blocked request, or because injection failed or the copy was refused. */
    SP_U16 reserved0;
    SP_U32 injectStatus; /**< NTSTATUS of the last injection that failed; 0: none did. */
} SALLYPORT_COMPLETED_EVENT;

/** The decider, the policy or the modules changed. */
typedef struct SALLYPORT_STATE_EVENT {
    SALLYPORT_EVENT_HEADER header;
    SP_U32 deciderAttached;
    SP_U32 modules;
    SP_U64 deciderProcessId; /**< 0: none. */
} SALLYPORT_STATE_EVENT;

/**
 * First bytes of a flow, once per direction and part. Every direction has one event with `last`, unless the module goes
 * first (SALLYPORT_EVENT_STATE) or the event is lost. A redirected connect's remote side is the proxy here.
 */
typedef struct SALLYPORT_STREAM_EVENT {
    SALLYPORT_EVENT_HEADER header;
    SP_U64 flowId;    /**< Made by the driver, unique within an instance. */
    SP_U64 processId;
    SP_U32 streamOffset; /**< Of the first byte here, from the start of this direction. */
    SP_U8 inbound;       /**< 1: towards this machine. */
    SP_U8 family;
    SP_U8 last; /**< 1: nothing more of this direction will be told: the bound, its end, the flow's end, or no memory for more. */
    SP_U8 reserved0;
    SP_U16 localPortHost;
    SP_U16 remotePortHost;
    SP_U16 dataOffset;
    SP_U16 dataBytes;
    SP_U8 localAddress[16];
    SP_U8 remoteAddress[16];
} SALLYPORT_STREAM_EVENT;

/** Counters since the driver was loaded, and gauges of this moment. */
typedef struct SALLYPORT_STATISTICS {
    SP_U32 version;
    SP_U32 heldNow;
    SP_U32 heldBytesNow;
    SP_U32 rememberedNow;
    SP_U32 heldMost; /**< Highest heldNow so far. */
    SP_U32 observersNow;
    SP_U32 deciderNow;
    SP_U32 reserved0;
    SP_U64 classified; /**< Calls of the authorization callouts. */
    SP_U64 pended;
    SP_U64 completed[SALLYPORT_REASON_COUNT]; /**< Held requests, by reason. */
    SP_U64 decided[SALLYPORT_REASON_COUNT];   /**< Not held, by reason. */
    SP_U64 permitted; /**< Held requests permitted. */
    SP_U64 blocked;   /**< Held requests blocked. */
    SP_U64 noWriteRight;      /**< Another callout or filter had decided for good. */
    SP_U64 ownInjections;     /**< Our own packets that came by again. */
    SP_U64 exempt;            /**< Of the decider or an exempt process. */
    SP_U64 loopback;          /**< Loopback, not held. */
    SP_U64 reauthorized;      /**< Reauthorizations answered from a request's verdict. */
    SP_U64 joined;            /**< Packets that joined a held request. */
    SP_U64 packetsInjected;
    SP_U64 packetsDropped;
    SP_U64 injectFailures;
    SP_U64 eventsLost; /**< Over all clients. */
    SP_U64 redirected;
    SP_U64 streamFlows;
    SP_U64 streamBytes;
} SALLYPORT_STATISTICS;

/* Callout keys: what FWPM_CALLOUT0.calloutKey and FWPM_ACTION0.calloutKey name. */
/** {f3a1e9ca-8a38-4177-ae78-18735e43f144} */
#define SALLYPORT_CALLOUT_AUTH_CONNECT_V4 \
    { 0xf3a1e9ca, 0x8a38, 0x4177, { 0xae, 0x78, 0x18, 0x73, 0x5e, 0x43, 0xf1, 0x44 } }
/** {f3a1e9cb-8a38-4177-ae78-18735e43f144} */
#define SALLYPORT_CALLOUT_AUTH_CONNECT_V6 \
    { 0xf3a1e9cb, 0x8a38, 0x4177, { 0xae, 0x78, 0x18, 0x73, 0x5e, 0x43, 0xf1, 0x44 } }
/** {f3a1e9cc-8a38-4177-ae78-18735e43f144} */
#define SALLYPORT_CALLOUT_AUTH_RECV_ACCEPT_V4 \
    { 0xf3a1e9cc, 0x8a38, 0x4177, { 0xae, 0x78, 0x18, 0x73, 0x5e, 0x43, 0xf1, 0x44 } }
/** {f3a1e9cd-8a38-4177-ae78-18735e43f144} */
#define SALLYPORT_CALLOUT_AUTH_RECV_ACCEPT_V6 \
    { 0xf3a1e9cd, 0x8a38, 0x4177, { 0xae, 0x78, 0x18, 0x73, 0x5e, 0x43, 0xf1, 0x44 } }
/** {f3a1e9ce-8a38-4177-ae78-18735e43f144} */
#define SALLYPORT_CALLOUT_ENDPOINT_CLOSURE_V4 \
    { 0xf3a1e9ce, 0x8a38, 0x4177, { 0xae, 0x78, 0x18, 0x73, 0x5e, 0x43, 0xf1, 0x44 } }
/** {f3a1e9cf-8a38-4177-ae78-18735e43f144} */
#define SALLYPORT_CALLOUT_ENDPOINT_CLOSURE_V6 \
    { 0xf3a1e9cf, 0x8a38, 0x4177, { 0xae, 0x78, 0x18, 0x73, 0x5e, 0x43, 0xf1, 0x44 } }
/** {f3a1e9d0-8a38-4177-ae78-18735e43f144} */
#define SALLYPORT_CALLOUT_CONNECT_REDIRECT_V4 \
    { 0xf3a1e9d0, 0x8a38, 0x4177, { 0xae, 0x78, 0x18, 0x73, 0x5e, 0x43, 0xf1, 0x44 } }
/** {f3a1e9d1-8a38-4177-ae78-18735e43f144} */
#define SALLYPORT_CALLOUT_CONNECT_REDIRECT_V6 \
    { 0xf3a1e9d1, 0x8a38, 0x4177, { 0xae, 0x78, 0x18, 0x73, 0x5e, 0x43, 0xf1, 0x44 } }
/** {f3a1e9d2-8a38-4177-ae78-18735e43f144} */
#define SALLYPORT_CALLOUT_FLOW_ESTABLISHED_V4 \
    { 0xf3a1e9d2, 0x8a38, 0x4177, { 0xae, 0x78, 0x18, 0x73, 0x5e, 0x43, 0xf1, 0x44 } }
/** {f3a1e9d3-8a38-4177-ae78-18735e43f144} */
#define SALLYPORT_CALLOUT_FLOW_ESTABLISHED_V6 \
    { 0xf3a1e9d3, 0x8a38, 0x4177, { 0xae, 0x78, 0x18, 0x73, 0x5e, 0x43, 0xf1, 0x44 } }
/** {f3a1e9d4-8a38-4177-ae78-18735e43f144} */
#define SALLYPORT_CALLOUT_STREAM_V4 \
    { 0xf3a1e9d4, 0x8a38, 0x4177, { 0xae, 0x78, 0x18, 0x73, 0x5e, 0x43, 0xf1, 0x44 } }
/** {f3a1e9d5-8a38-4177-ae78-18735e43f144} */
#define SALLYPORT_CALLOUT_STREAM_V6 \
    { 0xf3a1e9d5, 0x8a38, 0x4177, { 0xae, 0x78, 0x18, 0x73, 0x5e, 0x43, 0xf1, 0x44 } }

SP_STATIC_ASSERT(sizeof(SALLYPORT_HELLO) == 16, "hello");
SP_STATIC_ASSERT(sizeof(SALLYPORT_WELCOME) == 48, "welcome");
SP_STATIC_ASSERT(SP_OFFSET(SALLYPORT_WELCOME, instanceId) == 40, "welcome.instanceId");
SP_STATIC_ASSERT(sizeof(SALLYPORT_POLICY) == 168, "policy");
SP_STATIC_ASSERT(SP_OFFSET(SALLYPORT_POLICY, exemptProcessIds) == 40, "policy.exemptProcessIds");
SP_STATIC_ASSERT(sizeof(SALLYPORT_MODULES) == 32, "modules");
SP_STATIC_ASSERT(sizeof(SALLYPORT_VERDICT) == 16, "verdict");
SP_STATIC_ASSERT(sizeof(SALLYPORT_VERDICT_BATCH) == 8, "verdict batch");
SP_STATIC_ASSERT(sizeof(SALLYPORT_VERDICT_RESULT) == 16, "verdict result");
SP_STATIC_ASSERT(sizeof(SALLYPORT_VERDICT_RESULTS) == 8, "verdict results");
SP_STATIC_ASSERT(sizeof(SALLYPORT_EVENT_BATCH) == 24, "event batch");
SP_STATIC_ASSERT(sizeof(SALLYPORT_EVENT_HEADER) == 24, "event header");
SP_STATIC_ASSERT(sizeof(SALLYPORT_ATTEMPT_EVENT) == 152, "attempt event");
SP_STATIC_ASSERT(SP_OFFSET(SALLYPORT_ATTEMPT_EVENT, layerId) == 96, "attempt.layerId");
SP_STATIC_ASSERT(SP_OFFSET(SALLYPORT_ATTEMPT_EVENT, localAddress) == 104, "attempt.localAddress");
SP_STATIC_ASSERT(sizeof(SALLYPORT_COMPLETED_EVENT) == 48, "completed event");
SP_STATIC_ASSERT(sizeof(SALLYPORT_STATE_EVENT) == 40, "state event");
SP_STATIC_ASSERT(sizeof(SALLYPORT_STREAM_EVENT) == 88, "stream event");
SP_STATIC_ASSERT(sizeof(SALLYPORT_STATISTICS) == 360, "statistics");
SP_STATIC_ASSERT(sizeof(SALLYPORT_STREAM_EVENT) + SALLYPORT_MAX_STREAM_BYTES <= SALLYPORT_MAX_EVENT_BYTES, "longest event");
SP_STATIC_ASSERT(sizeof(SALLYPORT_ATTEMPT_EVENT) + SALLYPORT_MAX_APP_ID_BYTES + SALLYPORT_MAX_PEER_NAME_BYTES +
                         SALLYPORT_MAX_SID_BYTES + 8 <= SALLYPORT_MAX_EVENT_BYTES,
                 "longest attempt");

#endif
