/* Packets: copied, injected again on permit, dropped on block, recognised when they come by. */
#include "test.h"

static CLIENT_SIDE Decider;

static void Begin(void)
{
    EXPECT_EQUAL(NativeLoad(), STATUS_SUCCESS);
    EXPECT_EQUAL(Attach(&Decider, TRUE), STATUS_SUCCESS);
}

static void End(void)
{
    Detach(&Decider);
    NativeUnload();
}

static void UdpSendPermit(void)
{
    static const UCHAR payload[] = "transport header, then what the program sends..";
    ATTEMPT_INPUT input = UdpSend();
    const SALLYPORT_COMPLETED_EVENT *completed;
    const SALLYPORT_ATTEMPT_EVENT *event;
    OPERATION *operation;
    Begin();
    input.bytes = payload;
    input.irql = DISPATCH_LEVEL;
    operation = EngineClassify(&input);
    EXPECT_EQUAL(operation->outcome, OUTCOME_PENDED);
    event = NextPended(&Decider);
    EXPECT_EQUAL(event->packetBytes, 48);
    Answer(&Decider, event->requestId, SALLYPORT_VERDICT_PERMIT, 0);
    EXPECT_EQUAL(operation->final, OUTCOME_PERMIT);
    completed = NextCompleted(&Decider);
    EXPECT_EQUAL(completed->packetsInjected, 1);
    EXPECT_EQUAL(completed->packetsDropped, 0);
    EXPECT_EQUAL(EngineCounts().injectedSend, 1);
    EXPECT_EQUAL(EngineCounts().lastInjectedBytes, 48);
    EXPECT(memcmp(EngineCounts().lastInjected, payload, 48) == 0);
    EXPECT_EQUAL(EngineDeliver(), 1);
    EXPECT_EQUAL(EngineCounts().injectedPermitted, 1);
    EXPECT_EQUAL(EngineCounts().injectedHard, 0);
    EXPECT_EQUAL(GetStatistics(&Decider).packetsInjected, 1);
    EXPECT_EQUAL(GetStatistics(&Decider).ownInjections, 1);
    EXPECT_EQUAL(GetStatistics(&Decider).heldBytesNow, 0);
    EngineRelease(operation);
    End();
}

/* What a program asked for with WSASendMsg (its source address, a hop limit) goes out with the copy. */
static void ControlDataGoesOut(void)
{
    static const ULONG control[8] = { 28, 0, 0, 19, 0x0100007F, 7, 0xABCD, 0 };
    ATTEMPT_INPUT input = UdpSend();
    OPERATION *operation;
    Begin();
    input.control = control;
    input.controlBytes = sizeof(control);
    input.packetBytes = 47; /* odd: the control data behind it is aligned all the same */
    operation = EngineClassify(&input);
    Answer(&Decider, NextPended(&Decider)->requestId, SALLYPORT_VERDICT_PERMIT, 0);
    EXPECT_EQUAL(EngineDeliver(), 1);
    EXPECT_EQUAL(EngineCounts().lastInjectedBytes, 47);
    EXPECT_EQUAL(EngineCounts().lastControlBytes, sizeof(control));
    EXPECT(memcmp(EngineCounts().lastControl, control, sizeof(control)) == 0);
    EXPECT_EQUAL(NextCompleted(&Decider)->packetsInjected, 1);
    EngineRelease(operation);

    input.endpointHandle++;
    input.controlBytes = 0;
    operation = EngineClassify(&input);
    Answer(&Decider, NextPended(&Decider)->requestId, SALLYPORT_VERDICT_PERMIT, 0);
    EXPECT_EQUAL(EngineDeliver(), 1);
    EXPECT_EQUAL(EngineCounts().lastControlBytes, 0);
    EngineRelease(operation);
    End();
}

/* Without its control data a packet would go elsewhere than it was sent to: more than is kept is not held at all. */
static void TooMuchControlDataIsNotHeld(void)
{
    static const UCHAR control[1032];
    ATTEMPT_INPUT input = UdpSend();
    Begin();
    input.control = control;
    input.controlBytes = sizeof(control);
    EXPECT_EQUAL(Classify(&input), OUTCOME_BLOCK);
    EXPECT_EQUAL(NextDecided(&Decider)->reason, SALLYPORT_REASON_OVERFLOW);
    End();
}

