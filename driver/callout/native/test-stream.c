/* The first bytes of streams: what is told of a flow, and how the telling ends. */
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

static void Establish(UINT64 flowHandle)
{
    EXPECT(EngineEstablish(FWPS_LAYER_ALE_FLOW_ESTABLISHED_V4, flowHandle, APP_PROCESS, IPPROTO_TCP) != 0);
}

/* An id is given once while the driver is loaded, whatever becomes of the module. */
static void FlowIdsAreNotRepeated(void)
{
    SP_U64 first;
    Begin(SALLYPORT_MODULE_STREAM);
    Establish(1);
    EngineStream(1, FALSE, "a", 1, FALSE);
    first = NextStream()->flowId;
    EXPECT_EQUAL(SetModules(&Decider, 0), STATUS_SUCCESS);
    EXPECT_EQUAL(SetModules(&Decider, SALLYPORT_MODULE_STREAM), STATUS_SUCCESS);
    Establish(2);
    EngineStream(2, FALSE, "b", 1, FALSE);
    EXPECT(NextStream()->flowId > first);
    End();
}

static void ExpectLast(UCHAR inbound, ULONG offset)
{
    const SALLYPORT_STREAM_EVENT *event = NextStream();
    EXPECT_EQUAL(event->inbound, inbound);
    EXPECT_EQUAL(event->last, 1);
    EXPECT_EQUAL(event->dataBytes, 0);
    EXPECT_EQUAL(event->streamOffset, offset);
}

/* No end of stream is shown, as when the machine or the network goes: the flow's end is the end of what was not ended. */
static void FlowEndsWithoutAnEnd(void)
{
    Begin(SALLYPORT_MODULE_STREAM);
    Establish(1);
    EngineStream(1, FALSE, "abc", 3, FALSE);
    EXPECT_EQUAL(NextStream()->last, 0);
    EngineFlowEnds(1);
    ExpectLast(0, 3);
    ExpectLast(1, 0);
    Establish(2);
    EngineStream(2, TRUE, "", 0, TRUE);
    ExpectLast(1, 0);
    EngineFlowEnds(2);
    ExpectLast(0, 0); /* and the other not again */
    Establish(3);
    EngineStream(3, FALSE, "abc", 3, FALSE);
    EXPECT_EQUAL(NextStream()->dataBytes, 3);
    EXPECT_EQUAL(SetModules(&Decider, 0), STATUS_SUCCESS); /* told by STATE, not flow by flow */
    EXPECT(NextEvent(&Decider)->type == SALLYPORT_EVENT_STATE);
    EXPECT(PollEvent(&Decider) == NULL);
    End();
}

/* What cannot be told for want of memory ends its direction: a gap would make the bytes behind it lie. */
static void NoMemoryLeavesNoGap(void)
{
    Begin(SALLYPORT_MODULE_STREAM);
    Establish(1);
    EngineStream(1, FALSE, "abc", 3, FALSE);
    EXPECT_EQUAL(NextStream()->dataBytes, 3);
    NativeFailCall(1); /* the copy: the event says that it was the last */
    EngineStream(1, FALSE, "def", 3, FALSE);
    ExpectLast(0, 3);
    EngineStream(1, FALSE, "ghi", 3, TRUE); /* nothing more is told */
    EngineStream(1, TRUE, "xyz", 3, FALSE); /* the other direction goes on */
    EXPECT_EQUAL(NextStream()->dataBytes, 3);
    NativeFailCall(2); /* the event itself: the next segment tells it */
    EngineStream(1, TRUE, "uvw", 3, FALSE);
    EXPECT_EQUAL(GetStatistics(&Decider).eventsLost, 1);
    EngineStream(1, TRUE, "rst", 3, FALSE);
    ExpectLast(1, 3);
    Establish(2);
    NativeFailCall(-1); /* nor does the flow's last segment find memory: its end tells it */
    EngineStream(2, FALSE, "abc", 3, TRUE);
    NativeFailCall(0);
    EngineFlowEnds(2);
    ExpectLast(0, 0);
    ExpectLast(1, 0);
    EngineFlowEnds(1); /* both were told */
    EXPECT(PollEvent(&Decider) == NULL);
    EXPECT_EQUAL(GetStatistics(&Decider).streamBytes, 6);
    End();
}

const TEST StreamTests[] = {
    { "stream: first bytes", FirstBytesOfAStream },
    { "stream: watched flows are bounded", FlowsAreBounded },
    { "stream: flow ids are not repeated", FlowIdsAreNotRepeated },
    { "stream: a flow ends without an end", FlowEndsWithoutAnEnd },
    { "stream: no memory leaves no gap", NoMemoryLeavesNoGap },
    { NULL, NULL },
};
