/* The optional modules: registered only when asked for, gone with the decider. */
#include "test.h"

#include <pthread.h>
#include <sched.h>

static CLIENT_SIDE Decider;

static NTSTATUS Set(ULONG bits)
{
    SALLYPORT_MODULES modules;
    memset(&modules, 0, sizeof(modules));
    modules.version = SALLYPORT_CONTRACT_VERSION;
    modules.modules = bits;
    modules.proxyProcessId = 555;
    modules.proxyPortHost = 0x1F90;
    modules.streamBytes = 16;
    modules.streamFlows = 2;
    return Control(&Decider, SALLYPORT_IOCTL_SET_MODULES, &modules, sizeof(modules), NULL, 0);
}

static void Begin(ULONG bits)
{
    EXPECT_EQUAL(NativeLoad(), STATUS_SUCCESS);
    EXPECT_EQUAL(Attach(&Decider, TRUE), STATUS_SUCCESS);
    EXPECT_EQUAL(EngineCounts().registered, 6);
    EXPECT_EQUAL(Set(bits), STATUS_SUCCESS);
}

static void End(void)
{
    Detach(&Decider);
    EXPECT_EQUAL(EngineCounts().registered, 6);
    NativeUnload();
}

static void OnlyWhenAsked(void)
{
    SALLYPORT_MODULES modules;
    const SALLYPORT_EVENT_HEADER *event;
    Begin(SALLYPORT_MODULE_REDIRECT | SALLYPORT_MODULE_STREAM);
    EXPECT_EQUAL(EngineCounts().registered, 12);
    (void)NextEvent(&Decider);
    event = NextEvent(&Decider);
    EXPECT_EQUAL(event->type, SALLYPORT_EVENT_STATE);
    EXPECT_EQUAL(((const SALLYPORT_STATE_EVENT *)event)->modules, 3);
    EXPECT_EQUAL(Set(SALLYPORT_MODULE_STREAM), STATUS_SUCCESS);
    EXPECT_EQUAL(EngineCounts().registered, 10);
    memset(&modules, 0, sizeof(modules));
    modules.version = SALLYPORT_CONTRACT_VERSION;
    EXPECT_EQUAL(Set(4), STATUS_INVALID_PARAMETER);
    modules.modules = SALLYPORT_MODULE_REDIRECT; /* without a proxy */
    EXPECT_EQUAL(Control(&Decider, SALLYPORT_IOCTL_SET_MODULES, &modules, sizeof(modules), NULL, 0), STATUS_INVALID_PARAMETER);
    modules.modules = SALLYPORT_MODULE_STREAM; /* without bytes */
    EXPECT_EQUAL(Control(&Decider, SALLYPORT_IOCTL_SET_MODULES, &modules, sizeof(modules), NULL, 0), STATUS_INVALID_PARAMETER);
    EXPECT_EQUAL(EngineCounts().registered, 10);
    End();
}

static pthread_t Stopper;

static void *StopModules(void *unused)
{
    EXPECT_EQUAL(Set(0), STATUS_SUCCESS);
    return unused;
}

static void StopNow(void)
{
    EXPECT_EQUAL(pthread_create(&Stopper, NULL, StopModules, NULL), 0);
    while (EngineCounts().unregisterRefused == 0) { /* until it waits for the classify that we are in */
        sched_yield();
    }
}

/* The module ends while a flow is about to get its context: that one is taken back too, or the end never comes. */
static void EndsWhileAFlowBegins(void)
{
    Begin(SALLYPORT_MODULE_STREAM);
    EngineDuringAssociate(StopNow);
    (void)EngineEstablish(FWPS_LAYER_ALE_FLOW_ESTABLISHED_V6, 300, APP_PROCESS, IPPROTO_TCP);
    EXPECT_EQUAL(pthread_join(Stopper, NULL), 0);
    EXPECT_EQUAL(EngineCounts().registered, 6);
    End();
}

static const SALLYPORT_STREAM_EVENT *NextStream(void)
{
    const SALLYPORT_EVENT_HEADER *event;
    do {
        event = NextEvent(&Decider);
    } while (event->type == SALLYPORT_EVENT_STATE);
    EXPECT_EQUAL(event->type, SALLYPORT_EVENT_STREAM);
    return (const SALLYPORT_STREAM_EVENT *)event;
}

static void FirstBytesOfAStream(void)
{
    const SALLYPORT_STREAM_EVENT *event;
    Begin(SALLYPORT_MODULE_STREAM);
    EXPECT(EngineEstablish(FWPS_LAYER_ALE_FLOW_ESTABLISHED_V4, 100, APP_PROCESS, IPPROTO_TCP) != 0);
    EngineStream(100, FALSE, "GET / HTTP", 10, FALSE);
    event = NextStream();
    EXPECT_EQUAL(event->processId, APP_PROCESS);
    EXPECT_EQUAL(event->family, 4);
    EXPECT_EQUAL(event->remotePortHost, 443);
    EXPECT_EQUAL(event->inbound, 0);
    EXPECT_EQUAL(event->last, 0);
    EXPECT_EQUAL(event->dataBytes, 10);
    EXPECT(memcmp((const UCHAR *)event + event->dataOffset, "GET / HTTP", 10) == 0);
    EngineStream(100, FALSE, "/1.1\r\nHost: example.org", 23, FALSE);
    event = NextStream();
    EXPECT_EQUAL(event->streamOffset, 10);
    EXPECT_EQUAL(event->dataBytes, 6); /* 16 in all */
    EXPECT_EQUAL(event->last, 1);
    EngineStream(100, FALSE, "more", 4, FALSE); /* nothing more is told */
    EngineStream(100, TRUE, "", 0, TRUE);       /* the other side says nothing */
    event = NextStream();
    EXPECT_EQUAL(event->inbound, 1);
    EXPECT_EQUAL(event->last, 1);
    EXPECT_EQUAL(event->dataBytes, 0);
    EXPECT_EQUAL(GetStatistics(&Decider).streamBytes, 16);
    EngineFlowEnds(100);
    End();
}

