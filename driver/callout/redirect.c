#include "redirect.h"

#include "address.h"
#include "attempt.h"
#include "callout.h"
#include "client.h"
#include "pool.h"
#include "statistics.h"
#include "verdict.h"

static void NTAPI RedirectClassify(const FWPS_INCOMING_VALUES0 *values, const FWPS_INCOMING_METADATA_VALUES0 *metadata,
                                   void *layerData, const void *classifyContext, const FWPS_FILTER2 *filter,
                                   UINT64 flowContext, FWPS_CLASSIFY_OUT0 *out);

static const CALLOUT Callouts[] = {
    { SALLYPORT_CALLOUT_CONNECT_REDIRECT_V4, 0, RedirectClassify, NULL },
    { SALLYPORT_CALLOUT_CONNECT_REDIRECT_V6, 0, RedirectClassify, NULL },
};

#define CALLOUT_COUNT (sizeof(Callouts) / sizeof(Callouts[0]))

/* Written before the callouts are registered and after they are gone; classifies only read. */
static UINT32 Ids[CALLOUT_COUNT];
static HANDLE RedirectHandle;
static UINT64 ProxyProcessId;
static UINT16 ProxyPortHost;

/* The proxy's address in the family of the connection; an IPv4-mapped one stays mapped. */
static VOID WriteProxy(UCHAR family, BOOLEAN mapped, _Inout_ SOCKADDR_STORAGE *remote)
{
    if (family == 4) {
        SOCKADDR_IN *address = (SOCKADDR_IN *)remote;
        UCHAR *bytes = (UCHAR *)&address->sin_addr;
        bytes[0] = 127;
        bytes[1] = 0;
        bytes[2] = 0;
        bytes[3] = 1;
        address->sin_port = AddressSwapPort(ProxyPortHost);
    } else {
        SOCKADDR_IN6 *address = (SOCKADDR_IN6 *)remote;
        UCHAR *bytes = (UCHAR *)&address->sin6_addr;
        RtlZeroMemory(bytes, 16);
        if (mapped) {
            bytes[10] = 0xFF;
            bytes[11] = 0xFF;
            bytes[12] = 127;
        }
        bytes[15] = 1;
        address->sin6_port = AddressSwapPort(ProxyPortHost);
    }
}

/* The engine's copy is written and applied; whatever was acquired is applied or released in every case. */
static BOOLEAN Redirect(_In_ void *classifyContext, _In_ const FWPS_FILTER2 *filter, UCHAR family, BOOLEAN mapped,
                        _Inout_ FWPS_CLASSIFY_OUT0 *out)
{
    FWPS_CONNECT_REQUEST0 *request = NULL;
    SOCKADDR_STORAGE *original;
    UINT64 handle;

    if (!NT_SUCCESS(FwpsAcquireClassifyHandle0(classifyContext, 0, &handle))) {
        return FALSE;
    }
    original = PoolAllocate(sizeof(*original));
    if (original == NULL ||
        !NT_SUCCESS(FwpsAcquireWritableLayerDataPointer0(handle, filter->filterId, 0, (PVOID *)&request, out))) {
        PoolFree(original);
        FwpsReleaseClassifyHandle0(handle);
        return FALSE;
    }
    *original = request->remoteAddressAndPort;
    WriteProxy(family, mapped, &request->remoteAddressAndPort);
    request->localRedirectTargetPID = (ULONG)ProxyProcessId;
    request->localRedirectHandle = RedirectHandle;
    request->localRedirectContext = original; /* the engine's from now on */
    request->localRedirectContextSize = sizeof(*original);
    FwpsApplyModifiedLayerData0(handle, request, 0); /* the one flag there is belongs to pended classifies */
    FwpsReleaseClassifyHandle0(handle);
    return TRUE;
}

/* ALE_CONNECT_REDIRECT_V4 and _V6, IRQL <= DISPATCH_LEVEL. Not invoked on reauthorization. */
static void NTAPI RedirectClassify(const FWPS_INCOMING_VALUES0 *values, const FWPS_INCOMING_METADATA_VALUES0 *metadata,
                                   void *layerData, const void *classifyContext, const FWPS_FILTER2 *filter,
                                   UINT64 flowContext, FWPS_CLASSIFY_OUT0 *out)
{
    BOOLEAN six = values->layerId == FWPS_LAYER_ALE_CONNECT_REDIRECT_V6;
    ULONG protocolField = six ? (ULONG)FWPS_FIELD_ALE_CONNECT_REDIRECT_V6_IP_PROTOCOL
                              : (ULONG)FWPS_FIELD_ALE_CONNECT_REDIRECT_V4_IP_PROTOCOL;
    ULONG remoteField = six ? (ULONG)FWPS_FIELD_ALE_CONNECT_REDIRECT_V6_IP_REMOTE_ADDRESS
                            : (ULONG)FWPS_FIELD_ALE_CONNECT_REDIRECT_V4_IP_REMOTE_ADDRESS;
    UINT64 processId = FWPS_IS_METADATA_FIELD_PRESENT(metadata, FWPS_METADATA_FIELD_PROCESS_ID) ? metadata->processId : 0;
    UCHAR remote[16];

    UNREFERENCED_PARAMETER(layerData);
    UNREFERENCED_PARAMETER(flowContext);
    if ((out->rights & FWPS_RIGHT_ACTION_WRITE) == 0 || classifyContext == NULL) {
        return;
    }
    VerdictPermit(out, filter, FALSE); /* a block here would let the connect go on unredirected anyway */
    if (AttemptReadNumber(values, protocolField, 0) != IPPROTO_TCP || processId == ProxyProcessId ||
        processId == ClientsDeciderProcessId() || !AttemptReadAddress(values, remoteField, six ? 6 : 4, remote) ||
        AddressIsLoopback(six ? 6 : 4, remote)) {
        return;
    }
    if (FWPS_IS_METADATA_FIELD_PRESENT(metadata, FWPS_METADATA_FIELD_REDIRECT_RECORD_HANDLE)) {
        FWPS_CONNECTION_REDIRECT_STATE state =
            FwpsQueryConnectionRedirectState0(metadata->redirectRecords, RedirectHandle, NULL);
        if (state == FWPS_CONNECTION_REDIRECTED_BY_SELF || state == FWPS_CONNECTION_PREVIOUSLY_REDIRECTED_BY_SELF) {
            return;
        }
    }
    if (Redirect((void *)(ULONG_PTR)classifyContext, filter, six ? 6 : 4, six && AddressIsMapped(remote), out)) {
        COUNT(redirected);
    }
    VerdictPermit(out, filter, FALSE); /* acquiring the layer data may have written to it */
}

_Use_decl_annotations_ NTSTATUS RedirectStart(DEVICE_OBJECT *device, const SALLYPORT_MODULES *modules)
{
    static const GUID provider = SALLYPORT_CALLOUT_CONNECT_REDIRECT_V4;
    NTSTATUS status = FwpsRedirectHandleCreate0(&provider, 0, &RedirectHandle);
    if (!NT_SUCCESS(status)) {
        return status;
    }
    ProxyProcessId = modules->proxyProcessId;
    ProxyPortHost = modules->proxyPortHost;
    status = CalloutsRegister(device, Callouts, CALLOUT_COUNT, Ids);
    if (!NT_SUCCESS(status)) {
        FwpsRedirectHandleDestroy0(RedirectHandle);
    }
    return status;
}

_Use_decl_annotations_ VOID RedirectStop(VOID)
{
    CalloutsUnregister(Ids, CALLOUT_COUNT);
    FwpsRedirectHandleDestroy0(RedirectHandle);
}
