/*
 * What a test sees of the stand-in kernel and of the stand-in filter engine. Every broken rule (IRQL, a lock held
 * across a call, an operation completed twice, memory lost) prints what happened and aborts: no test has to ask.
 */
#ifndef SALLYPORT_NATIVE_H
#define SALLYPORT_NATIVE_H

#include "../ioctl.h"
#include "../platform.h"

/** Prints and aborts. */
__attribute__((noreturn, format(printf, 1, 2))) void Violation(const char *format, ...);

/* --- kernel*.c: the kernel --- */

/** Fails the `n`-th fallible call from now (1 is the next); -n: that one and all later; 0: none. Counts calls either way. */
void NativeFailCall(long n);
/** Fallible calls since the last NativeFailCall. */
long NativeCalls(void);
/** For the stand-ins: whether this call is the one to fail. */
BOOLEAN NativeFails(const char *what);

/** Moves the clock and wakes whoever waits for that moment. */
void NativeAdvance(ULONG milliseconds);
/** Runs once when this thread waits next, before it does: what another processor may do at that moment. */
void NativeDuringWait(void (*run)(void));
/** What the driver's threads see as the caller's process. Per thread. */
void NativeSetProcess(UINT64 processId);
/** Raises or lowers this thread's IRQL: classifies run at DISPATCH_LEVEL too. */
KIRQL NativeSetIrql(KIRQL irql);
/** Aborts when the IRQL is above `most` or this thread holds a spin lock. */
void NativeCheckCall(const char *what, KIRQL most);
/** Aborts with the list of what is left: pool, MDLs, devices, threads, callbacks. */
void NativeCheckLeaks(void);
/** Runs the power callback as the system does. */
void NativePower(BOOLEAN working);
/** Bytes of pool in use. */
size_t NativePoolBytes(void);
/** The security descriptor the device was made with, as UTF-16. */
const WCHAR *NativeDeviceSecurity(void);

/* --- requests (kernel-request.c): a handle of the device, used as user mode would --- */

typedef struct HANDLE_FILE {
    FILE_OBJECT file;
} HANDLE_FILE;

typedef struct CALL {
    IRP irp;
    UCHAR *buffer;
    ULONG bufferLength;
    volatile LONG done; /* completed: status and information are valid */
} CALL;

NTSTATUS NativeLoad(void);
/** DriverUnload at once, whatever is open. */
void NativeUnload(void);
/** What `sc stop` does: DriverUnload now, or when the last handle is closed. @returns whether it has run. */
BOOLEAN NativeStop(void);
DEVICE_OBJECT *NativeDevice(void);

NTSTATUS NativeOpen(HANDLE_FILE *file, const WCHAR *name);
/** Cleanup and close. */
void NativeClose(HANDLE_FILE *file);
/** Only IRP_MJ_CLEANUP; NativeClose must not follow, NativeCloseAfterCleanup does. */
void NativeCleanup(HANDLE_FILE *file);
void NativeCloseAfterCleanup(HANDLE_FILE *file);
/** Sends a control code; a pending call stays in `call` until it is done. @returns the status or STATUS_PENDING. */
NTSTATUS NativeControl(HANDLE_FILE *file, CALL *call, ULONG code, const void *input, ULONG inputLength, ULONG outputLength);
/** Waits for a pending call. @returns its status. */
NTSTATUS NativeWait(CALL *call);
/** CancelIoEx. */
void NativeCancel(CALL *call);
void NativeFree(CALL *call);

/* --- engine*.c: the filter engine --- */

typedef enum OUTCOME {
    OUTCOME_NONE,     /* nothing said: the action stayed as it was */
    OUTCOME_PERMIT,
    OUTCOME_BLOCK,
    OUTCOME_ABSORBED, /* block and absorb, nothing pended: the packet joined a held one */
    OUTCOME_PENDED,
} OUTCOME;

