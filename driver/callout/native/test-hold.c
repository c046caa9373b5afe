/* The truth table of authorize.c by its row names, and every way in which a held request ends. */
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

/* --- how requests end --- */

static void TimeOut(void)
{
    ATTEMPT_INPUT input = TcpConnect();
    const SALLYPORT_EVENT_HEADER *event;
    SALLYPORT_POLICY policy;
    OPERATION *operation;
    ULONG verdict;
    for (verdict = SALLYPORT_VERDICT_BY_FILTER; verdict <= SALLYPORT_VERDICT_BLOCK; verdict++) {
        Begin();
        policy = GetPolicy(&Decider);
        policy.deadlineMs = 500;
        policy.onTimeout = (SP_U8)verdict;
        EXPECT_EQUAL(SetPolicy(&Decider, &policy), STATUS_SUCCESS);
        input.filterFlags = FWPS_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED;
        operation = EngineClassify(&input);
        (void)NextPended(&Decider);
        NativeAdvance(499);
        EXPECT(PollEvent(&Decider) == NULL);
        /* the watchdog may begin its wait after any step of the clock: it looks again within 100 ms of the deadline */
        WAIT_UNTIL((event = PollEvent(&Decider)) != NULL);
        EXPECT_EQUAL(event->type, SALLYPORT_EVENT_COMPLETED);
        EXPECT_EQUAL(((const SALLYPORT_COMPLETED_EVENT *)event)->reason, SALLYPORT_REASON_TIMED_OUT);
        EXPECT_EQUAL(operation->final, verdict == SALLYPORT_VERDICT_BLOCK ? OUTCOME_BLOCK : OUTCOME_PERMIT);
        EngineRelease(operation);
        End();
    }
}

static void DeciderDies(void)
{
    enum { HELD = 100 };
    ATTEMPT_INPUT input = TcpConnect();
    OPERATION *operations[HELD];
    CLIENT_SIDE observer;
    ULONG i, completed = 0;
    Begin();
    EXPECT_EQUAL(Attach(&observer, FALSE), STATUS_SUCCESS);
    for (i = 0; i < HELD; i++) {
        input.endpointHandle = 0x5000 + i;
        input.filterFlags = i % 2 == 0 ? FWPS_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED : 0;
        operations[i] = EngineClassify(&input);
        EXPECT_EQUAL(operations[i]->outcome, OUTCOME_PENDED);
    }
    Detach(&Decider);
    for (i = 0; i < HELD; i++) {
        EXPECT_EQUAL(operations[i]->completions, 1);
        EXPECT_EQUAL(operations[i]->final, i % 2 == 0 ? OUTCOME_PERMIT : OUTCOME_BLOCK);
        EngineRelease(operations[i]);
    }
    while (completed < HELD) {
        const SALLYPORT_EVENT_HEADER *event = NextEvent(&observer);
        if (event->type == SALLYPORT_EVENT_COMPLETED) {
            EXPECT_EQUAL(((const SALLYPORT_COMPLETED_EVENT *)event)->reason, SALLYPORT_REASON_DETACHED);
            completed++;
        }
    }
    do {
        const SALLYPORT_EVENT_HEADER *event = NextEvent(&observer);
        if (event->type == SALLYPORT_EVENT_STATE) {
            EXPECT_EQUAL(((const SALLYPORT_STATE_EVENT *)event)->deciderAttached, 0);
            break;
        }
    } while (TRUE);
    EXPECT_EQUAL(Classify(&input), OUTCOME_BLOCK); /* the last input's filter has no flag */
    Detach(&observer);
    NativeUnload();
}

static void ThousandHeldAtOnce(void)
{
    enum { HELD = 1000 };
    static OPERATION *operations[HELD];
    ATTEMPT_INPUT input = TcpConnect();
    SALLYPORT_POLICY policy;
    SALLYPORT_STATISTICS statistics;
    ULONG i;
    Begin();
    policy = GetPolicy(&Decider);
    policy.maxHeldPerProcess = policy.maxHeld;
    EXPECT_EQUAL(SetPolicy(&Decider, &policy), STATUS_SUCCESS);
    for (i = 0; i < HELD; i++) {
        input.endpointHandle = 0x9000 + i;
        operations[i] = EngineClassify(&input);
        EXPECT_EQUAL(operations[i]->outcome, OUTCOME_PENDED);
    }
    EXPECT_EQUAL(GetStatistics(&Decider).heldNow, HELD);
    for (i = 0; i < HELD; i++) {
        Answer(&Decider, NextPended(&Decider)->requestId, i % 3 == 0 ? SALLYPORT_VERDICT_BLOCK : SALLYPORT_VERDICT_PERMIT, 0);
        /* the completions follow the thousand pended ones */
        EXPECT_EQUAL(operations[i]->final, i % 3 == 0 ? OUTCOME_BLOCK : OUTCOME_PERMIT);
        EngineRelease(operations[i]);
    }
    statistics = GetStatistics(&Decider);
    EXPECT_EQUAL(statistics.heldNow, 0);
    EXPECT_EQUAL(statistics.heldMost, HELD);
    EXPECT_EQUAL(statistics.rememberedNow, HELD);
    EXPECT_EQUAL(statistics.completed[SALLYPORT_REASON_ANSWERED], HELD);
    EXPECT_EQUAL(statistics.permitted + statistics.blocked, HELD);
    End();
}

