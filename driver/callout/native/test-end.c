/* How requests end: each way, caps, what is remembered, and what may happen while FwpsPendOperation0 runs. */
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
    BOOLEAN told = FALSE;
    Begin();
    EXPECT_EQUAL(Attach(&observer, FALSE), STATUS_SUCCESS);
    for (i = 0; i < HELD; i++) {
        input.endpointHandle = 0x5000 + i;
        input.filterFlags = i % 2 == 0 ? FWPS_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED : 0;
        operations[i] = EngineClassify(&input);
        EXPECT_EQUAL(operations[i]->outcome, OUTCOME_PENDED);
    }
    Detach(&Decider);
    /* The watchdog may have taken some of them: those end on its thread, and are told before or after the state. */
    for (i = 0; i < HELD; i++) {
        WAIT_UNTIL(operations[i]->final != 0);
        EXPECT_EQUAL(operations[i]->completions, 1);
        EXPECT_EQUAL(operations[i]->final, i % 2 == 0 ? OUTCOME_PERMIT : OUTCOME_BLOCK);
        EngineRelease(operations[i]);
    }
    while (completed < HELD || !told) {
        const SALLYPORT_EVENT_HEADER *event = NextEvent(&observer);
        if (event->type == SALLYPORT_EVENT_COMPLETED) {
            EXPECT_EQUAL(((const SALLYPORT_COMPLETED_EVENT *)event)->reason, SALLYPORT_REASON_DETACHED);
            completed++;
        } else if (event->type == SALLYPORT_EVENT_STATE) {
            EXPECT_EQUAL(((const SALLYPORT_STATE_EVENT *)event)->deciderAttached, 0);
            told = TRUE;
        }
    }
    EXPECT_EQUAL(Classify(&input), OUTCOME_BLOCK); /* the last input's filter has no flag */
    Detach(&observer);
    NativeUnload();
}

enum { AT_STOP = 100 };
static OPERATION *Stopped[AT_STOP];

static void HoldAtStop(void)
{
    ATTEMPT_INPUT input = TcpConnect();
    ULONG i;
    input.filterFlags = FWPS_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED;
    for (i = 0; i < AT_STOP; i++) {
        input.endpointHandle = 0x7000 + i;
        Stopped[i] = EngineClassify(&input);
        EXPECT_EQUAL(Stopped[i]->outcome, OUTCOME_PENDED);
    }
}

static void ExpectAtStop(ULONG i, OUTCOME final)
{
    EXPECT_EQUAL(Stopped[i]->completions, 1);
    EXPECT_EQUAL(Stopped[i]->final, final);
    EngineRelease(Stopped[i]);
}

/* As Windows does it: the driver stays until the client has gone, and the client decides until then. */
static void StopWaitsForTheDecider(void)
{
    CLIENT_SIDE late;
    ULONG i;
    Begin();
    HoldAtStop();
    EXPECT(!NativeStop());
    EXPECT_EQUAL(Attach(&late, TRUE), STATUS_NO_SUCH_DEVICE);
    for (i = 0; i < 10; i++) {
        Answer(&Decider, NextPended(&Decider)->requestId, SALLYPORT_VERDICT_BLOCK, 0);
    }
    Detach(&Decider); /* and DriverUnload runs */
    for (i = 0; i < AT_STOP; i++) {
        ExpectAtStop(i, i < 10 ? OUTCOME_BLOCK : OUTCOME_PERMIT); /* answered; onDetach, by filter */
    }
    EXPECT_EQUAL(EngineCounts().registered, 0);
}

/* As Wine does it: DriverUnload runs under an open handle. Each is completed once, blocked whatever the filter says, and told. */
static void UnloadUnderTheDecider(void)
{
    ULONG i, completed = 0;
    Begin();
    HoldAtStop();
    NativeUnload();
    for (i = 0; i < AT_STOP; i++) {
        ExpectAtStop(i, OUTCOME_BLOCK);
    }
    EXPECT_EQUAL(EngineCounts().registered, 0);
    while (completed < AT_STOP) {
        const SALLYPORT_EVENT_HEADER *event = NextEvent(&Decider);
        if (event->type == SALLYPORT_EVENT_COMPLETED) {
            EXPECT_EQUAL(((const SALLYPORT_COMPLETED_EVENT *)event)->reason, SALLYPORT_REASON_UNLOAD);
            completed++;
        }
    }
    Detach(&Decider);
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

const TEST EndTests[] = {
    { "end: time-out by policy", TimeOut },
    { "end: decider dies with 100 held", DeciderDies },
    { "end: the driver is to stop with 100 held, and waits for the decider to go", StopWaitsForTheDecider },
    { "end: the driver unloads under a decider with 100 held", UnloadUnderTheDecider },
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
