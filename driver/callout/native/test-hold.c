/* The truth table of authorize.c by its row names. */
#include "../layer.h"
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

static void AnswerOnce(UINT16 layerId, KIRQL irql, ULONG verdict, OUTCOME expected)
{
    ATTEMPT_INPUT input = TcpConnect();
    const SALLYPORT_ATTEMPT_EVENT *event;
    const SALLYPORT_COMPLETED_EVENT *completed;
    OPERATION *operation;
    SP_U64 id;
    Begin();
    input.layerId = layerId;
    input.irql = irql;
    input.package = TRUE;
    input.peerName = TRUE;
    operation = EngineClassify(&input);
    EXPECT_EQUAL(operation->outcome, OUTCOME_PENDED);
    event = NextPended(&Decider);
    id = event->requestId;
    EXPECT(id != 0);
    EXPECT_EQUAL(event->processId, APP_PROCESS);
    EXPECT_EQUAL(event->layerId, layerId);
    EXPECT_EQUAL(event->family, layerId == FWPS_LAYER_ALE_AUTH_CONNECT_V4 ? 4 : 6);
    EXPECT_EQUAL(event->protocol, 6);
    EXPECT_EQUAL(event->localPortHost, 50000);
    EXPECT_EQUAL(event->remotePortHost, 443);
    EXPECT_EQUAL(event->deadlineMs, 60000);
    EXPECT_EQUAL(event->subProcessTag, 42);
    EXPECT_EQUAL(event->interfaceIndex, 7);
    EXPECT(event->interfaceLuid == 0x0006008000000000ull);
    EXPECT_EQUAL(event->remoteAddress[0], layerId == FWPS_LAYER_ALE_AUTH_CONNECT_V4 ? 10 : 0x20);
    EXPECT_EQUAL(event->remoteAddress[layerId == FWPS_LAYER_ALE_AUTH_CONNECT_V4 ? 3 : 15], 9);
    EXPECT_EQUAL(event->appIdBytes, 2 * strlen("\\device\\harddiskvolume3\\program files\\app\\app.exe"));
    EXPECT(memcmp((const UCHAR *)event + event->appIdOffset, L"\\device\\", 16) == 0);
    EXPECT_EQUAL(event->peerNameBytes, 2 * strlen("example.org"));
    EXPECT_EQUAL(event->packageSidBytes, 16);
    EXPECT_EQUAL(((const UCHAR *)event)[event->packageSidOffset + 1], 2);
    NativeAdvance(1500);
    EXPECT_EQUAL(Answer(&Decider, id, verdict, 0), SALLYPORT_RESULT_ACCEPTED);
    EXPECT_EQUAL(operation->final, expected);
    EXPECT_EQUAL(operation->completions, 1);
    /* Soft as the filter says; a block never is. */
    EXPECT_EQUAL(operation->finalRightsAfter, expected == OUTCOME_PERMIT ? FWPS_RIGHT_ACTION_WRITE : 0);
    completed = NextCompleted(&Decider);
    EXPECT(completed->requestId == id);
    EXPECT_EQUAL(completed->verdict, verdict);
    EXPECT_EQUAL(completed->reason, SALLYPORT_REASON_ANSWERED);
    EXPECT(completed->waitedMs >= 1500);
    EXPECT_EQUAL(Answer(&Decider, id, verdict, 0), SALLYPORT_RESULT_NOT_HELD);
    EngineRelease(operation);
    End();
}

static void HoldAndPermit(void)
{
    AnswerOnce(FWPS_LAYER_ALE_AUTH_CONNECT_V4, PASSIVE_LEVEL, SALLYPORT_VERDICT_PERMIT, OUTCOME_PERMIT);
}

static void HoldAndBlockV6AtDispatch(void)
{
    AnswerOnce(FWPS_LAYER_ALE_AUTH_CONNECT_V6, DISPATCH_LEVEL, SALLYPORT_VERDICT_BLOCK, OUTCOME_BLOCK);
}