static void SocketCloses(void)
{
    ATTEMPT_INPUT input = TcpConnect();
    OPERATION *operation;
    Begin();
    operation = EngineClassify(&input);
    (void)NextPended(&Decider);
    EngineCloseSocket(operation);
    EXPECT_EQUAL(NextCompleted(&Decider)->reason, SALLYPORT_REASON_WITHDRAWN);
    EXPECT_EQUAL(operation->completions, 1);
    EXPECT_EQUAL(operation->final, 0); /* no reauthorization came */
    EXPECT_EQUAL(GetStatistics(&Decider).rememberedNow, 1);
    EngineCloseSocket(operation); /* and now it is forgotten */
    EXPECT_EQUAL(GetStatistics(&Decider).rememberedNow, 0);
    EngineRelease(operation);
    End();
}

static void PowerDown(void)
{
    ATTEMPT_INPUT input = TcpConnect();
    OPERATION *operation;
    Begin();
    operation = EngineClassify(&input);
    (void)NextPended(&Decider);
    NativePower(FALSE);
    EXPECT_EQUAL(NextCompleted(&Decider)->reason, SALLYPORT_REASON_POWER);
    EXPECT_EQUAL(operation->final, OUTCOME_BLOCK);
    EngineRelease(operation);
    input.endpointHandle++;
    EXPECT_EQUAL(Classify(&input), OUTCOME_BLOCK);
    NativePower(TRUE);
    operation = EngineClassify(&input);
    EXPECT_EQUAL(operation->outcome, OUTCOME_PENDED);
    EngineRelease(operation);
    End();
}

static void Overflow(void)
{
    ATTEMPT_INPUT input = TcpConnect();
    SALLYPORT_POLICY policy;
    OPERATION *operations[3];
    ULONG i;
    Begin();
    policy = GetPolicy(&Decider);
    policy.maxHeld = 3;
    policy.maxHeldPerProcess = 2;
    policy.onOverflow = SALLYPORT_VERDICT_PERMIT;
    EXPECT_EQUAL(SetPolicy(&Decider, &policy), STATUS_SUCCESS);
    for (i = 0; i < 2; i++) {
        input.endpointHandle++;
        operations[i] = EngineClassify(&input);
        EXPECT_EQUAL(operations[i]->outcome, OUTCOME_PENDED);
    }
    input.endpointHandle++;
    EXPECT_EQUAL(Classify(&input), OUTCOME_PERMIT); /* two of this process */
    input.processId++;
    operations[2] = EngineClassify(&input);
    EXPECT_EQUAL(operations[2]->outcome, OUTCOME_PENDED);
    input.endpointHandle++;
    EXPECT_EQUAL(Classify(&input), OUTCOME_PERMIT); /* three in all */
    EXPECT_EQUAL(GetStatistics(&Decider).decided[SALLYPORT_REASON_OVERFLOW], 2);
    for (i = 0; i < 3; i++) {
        EngineRelease(operations[i]);
    }
    End();
}

static void MemoryOfVerdictsEnds(void)
{
    ATTEMPT_INPUT input = TcpConnect();
    SALLYPORT_POLICY policy;
    Begin();
    policy = GetPolicy(&Decider);
    policy.rememberMs = 1000;
    EXPECT_EQUAL(SetPolicy(&Decider, &policy), STATUS_SUCCESS);
    EngineRelease(EngineClassify(&input));
    Answer(&Decider, NextPended(&Decider)->requestId, SALLYPORT_VERDICT_BLOCK, 0);
    input.flags = FWP_CONDITION_FLAG_IS_REAUTHORIZE;
    EXPECT_EQUAL(Classify(&input), OUTCOME_BLOCK);
    WAIT_UNTIL(GetStatistics(&Decider).rememberedNow == 0);
    EXPECT_EQUAL(Classify(&input), OUTCOME_PERMIT); /* a stranger now */
    End();
}