static void FlowsAreBounded(void)
{
    Begin(SALLYPORT_MODULE_STREAM);
    EXPECT(EngineEstablish(FWPS_LAYER_ALE_FLOW_ESTABLISHED_V4, 1, APP_PROCESS, IPPROTO_UDP) == 0);
    EXPECT(EngineEstablish(FWPS_LAYER_ALE_FLOW_ESTABLISHED_V4, 1, APP_PROCESS, IPPROTO_TCP) != 0);
    EXPECT(EngineEstablish(FWPS_LAYER_ALE_FLOW_ESTABLISHED_V6, 2, APP_PROCESS, IPPROTO_TCP) != 0);
    EXPECT(EngineEstablish(FWPS_LAYER_ALE_FLOW_ESTABLISHED_V4, 3, APP_PROCESS, IPPROTO_TCP) == 0);
    EngineFlowEnds(1);
    EXPECT(EngineEstablish(FWPS_LAYER_ALE_FLOW_ESTABLISHED_V4, 3, APP_PROCESS, IPPROTO_TCP) != 0);
    EXPECT_EQUAL(GetStatistics(&Decider).streamFlows, 3);
    End(); /* with two contexts left: they are taken back */
}

static void ConnectsGoToTheProxy(void)
{
    static const UCHAR remote4[4] = { 93, 184, 216, 34 }, loopback4[4] = { 127, 0, 0, 9 };
    static const UCHAR remote6[16] = { 0x20, 1, 0xd, 0xb8, 9 }, loopback6[16] = { [15] = 1 };
    static const UCHAR mapped[16] = { [10] = 0xFF, [11] = 0xFF, [12] = 1, [13] = 2, [14] = 3, [15] = 4 };
    static const UCHAR mappedLoopback[16] = { [10] = 0xFF, [11] = 0xFF, [12] = 127, [15] = 1 };
    UINT16 v4 = FWPS_LAYER_ALE_CONNECT_REDIRECT_V4, v6 = FWPS_LAYER_ALE_CONNECT_REDIRECT_V6;
    FWPS_CONNECT_REQUEST0 request;
    SOCKADDR_STORAGE original;
    const UCHAR *port, *address;
    Begin(SALLYPORT_MODULE_REDIRECT);
    EXPECT(EngineRedirect(v4, APP_PROCESS, IPPROTO_TCP, remote4, 0, &original, &request));
    port = (const UCHAR *)&((SOCKADDR_IN *)&request.remoteAddressAndPort)->sin_port;
    address = (const UCHAR *)&((SOCKADDR_IN *)&request.remoteAddressAndPort)->sin_addr;
    EXPECT_EQUAL(port[0], 0x1F);
    EXPECT_EQUAL(port[1], 0x90);
    EXPECT(address[0] == 127 && address[3] == 1);
    EXPECT_EQUAL(request.localRedirectTargetPID, 555);
    EXPECT(request.localRedirectHandle != NULL);
    EXPECT(memcmp(&((SOCKADDR_IN *)&original)->sin_addr, remote4, 4) == 0);
    EXPECT(EngineRedirect(v6, APP_PROCESS, IPPROTO_TCP, remote6, 2, &original, &request)); /* redirected by another before */
    address = (const UCHAR *)&((SOCKADDR_IN6 *)&request.remoteAddressAndPort)->sin6_addr;
    EXPECT(memcmp(address, loopback6, 16) == 0);
    EXPECT(EngineRedirect(v6, APP_PROCESS, IPPROTO_TCP, mapped, 0, &original, &request));
    EXPECT(memcmp(address, mappedLoopback, 16) == 0);
    /* and those that do not */
    EXPECT(!EngineRedirect(v4, 555, IPPROTO_TCP, remote4, 0, &original, &request));
    EXPECT(!EngineRedirect(v4, DECIDER_PROCESS, IPPROTO_TCP, remote4, 0, &original, &request));
    EXPECT(!EngineRedirect(v4, APP_PROCESS, IPPROTO_UDP, remote4, 0, &original, &request));
    EXPECT(!EngineRedirect(v4, APP_PROCESS, IPPROTO_TCP, loopback4, 0, &original, &request));
    EXPECT(!EngineRedirect(v6, APP_PROCESS, IPPROTO_TCP, loopback6, 0, &original, &request));
    EXPECT(!EngineRedirect(v6, APP_PROCESS, IPPROTO_TCP, mappedLoopback, 0, &original, &request));
    EXPECT(!EngineRedirect(v4, APP_PROCESS, IPPROTO_TCP, remote4, 1, &original, &request));
    EXPECT(!EngineRedirect(v4, APP_PROCESS, IPPROTO_TCP, remote4, 3, &original, &request));
    EXPECT_EQUAL(GetStatistics(&Decider).redirected, 3);
    End();
}

const TEST ModuleTests[] = {
    { "modules: registered only when asked for", OnlyWhenAsked },
    { "modules: first bytes of a stream", FirstBytesOfAStream },
    { "modules: the end while a flow begins", EndsWhileAFlowBegins },
    { "modules: watched flows are bounded", FlowsAreBounded },
    { "modules: connects go to the proxy", ConnectsGoToTheProxy },
    { NULL, NULL },
};