static void UdpSendBlock(void)
{
    ATTEMPT_INPUT input = UdpSend();
    const SALLYPORT_COMPLETED_EVENT *completed;
    OPERATION *operation;
    Begin();
    operation = EngineClassify(&input);
    Answer(&Decider, NextPended(&Decider)->requestId, SALLYPORT_VERDICT_BLOCK, 0);
    completed = NextCompleted(&Decider);
    EXPECT_EQUAL(completed->packetsInjected, 0);
    EXPECT_EQUAL(completed->packetsDropped, 1);
    EXPECT_EQUAL(EngineCounts().injectedSend, 0);
    EngineRelease(operation);
    /* the program repeats itself: blocked without asking, for a while */
    EXPECT_EQUAL(Classify(&input), OUTCOME_BLOCK);
    NativeAdvance(31000);
    operation = EngineClassify(&input);
    EXPECT_EQUAL(operation->outcome, OUTCOME_PENDED);
    EngineRelease(operation);
    End();
}

static void BurstJoins(void)
{
    ATTEMPT_INPUT input = UdpSend();
    const SALLYPORT_COMPLETED_EVENT *completed;
    OPERATION *operation;
    ULONG i;
    SP_U64 id;
    Begin();
    operation = EngineClassify(&input);
    for (i = 0; i < 9; i++) {
        EXPECT_EQUAL(Classify(&input), OUTCOME_ABSORBED);
    }
    id = NextPended(&Decider)->requestId;
    EXPECT_EQUAL(GetStatistics(&Decider).heldNow, 1);
    EXPECT_EQUAL(GetStatistics(&Decider).heldBytesNow, 8 * 48);
    EXPECT_EQUAL(GetStatistics(&Decider).joined, 9);
    Answer(&Decider, id, SALLYPORT_VERDICT_PERMIT, SALLYPORT_VERDICT_FLAG_HARD);
    completed = NextCompleted(&Decider);
    EXPECT_EQUAL(completed->packetsInjected, 8);
    EXPECT_EQUAL(completed->packetsDropped, 2);
    EXPECT_EQUAL(EngineDeliver(), 8);
    EXPECT_EQUAL(EngineCounts().injectedHard, 8);
    EngineRelease(operation);
    End();
}

static void JoinedBuffersAreCounted(void)
{
    ATTEMPT_INPUT input = UdpSend();
    const SALLYPORT_COMPLETED_EVENT *completed;
    Begin();
    input.packetBuffers = 5;
    EngineRelease(EngineClassify(&input));
    EXPECT_EQUAL(Classify(&input), OUTCOME_ABSORBED); /* three of its five find room */
    Answer(&Decider, NextPended(&Decider)->requestId, SALLYPORT_VERDICT_PERMIT, 0);
    completed = NextCompleted(&Decider);
    EXPECT_EQUAL(completed->packetsInjected, 8);
    EXPECT_EQUAL(completed->packetsDropped, 2);
    EXPECT_EQUAL(EngineDeliver(), 8);
    End();
}

static void ManyBuffers(void)
{
    ATTEMPT_INPUT input = UdpSend();
    Begin();
    input.packetBuffers = 3;
    EngineRelease(EngineClassify(&input));
    Answer(&Decider, NextPended(&Decider)->requestId, SALLYPORT_VERDICT_PERMIT, 0);
    EXPECT_EQUAL(NextCompleted(&Decider)->packetsInjected, 3);
    input.endpointHandle++;
    input.packetBuffers = 9; /* more than a request keeps */
    EXPECT_EQUAL(Classify(&input), OUTCOME_BLOCK);
    EXPECT_EQUAL(NextDecided(&Decider)->reason, SALLYPORT_REASON_OVERFLOW);
    input.packetBuffers = 1;
    input.packetBytes = 70000; /* longer than any packet */
    EXPECT_EQUAL(Classify(&input), OUTCOME_BLOCK);
    End();
}