static void MemoryOfVerdictsIsBounded(void)
{
    ATTEMPT_INPUT input = TcpConnect();
    ULONG i;
    Begin();
    for (i = 0; i < 4200; i++) {
        input.endpointHandle++;
        EngineRelease(EngineClassify(&input));
        Answer(&Decider, NextPended(&Decider)->requestId, SALLYPORT_VERDICT_PERMIT, 0);
        (void)NextCompleted(&Decider);
    }
    EXPECT_EQUAL(GetStatistics(&Decider).rememberedNow, 4096);
    End();
}

static void TwoSocketsSameTuple(void)
{
    ATTEMPT_INPUT input = TcpConnect();
    OPERATION *first, *second;
    SP_U64 firstId, secondId;
    Begin();
    first = EngineClassify(&input);
    input.endpointHandle = 0x1101;
    second = EngineClassify(&input);
    firstId = NextPended(&Decider)->requestId;
    secondId = NextPended(&Decider)->requestId;
    Answer(&Decider, secondId, SALLYPORT_VERDICT_BLOCK, 0);
    Answer(&Decider, firstId, SALLYPORT_VERDICT_PERMIT, 0);
    EXPECT_EQUAL(first->final, OUTCOME_PERMIT);
    EXPECT_EQUAL(second->final, OUTCOME_BLOCK);
    EngineRelease(first);
    EngineRelease(second);
    End();
}

/* --- what may happen while FwpsPendOperation0 runs: the request is decided, and completed later, elsewhere, once --- */

static void DetachNow(void)
{
    Detach(&Decider);
}

static void DeciderDiesDuringThePend(void)
{
    ATTEMPT_INPUT input = TcpConnect();
    CLIENT_SIDE observer;
    OPERATION *operation;
    Begin();
    EXPECT_EQUAL(Attach(&observer, FALSE), STATUS_SUCCESS);
    EngineDuringPend(DetachNow);
    operation = EngineClassify(&input);
    EXPECT_EQUAL(operation->outcome, OUTCOME_PENDED);
    (void)NextPended(&observer); /* before its end, always */
    EXPECT_EQUAL(NextCompleted(&observer)->reason, SALLYPORT_REASON_DETACHED);
    EXPECT_EQUAL(operation->completions, 1);
    EXPECT_EQUAL(operation->final, OUTCOME_BLOCK);
    EngineRelease(operation);
    Detach(&observer);
    NativeUnload();
}

static void AnswerNow(void)
{
    EXPECT_EQUAL(Answer(&Decider, 1, SALLYPORT_VERDICT_PERMIT, 0), SALLYPORT_RESULT_ACCEPTED);
    EXPECT_EQUAL(Answer(&Decider, 1, SALLYPORT_VERDICT_BLOCK, 0), SALLYPORT_RESULT_NOT_HELD);
}

static void AnsweredDuringThePend(void)
{
    ATTEMPT_INPUT input = TcpConnect();
    OPERATION *operation;
    Begin();
    EngineDuringPend(AnswerNow);
    operation = EngineClassify(&input);
    EXPECT_EQUAL(NextPended(&Decider)->requestId, 1);
    EXPECT_EQUAL(NextCompleted(&Decider)->verdict, SALLYPORT_VERDICT_PERMIT);
    EXPECT_EQUAL(operation->completions, 1);
    EXPECT_EQUAL(operation->final, OUTCOME_PERMIT);
    EngineRelease(operation);
    End();
}

static void UnderTheSameKeyNow(void)
{
    ATTEMPT_INPUT input = UdpSend();
    EXPECT_EQUAL(Classify(&input), OUTCOME_ABSORBED); /* joins what is not held yet */
}

static void JoinedDuringThePend(void)
{
    ATTEMPT_INPUT input = UdpSend();
    const SALLYPORT_ATTEMPT_EVENT *event;
    OPERATION *operation;
    Begin();
    EngineDuringPend(UnderTheSameKeyNow);
    operation = EngineClassify(&input);
    event = NextPended(&Decider);
    EXPECT_EQUAL(event->packetBytes, 48);
    Answer(&Decider, event->requestId, SALLYPORT_VERDICT_PERMIT, 0);
    EXPECT_EQUAL(NextCompleted(&Decider)->packetsInjected, 2);
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
    { "end: time-out by policy", TimeOut },
    { "end: decider dies with 100 held", DeciderDies },
    { "hold: 1000 at once", ThousandHeldAtOnce },
    { "end: socket closes", SocketCloses },
    { "end: power-down", PowerDown },
    { "overflow: per process and in all", Overflow },
    { "known: verdicts are remembered for a while", MemoryOfVerdictsEnds },
    { "known: a bounded number is remembered", MemoryOfVerdictsIsBounded },
    { "known: two sockets with one tuple", TwoSocketsSameTuple },
    { "race: the decider dies during the pend", DeciderDiesDuringThePend },
    { "race: answered during the pend", AnsweredDuringThePend },
    { "race: joined during the pend", JoinedDuringThePend },
    { NULL, NULL },
};