static void HardPermits(void)
{
    ATTEMPT_INPUT input = TcpConnect();
    OPERATION *operation;
    Begin();
    /* the filter asks for it */
    input.filterFlags = FWPS_FILTER_FLAG_CLEAR_ACTION_RIGHT;
    operation = EngineClassify(&input);
    Answer(&Decider, NextPended(&Decider)->requestId, SALLYPORT_VERDICT_PERMIT, 0);
    EXPECT_EQUAL(operation->finalRightsAfter, 0);
    EngineRelease(operation);
    (void)NextCompleted(&Decider);
    /* the decider asks for it; a later reauthorization says the same again */
    input.filterFlags = 0;
    input.endpointHandle = 0x2001;
    operation = EngineClassify(&input);
    Answer(&Decider, NextPended(&Decider)->requestId, SALLYPORT_VERDICT_PERMIT, SALLYPORT_VERDICT_FLAG_HARD);
    EXPECT_EQUAL(operation->finalRightsAfter, 0);
    EngineRelease(operation);
    input.flags = FWP_CONDITION_FLAG_IS_REAUTHORIZE;
    input.reason = FWP_CONDITION_REAUTHORIZE_REASON_POLICY_CHANGE;
    operation = EngineClassify(&input);
    EXPECT_EQUAL(operation->outcome, OUTCOME_PERMIT);
    EXPECT_EQUAL(operation->rightsAfter, 0);
    EngineRelease(operation);
    End();
}

static void NoRight(void)
{
    ATTEMPT_INPUT input = TcpConnect();
    Begin();
    input.noRight = TRUE;
    EXPECT_EQUAL(Classify(&input), OUTCOME_NONE);
    EXPECT_EQUAL(GetStatistics(&Decider).noWriteRight, 1);
    End();
}

static void UnknownLayer(void)
{
    EXPECT(LayerFind(FWPS_LAYER_STREAM_V4) == NULL);
}

static void Exempt(void)
{
    ATTEMPT_INPUT input = TcpConnect();
    SALLYPORT_POLICY policy;
    Begin();
    input.processId = DECIDER_PROCESS;
    EXPECT_EQUAL(Classify(&input), OUTCOME_PERMIT);
    policy = GetPolicy(&Decider);
    policy.exemptCount = 1;
    policy.exemptProcessIds[0] = 99;
    EXPECT_EQUAL(SetPolicy(&Decider, &policy), STATUS_SUCCESS);
    input.processId = 99;
    EXPECT_EQUAL(Classify(&input), OUTCOME_PERMIT);
    EXPECT_EQUAL(GetStatistics(&Decider).exempt, 2);
    /* the next decider inherits the policy but not the exemptions: the number may be another process by then */
    Detach(&Decider);
    EXPECT_EQUAL(Attach(&Decider, TRUE), STATUS_SUCCESS);
    EXPECT_EQUAL(GetPolicy(&Decider).exemptCount, 0);
    EXPECT_EQUAL(Classify(&input), OUTCOME_PENDED);
    End();
}

static void Loopback(void)
{
    ATTEMPT_INPUT input = TcpConnect();
    SALLYPORT_POLICY policy;
    OPERATION *operation;
    Begin();
    input.flags = FWP_CONDITION_FLAG_IS_LOOPBACK;
    EXPECT_EQUAL(Classify(&input), OUTCOME_PERMIT);
    policy = GetPolicy(&Decider);
    policy.flags = SALLYPORT_POLICY_HOLD_LOOPBACK;
    EXPECT_EQUAL(SetPolicy(&Decider, &policy), STATUS_SUCCESS);
    operation = EngineClassify(&input);
    EXPECT_EQUAL(operation->outcome, OUTCOME_PENDED);
    EngineRelease(operation);
    End();
}

static void Stranger(void)
{
    ATTEMPT_INPUT input = TcpConnect();
    SALLYPORT_POLICY policy;
    Begin();
    input.flags = FWP_CONDITION_FLAG_IS_REAUTHORIZE;
    input.reason = FWP_CONDITION_REAUTHORIZE_REASON_POLICY_CHANGE;
    EXPECT_EQUAL(Classify(&input), OUTCOME_PERMIT);
    EXPECT_EQUAL(NextDecided(&Decider)->reason, SALLYPORT_REASON_STRANGER);
    policy = GetPolicy(&Decider);
    policy.onStranger = SALLYPORT_VERDICT_BLOCK;
    EXPECT_EQUAL(SetPolicy(&Decider, &policy), STATUS_SUCCESS);
    EXPECT_EQUAL(Classify(&input), OUTCOME_BLOCK);
    End();
}

static void LostCompletion(void)
{
    ATTEMPT_INPUT input = TcpConnect();
    Begin();
    input.flags = FWP_CONDITION_FLAG_IS_REAUTHORIZE;
    input.reason = FWP_CONDITION_REAUTHORIZE_REASON_CLASSIFY_COMPLETION;
    EXPECT_EQUAL(Classify(&input), OUTCOME_BLOCK);
    End();
}