static void HeldBytesAreBounded(void)
{
    ATTEMPT_INPUT input = UdpSend();
    SALLYPORT_POLICY policy;
    Begin();
    policy = GetPolicy(&Decider);
    policy.maxHeldBytes = 100;
    EXPECT_EQUAL(SetPolicy(&Decider, &policy), STATUS_SUCCESS);
    EngineRelease(EngineClassify(&input));
    EXPECT_EQUAL(Classify(&input), OUTCOME_ABSORBED); /* 96 */
    EXPECT_EQUAL(Classify(&input), OUTCOME_ABSORBED); /* joins without room: dropped */
    EXPECT_EQUAL(GetStatistics(&Decider).heldBytesNow, 96);
    input.endpointHandle++;
    EXPECT_EQUAL(Classify(&input), OUTCOME_BLOCK);
    End();
}

static void RawHeaderIsNotCopied(void)
{
    ATTEMPT_INPUT input = UdpSend();
    OPERATION *operation;
    Begin();
    input.headerIncluded = TRUE;
    operation = EngineClassify(&input);
    EXPECT_EQUAL(operation->outcome, OUTCOME_PENDED);
    EXPECT_EQUAL(NextPended(&Decider)->packetBytes, 0);
    EngineRelease(operation);
    End();
}

static void AcceptPermit(void)
{
    ATTEMPT_INPUT input = TcpAccept();
    const SALLYPORT_ATTEMPT_EVENT *event;
    OPERATION *operation;
    ENGINE_COUNTS counts;
    ULONG sum = 0, i;
    Begin();
    operation = EngineClassify(&input);
    EXPECT_EQUAL(operation->outcome, OUTCOME_PENDED);
    EXPECT_EQUAL(Classify(&input), OUTCOME_ABSORBED); /* the same SYN again */
    event = NextPended(&Decider);
    EXPECT_EQUAL(event->packetBytes, 20 + 20 + 4);
    Answer(&Decider, event->requestId, SALLYPORT_VERDICT_PERMIT, 0);
    EXPECT(operation->completedWithPacket);
    EXPECT_EQUAL(operation->completions, 1);
    counts = EngineCounts();
    EXPECT_EQUAL(counts.injectedReceive, 1);
    EXPECT_EQUAL(counts.lastInjectedBytes, 44);
    for (i = 0; i < 20; i += 2) {
        sum += (ULONG)counts.lastInjected[i] << 8 | counts.lastInjected[i + 1];
    }
    while (sum >> 16) {
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    EXPECT_EQUAL(sum, 0xFFFF); /* a right header checksum makes the sum all ones */
    EXPECT_EQUAL(EngineDeliver(), 1);
    EXPECT_EQUAL(EngineCounts().injectedPermitted, 1);
    /* the flow is known when the policy changes */
    input.flags = FWP_CONDITION_FLAG_IS_REAUTHORIZE;
    EXPECT_EQUAL(Classify(&input), OUTCOME_PERMIT);
    EngineRelease(operation);
    End();
}

static void AcceptBlock(void)
{
    ATTEMPT_INPUT input = UdpReceive();
    OPERATION *operation;
    Begin();
    operation = EngineClassify(&input);
    Answer(&Decider, NextPended(&Decider)->requestId, SALLYPORT_VERDICT_BLOCK, 0);
    EXPECT(!operation->completedWithPacket);
    EXPECT_EQUAL(operation->completions, 1);
    EngineRelease(operation);
    (void)NextCompleted(&Decider);
    /* the sender repeats itself: blocked without asking, for a while */
    EXPECT_EQUAL(Classify(&input), OUTCOME_BLOCK);
    NativeAdvance(31000);
    operation = EngineClassify(&input);
    EXPECT_EQUAL(operation->outcome, OUTCOME_PENDED);
    EngineRelease(operation);
    End();
}

static void AcceptWithIpsec(void)
{
    ATTEMPT_INPUT input = UdpReceive();
    Begin();
    input.secured = TRUE;
    EngineRelease(EngineClassify(&input));
    Answer(&Decider, NextPended(&Decider)->requestId, SALLYPORT_VERDICT_PERMIT, 0);
    EXPECT_EQUAL(EngineCounts().constructedHeaders, 1);
    EXPECT_EQUAL(EngineDeliver(), 1);
    End();
}

static void AcceptOfGarbage(void)
{
    ATTEMPT_INPUT input = TcpAccept();
    OPERATION *operation;
    Begin();
    /* A header that claims 60 bytes in a packet of 42: never read beyond it. */
    input.packetBytes = 2;
    input.longHeader = TRUE;
    operation = EngineClassify(&input);
    EXPECT_EQUAL(operation->outcome, OUTCOME_PENDED);
    Answer(&Decider, NextPended(&Decider)->requestId, SALLYPORT_VERDICT_PERMIT, 0);
    EXPECT_EQUAL(NextCompleted(&Decider)->packetsDropped, 1);
    EXPECT_EQUAL(operation->completions, 1);
    EXPECT_EQUAL(EngineCounts().injectedReceive, 0);
    EngineRelease(operation);
    End();
}

static void AcceptWithoutHeaderSizes(void)
{
    ATTEMPT_INPUT input = UdpReceive();
    UINT32 layer;
    Begin();
    /* What is copied then begins behind the IP header, and the stack would take it for one. */
    input.noHeaderSizes = TRUE;
    for (layer = 0; layer < 2; layer++) {
        OPERATION *operation = EngineClassify(&input);
        EXPECT_EQUAL(operation->outcome, OUTCOME_PENDED);
        Answer(&Decider, NextPended(&Decider)->requestId, SALLYPORT_VERDICT_PERMIT, 0);
        EXPECT_EQUAL(NextCompleted(&Decider)->packetsDropped, 1);
        EXPECT_EQUAL(EngineCounts().injectedReceive, 0);
        EngineRelease(operation);
        input.layerId = FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V6;
    }
    End();
}

static void InjectionFails(void)
{
    ATTEMPT_INPUT input = UdpSend();
    Begin();
    EngineSetInjectStatus(STATUS_UNSUCCESSFUL);
    EngineRelease(EngineClassify(&input));
    Answer(&Decider, NextPended(&Decider)->requestId, SALLYPORT_VERDICT_PERMIT, 0);
    EXPECT_EQUAL(EngineDeliver(), 1);
    EXPECT_EQUAL(GetStatistics(&Decider).injectFailures, 1);
    EXPECT_EQUAL(GetStatistics(&Decider).packetsInjected, 0);
    End();
}

static void UnloadWithInjectionsUnderWay(void)
{
    ATTEMPT_INPUT input = UdpSend();
    Begin();
    EngineRelease(EngineClassify(&input));
    Answer(&Decider, NextPended(&Decider)->requestId, SALLYPORT_VERDICT_PERMIT, 0);
    End(); /* destroying the handle waits for it */
}

static void IcmpKeepsTypesApart(void)
{
    ATTEMPT_INPUT input = UdpSend();
    Begin();
    input.protocol = IPPROTO_ICMP;
    input.localPort = 8;
    input.remotePort = 0;
    EngineRelease(EngineClassify(&input));
    input.localPort = 13;
    EngineRelease(EngineClassify(&input));
    EXPECT_EQUAL(GetStatistics(&Decider).heldNow, 2);
    EXPECT_EQUAL(NextPended(&Decider)->localPortHost, 8);
    EXPECT_EQUAL(NextPended(&Decider)->localPortHost, 13);
    End();
}

const TEST PacketTests[] = {
    { "packet: UDP send, permitted, goes out", UdpSendPermit },
    { "packet: the socket's control data goes out with it", ControlDataGoesOut },
    { "packet: too much control data is not held", TooMuchControlDataIsNotHeld },
    { "packet: UDP send, blocked, is dropped", UdpSendBlock },
    { "packet: a burst joins the request", BurstJoins },
    { "packet: several buffers, too many, too long", ManyBuffers },
    { "packet: buffers that join are counted one by one", JoinedBuffersAreCounted },
    { "packet: held bytes are bounded", HeldBytesAreBounded },
    { "packet: a raw send with its own header is not copied", RawHeaderIsNotCopied },
    { "packet: accept, permitted, comes in again", AcceptPermit },
    { "packet: accept, blocked, and the sender repeats", AcceptBlock },
    { "packet: accept under IPsec", AcceptWithIpsec },
    { "packet: accept of a short packet", AcceptOfGarbage },
    { "packet: accept without header sizes", AcceptWithoutHeaderSizes },
    { "packet: injection ends with an error", InjectionFails },
    { "packet: unload waits for injections", UnloadWithInjectionsUnderWay },
    { "packet: ICMP types are kept apart", IcmpKeepsTypesApart },
    { NULL, NULL },
};
