/* Connects to a local proxy: where they go, and how they are held and told then. */
#include "test.h"

static CLIENT_SIDE Decider;

static void Begin(ULONG modules)
{
    EXPECT_EQUAL(NativeLoad(), STATUS_SUCCESS);
    EXPECT_EQUAL(Attach(&Decider, TRUE), STATUS_SUCCESS);
    EXPECT_EQUAL(SetModules(&Decider, modules), STATUS_SUCCESS);
}

static void End(void)
{
    Detach(&Decider);
    NativeUnload();
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

/* --- what ALE_AUTH_CONNECT shows of them afterwards --- */

#define REDIRECTED (FWP_CONDITION_FLAG_IS_LOOPBACK | FWP_CONDITION_FLAG_IS_CONNECTION_REDIRECTED)

static SOCKADDR_STORAGE Original4(UCHAR first, UCHAR last, UINT16 port)
{
    SOCKADDR_STORAGE storage;
    SOCKADDR_IN *address = (SOCKADDR_IN *)&storage;
    const UCHAR bytes[4] = { first, 0, 113, last };
    memset(&storage, 0xEE, sizeof(storage)); /* what lies behind the address is nothing */
    address->sin_family = AF_INET;
    address->sin_port = (USHORT)(port << 8 | port >> 8);
    memcpy(&address->sin_addr, bytes, 4);
    return storage;
}

static void HeldWithItsDestination(void)
{
    static const UCHAR remote[16] = { 203, 0, 113, 9 };
    SOCKADDR_STORAGE original = Original4(203, 9, 443);
    ATTEMPT_INPUT input = TcpConnect();
    const SALLYPORT_ATTEMPT_EVENT *event;
    OPERATION *operation;
    Begin(0);
    input.flags = REDIRECTED;
    input.remotePort = 8080;
    input.original = &original;
    operation = EngineClassify(&input);
    EXPECT_EQUAL(operation->outcome, OUTCOME_PENDED); /* that the proxy is on this machine makes it no loopback */
    event = NextPended(&Decider);
    EXPECT(memcmp(event->remoteAddress, remote, 16) == 0);
    EXPECT_EQUAL(event->remotePortHost, 443);
    EXPECT_EQUAL(event->conditionFlags, REDIRECTED);
    operation->input.original = NULL; /* its reauthorization need not be told where it was to go */
    Answer(&Decider, event->requestId, SALLYPORT_VERDICT_PERMIT, 0);
    EXPECT_EQUAL(operation->final, OUTCOME_PERMIT);
    EXPECT_EQUAL(GetStatistics(&Decider).loopback, 0);
    EngineRelease(operation);
    End();
}

static void HeldWithItsDestination6(void)
{
    SOCKADDR_STORAGE original;
    SOCKADDR_IN6 *address = (SOCKADDR_IN6 *)&original;
    ATTEMPT_INPUT input = TcpConnect();
    const SALLYPORT_ATTEMPT_EVENT *event;
    Begin(0);
    memset(&original, 0, sizeof(original));
    address->sin6_family = AF_INET6;
    address->sin6_port = (USHORT)(443 << 8 | 443 >> 8);
    address->sin6_addr.s6_addr[0] = 0x26;
    address->sin6_addr.s6_addr[15] = 7;
    input.layerId = FWPS_LAYER_ALE_AUTH_CONNECT_V6;
    input.flags = REDIRECTED;
    input.original = &original;
    EXPECT_EQUAL(Classify(&input), OUTCOME_PENDED);
    event = NextPended(&Decider);
    EXPECT(memcmp(event->remoteAddress, &address->sin6_addr, 16) == 0);
    EXPECT_EQUAL(event->remotePortHost, 443);
    End();
}

/* Without an original destination that can be read the remote end is told: held all the same. */
static void HeldWithoutDestination(void)
{
    SOCKADDR_STORAGE original = Original4(203, 9, 443);
    ATTEMPT_INPUT input = TcpConnect();
    Begin(0);
    input.flags = REDIRECTED;
    input.remotePort = 8080;
    EXPECT_EQUAL(Classify(&input), OUTCOME_PENDED);
    EXPECT_EQUAL(NextPended(&Decider)->remotePortHost, 8080);
    input.layerId = FWPS_LAYER_ALE_AUTH_CONNECT_V6; /* of another family */
    input.original = &original;
    EXPECT_EQUAL(Classify(&input), OUTCOME_PENDED);
    EXPECT_EQUAL(NextPended(&Decider)->remotePortHost, 8080);
    End();
}

static void LoopbackThatIsRedirected(void)
{
    SOCKADDR_STORAGE original = Original4(127, 1, 80);
    ATTEMPT_INPUT input = TcpConnect();
    Begin(0);
    input.flags = REDIRECTED;
    input.original = &original;
    EXPECT_EQUAL(Classify(&input), OUTCOME_PERMIT); /* from this machine to this machine */
    EXPECT_EQUAL(GetStatistics(&Decider).loopback, 1);
    input.flags = FWP_CONDITION_FLAG_IS_CONNECTION_REDIRECTED; /* from this machine to another one */
    EXPECT_EQUAL(Classify(&input), OUTCOME_PENDED);
    EXPECT_EQUAL(NextPended(&Decider)->remotePortHost, 80);
    input.flags = 0; /* not redirected: the metadata means nothing */
    input.endpointHandle++;
    EXPECT_EQUAL(Classify(&input), OUTCOME_PENDED);
    EXPECT_EQUAL(NextPended(&Decider)->remotePortHost, 443);
    End();
}

/* One socket, one proxy, two destinations: the answer for the one is none for the other. */
static void DatagramsByDestination(void)
{
    SOCKADDR_STORAGE first = Original4(203, 9, 53), second = Original4(203, 10, 53);
    ATTEMPT_INPUT input = UdpSend();
    OPERATION *operation, *other;
    SP_U64 id;
    Begin(0);
    input.flags = REDIRECTED;
    input.original = &first;
    operation = EngineClassify(&input);
    id = NextPended(&Decider)->requestId;
    EXPECT_EQUAL(Classify(&input), OUTCOME_ABSORBED); /* the same again joins */
    input.original = &second;
    other = EngineClassify(&input);
    EXPECT_EQUAL(other->outcome, OUTCOME_PENDED);
    EXPECT_EQUAL(NextPended(&Decider)->remoteAddress[3], 10);
    Answer(&Decider, id, SALLYPORT_VERDICT_PERMIT, 0);
    EXPECT_EQUAL(operation->final, OUTCOME_PERMIT);
    EXPECT_EQUAL(other->completions, 0);
    EXPECT_EQUAL(EngineDeliver(), 2);
    EngineRelease(operation);
    EngineRelease(other);
    End();
}

const TEST RedirectTests[] = {
    { "redirect: connects go to the proxy", ConnectsGoToTheProxy },
    { "redirect: held, and told with the original destination", HeldWithItsDestination },
    { "redirect: the same over IPv6", HeldWithItsDestination6 },
    { "redirect: held without an original destination", HeldWithoutDestination },
    { "redirect: loopback is by the original destination too", LoopbackThatIsRedirected },
    { "redirect: datagrams are asked about by destination", DatagramsByDestination },
    { NULL, NULL },
};