static void StillHeld(void)
{
    ATTEMPT_INPUT input = UdpSend();
    OPERATION *operation;
    Begin();
    operation = EngineClassify(&input);
    input.flags = FWP_CONDITION_FLAG_IS_REAUTHORIZE;
    EXPECT_EQUAL(Classify(&input), OUTCOME_ABSORBED);
    EngineRelease(operation);
    End();
}

static void NoDecider(void)
{
    ATTEMPT_INPUT input = TcpConnect();
    CLIENT_SIDE observer;
    const SALLYPORT_ATTEMPT_EVENT *event;
    EXPECT_EQUAL(NativeLoad(), STATUS_SUCCESS);
    EXPECT_EQUAL(Classify(&input), OUTCOME_BLOCK); /* by filter: as with the callout unregistered */
    input.filterFlags = FWPS_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED;
    EXPECT_EQUAL(Classify(&input), OUTCOME_PERMIT);
    EXPECT_EQUAL(Attach(&observer, FALSE), STATUS_SUCCESS); /* an observer is no decider */
    EXPECT_EQUAL(Classify(&input), OUTCOME_PERMIT);
    event = NextDecided(&observer);
    EXPECT_EQUAL(event->reason, SALLYPORT_REASON_NO_DECIDER);
    EXPECT_EQUAL(event->verdict, SALLYPORT_VERDICT_PERMIT);
    EXPECT_EQUAL(event->requestId, 0);
    Detach(&observer);
    NativeUnload();
}

static void CannotPend(void)
{
    ATTEMPT_INPUT input = TcpConnect();
    Begin();
    input.noCompletionHandle = TRUE;
    EXPECT_EQUAL(Classify(&input), OUTCOME_BLOCK);
    EXPECT_EQUAL(NextDecided(&Decider)->reason, SALLYPORT_REASON_CANNOT_PEND);
    End();
}

static void OlderWindowsHasFewerFields(void)
{
    ATTEMPT_INPUT input = TcpConnect();
    const SALLYPORT_ATTEMPT_EVENT *event;
    OPERATION *operation;
    Begin();
    input.shortValues = TRUE;
    input.noLocalAddress = TRUE;
    input.package = TRUE;
    input.endpointHandle = 0;
    operation = EngineClassify(&input);
    event = NextPended(&Decider);
    EXPECT_EQUAL(event->packageSidBytes, 0);
    EXPECT_EQUAL(event->interfaceIndex, 0);
    EXPECT_EQUAL(event->header.flags, SALLYPORT_EVENT_FLAG_LOCAL_ADDRESS_UNKNOWN);
    Answer(&Decider, event->requestId, SALLYPORT_VERDICT_PERMIT, 0);
    EXPECT_EQUAL(operation->final, OUTCOME_PERMIT);
    EngineRelease(operation);
    End();
}

static void LongNamesAreCutAndFlagged(void)
{
    ATTEMPT_INPUT input = TcpConnect();
    const SALLYPORT_ATTEMPT_EVENT *event;
    OPERATION *operation;
    Begin();
    input.appIdCharacters = 4000;
    input.peerName = TRUE;
    operation = EngineClassify(&input);
    event = NextPended(&Decider);
    EXPECT_EQUAL(event->appIdBytes, SALLYPORT_MAX_APP_ID_BYTES);
    EXPECT_EQUAL(event->peerNameBytes, SALLYPORT_MAX_PEER_NAME_BYTES);
    EXPECT_EQUAL(event->header.flags, SALLYPORT_EVENT_FLAG_APP_ID_TRUNCATED | SALLYPORT_EVENT_FLAG_PEER_NAME_TRUNCATED);
    EngineRelease(operation);
    End();
}

const TEST HoldTests[] = {
    { "hold: connect, answered permit", HoldAndPermit },
    { "hold: connect V6 at DISPATCH_LEVEL, answered block", HoldAndBlockV6AtDispatch },
    { "hold: hard permits stay hard", HardPermits },
    { "no-right: the output is left alone", NoRight },
    { "layer: others are none of ours", UnknownLayer },
    { "exempt: decider and listed processes", Exempt },
    { "loopback: passes unless asked for", Loopback },
    { "stranger: by policy", Stranger },
    { "lost-completion: blocks", LostCompletion },
    { "still-held: absorbs", StillHeld },
    { "no-decider: by filter", NoDecider },
    { "cannot-pend: no completion handle", CannotPend },
    { "fields: an older Windows has fewer", OlderWindowsHasFewerFields },
    { "fields: long names are cut and flagged", LongNamesAreCutAndFlagged },
    { NULL, NULL },
};
