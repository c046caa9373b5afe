/*
 * One scenario that uses everything, run once for every fallible call in it with that call failing. Whatever fails:
 * no rule of the platform is broken, nothing is lost, every pended operation completes once.
 */
#include "test.h"

static void One(const ATTEMPT_INPUT *input, CLIENT_SIDE *decider, ULONG verdict)
{
    OPERATION *operation = EngineClassify(input);
    const SALLYPORT_EVENT_HEADER *event;
    if (decider != NULL && operation->outcome == OUTCOME_PENDED) {
        while ((event = PollEvent(decider)) != NULL) {
            if (event->type == SALLYPORT_EVENT_PENDED && verdict != 0) {
                (void)Answer(decider, ((const SALLYPORT_ATTEMPT_EVENT *)event)->requestId, verdict, 0);
            }
        }
    }
    (void)EngineDeliver();
    EngineRelease(operation);
}

static void Everything(void)
{
    CLIENT_SIDE decider, observer;
    ATTEMPT_INPUT input;
    SALLYPORT_MODULES modules;
    FWPS_CONNECT_REQUEST0 request;
    SOCKADDR_STORAGE original;
    static const UCHAR remote[4] = { 1, 2, 3, 4 };
    BOOLEAN hasDecider, hasObserver;
    if (!NT_SUCCESS(NativeLoad())) {
        return;
    }
    hasDecider = NT_SUCCESS(Attach(&decider, TRUE));
    hasObserver = NT_SUCCESS(Attach(&observer, FALSE));
    input = TcpConnect();
    One(&input, hasDecider ? &decider : NULL, SALLYPORT_VERDICT_PERMIT);
    input = UdpSend();
    input.packetBytes = 47;
    One(&input, hasDecider ? &decider : NULL, 0);
    One(&input, hasDecider ? &decider : NULL, SALLYPORT_VERDICT_PERMIT);
    input = UdpSend();
    input.endpointHandle++;
    One(&input, hasDecider ? &decider : NULL, SALLYPORT_VERDICT_PERMIT);
    input = TcpAccept();
    One(&input, hasDecider ? &decider : NULL, SALLYPORT_VERDICT_PERMIT);
    input = UdpReceive();
    input.secured = TRUE;
    One(&input, hasDecider ? &decider : NULL, SALLYPORT_VERDICT_PERMIT);
    input = UdpReceive();
    input.endpointHandle++;
    One(&input, hasDecider ? &decider : NULL, SALLYPORT_VERDICT_BLOCK);
    input = TcpConnect();
    input.flags = FWP_CONDITION_FLAG_IS_REAUTHORIZE;
    One(&input, NULL, 0);
    if (hasDecider) {
        memset(&modules, 0, sizeof(modules));
        modules.version = SALLYPORT_CONTRACT_VERSION;
        modules.modules = SALLYPORT_MODULE_REDIRECT | SALLYPORT_MODULE_STREAM;
        modules.proxyProcessId = 555;
        modules.proxyPortHost = 8080;
        modules.streamBytes = 64;
        modules.streamFlows = 8;
        (void)Control(&decider, SALLYPORT_IOCTL_SET_MODULES, &modules, sizeof(modules), NULL, 0);
        (void)EngineEstablish(FWPS_LAYER_ALE_FLOW_ESTABLISHED_V4, 1, APP_PROCESS, IPPROTO_TCP);
        EngineStream(1, FALSE, "hello", 5, FALSE);
        (void)EngineRedirect(FWPS_LAYER_ALE_CONNECT_REDIRECT_V4, APP_PROCESS, IPPROTO_TCP, remote, 0, &original, &request);
    }
    input = UdpSend();
    input.endpointHandle += 7;
    One(&input, NULL, 0); /* left to the death of the decider */
    if (hasDecider) {
        Detach(&decider);
    }
    if (hasObserver) {
        Detach(&observer);
    }
    NativeUnload();
}

static void EveryCallFailsInTurn(void)
{
    long calls, n;
    NativeFailCall(0);
    Everything();
    calls = NativeCalls();
    EngineCheckEnd();
    EXPECT(calls > 60);
    for (n = 1; n <= calls; n++) {
        NativeFailCall(n);
        Everything();
        NativeFailCall(0);
        EngineCheckEnd();
        NativeCheckLeaks();
    }
    fprintf(stderr, "  %ld calls failed in turn\n", calls);
}

/* And everything from one call on, as when memory is gone for good. */
static void EveryLaterCallFails(void)
{
    long n;
    for (n = 1; n < 120; n++) {
        NativeFailCall(-n);
        Everything();
        NativeFailCall(0);
        EngineCheckEnd();
        NativeCheckLeaks();
    }
}

const TEST FaultTests[] = {
    { "faults: every fallible call fails in turn", EveryCallFailsInTurn },
    { "faults: every call from one on fails", EveryLaterCallFails },
    { NULL, NULL },
};