/** One attempt as a test describes it; zeroed fields are not given to the driver. */
typedef struct ATTEMPT_INPUT {
    UINT16 layerId;
    UINT64 processId;
    UINT64 endpointHandle;
    UCHAR protocol;
    UINT16 localPort, remotePort;
    ULONG remoteLast; /* last byte(s) of the remote address: 10.0.0.x or 2001:db8::x */
    UINT32 flags;
    UINT32 reason;
    ULONG packetBytes;    /* 0: no layerData */
    ULONG packetBuffers;  /* 0 is 1 */
    BOOLEAN noCompletionHandle;
    BOOLEAN noRight;
    BOOLEAN noLocalAddress;
    BOOLEAN shortValues;  /* valueCount of an older Windows */
    BOOLEAN headerIncluded;
    BOOLEAN secured; /* IPsec */
    BOOLEAN noHeaderSizes; /* inbound: the classify does not tell where the headers begin */
    BOOLEAN longHeader; /* inbound V4: the IP header claims 60 bytes */
    UINT16 filterFlags;
    KIRQL irql;
    ULONG appIdCharacters; /* 0: a usual path */
    BOOLEAN package;
    BOOLEAN peerName;
    const UCHAR *bytes; /* packet content; NULL: a pattern */
    const SOCKADDR_STORAGE *original; /* ORIGINAL_DESTINATION; NULL: the metadata has none. CONNECT only */
    const void *control; /* the socket's control data; CONNECT only */
    ULONG controlBytes;
} ATTEMPT_INPUT;

/** What became of one classify, and later of what it pended. */
typedef struct OPERATION {
    struct OPERATION *next;
    ATTEMPT_INPUT input;
    volatile LONG state; /* STATE_ in engine-classify.c */
    OUTCOME outcome;     /* of the first classify */
    volatile LONG final; /* OUTCOME_ of the reauthorization (CONNECT) or 0 until completed */
    volatile LONG completions;
    volatile LONG closed;    /* socket closed: no reauthorization comes */
    UINT32 rightsAfter;      /* of the first classify */
    UINT32 finalRightsAfter; /* of the reauthorization */
    BOOLEAN completedWithPacket;
    volatile LONG references;
} OPERATION;

/** Runs one classify of the callout registered for the input's layer. The caller owns a reference: EngineRelease. */
OPERATION *EngineClassify(const ATTEMPT_INPUT *input);
void EngineRelease(OPERATION *operation);
/** Runs once inside the next FwpsPendOperation0 that succeeds: what another processor may do at that moment. */
void EngineDuringPend(void (*run)(void));
/** Likewise inside the next FwpsCompleteOperation0, before the reauthorization. */
void EngineDuringComplete(void (*run)(void));
/** Likewise inside the next FwpsFlowAssociateContext0, before the flow has its context. */
void EngineDuringAssociate(void (*run)(void));
/** Closes the socket: ALE_ENDPOINT_CLOSURE runs. */
void EngineCloseSocket(OPERATION *operation);

/** Runs what was injected: own packets come by at their layer, then the completion function runs. @returns how many. */
ULONG EngineDeliver(void);
/** Status that injected packets end with. */
void EngineSetInjectStatus(NTSTATUS status);

typedef struct ENGINE_COUNTS {
    ULONG registered;
    ULONG unregisterRefused; /* a callout was asked to go while it was in use */
    ULONG pended;
    ULONG completed;
    ULONG injectedSend;
    ULONG injectedReceive;
    ULONG injectedPermitted; /* own packets that the callout permitted */
    ULONG injectedHard;
    ULONG constructedHeaders;
    ULONG lastInjectedBytes;
    UCHAR lastInjected[128];
    ULONG lastControlBytes; /* of the packet delivered last, read when it was */
    UCHAR lastControl[64];
    ULONG applied; /* redirect requests */
} ENGINE_COUNTS;

ENGINE_COUNTS EngineCounts(void);
/** Aborts when an operation is pended, a list, handle, context or callout is left. Then forgets everything. */
void EngineCheckEnd(void);

/* streams and redirects, by hand */
UINT64 EngineEstablish(UINT16 layerId, UINT64 flowHandle, UINT64 processId, UCHAR protocol);
void EngineStream(UINT64 flowHandle, BOOLEAN inbound, const void *bytes, ULONG length, BOOLEAN end);
void EngineFlowEnds(UINT64 flowHandle);
BOOLEAN EngineRedirect(UINT16 layerId, UINT64 processId, UCHAR protocol, const UCHAR *remote, ULONG recordState,
                       SOCKADDR_STORAGE *result, FWPS_CONNECT_REQUEST0 *request);

#endif
