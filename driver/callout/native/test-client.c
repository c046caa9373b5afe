/* Handles: who may attach, what observers see, what becomes of inverted calls. */
#include "test.h"

static void OneDeciderManyObservers(void)
{
    CLIENT_SIDE decider, second, observers[SALLYPORT_MAX_OBSERVERS], tooMany;
    ULONG i;
    EXPECT_EQUAL(NativeLoad(), STATUS_SUCCESS);
    EXPECT_EQUAL(Attach(&decider, TRUE), STATUS_SUCCESS);
    EXPECT_EQUAL(decider.welcome.accepted, 1);
    EXPECT_EQUAL(decider.welcome.role, SALLYPORT_ROLE_DECIDER);
    EXPECT_EQUAL(decider.welcome.deciderAttached, 1);
    EXPECT(decider.welcome.instanceId != 0);
    EXPECT_EQUAL(Attach(&second, TRUE), STATUS_SHARING_VIOLATION);
    for (i = 0; i < SALLYPORT_MAX_OBSERVERS; i++) {
        EXPECT_EQUAL(Attach(&observers[i], FALSE), STATUS_SUCCESS);
        EXPECT_EQUAL(observers[i].welcome.observerCount, i + 1);
    }
    EXPECT_EQUAL(Attach(&tooMany, FALSE), STATUS_TOO_MANY_SESSIONS);
    Detach(&decider);
    EXPECT_EQUAL(Attach(&decider, TRUE), STATUS_SUCCESS); /* the place is free again */
    Detach(&decider);
    for (i = 0; i < SALLYPORT_MAX_OBSERVERS; i++) {
        Detach(&observers[i]);
    }
    NativeUnload();
}

static void ObserversSeeWhatIsHeld(void)
{
    CLIENT_SIDE decider, observer;
    ATTEMPT_INPUT input = TcpConnect();
    const SALLYPORT_ATTEMPT_EVENT *event;
    OPERATION *operation;
    SP_U64 id, sequence;
    EXPECT_EQUAL(NativeLoad(), STATUS_SUCCESS);
    EXPECT_EQUAL(Attach(&decider, TRUE), STATUS_SUCCESS);
    operation = EngineClassify(&input);
    event = NextPended(&decider);
    id = event->requestId;
    sequence = event->header.sequence;
    EXPECT_EQUAL(event->header.flags, 0);
    EXPECT_EQUAL(Attach(&observer, FALSE), STATUS_SUCCESS);
    EXPECT_EQUAL(observer.welcome.heldCount, 1);
    event = NextPended(&observer);
    EXPECT(event->requestId == id && event->header.sequence == sequence);
    EXPECT_EQUAL(event->header.flags, SALLYPORT_EVENT_FLAG_REPLAYED);
    Answer(&decider, id, SALLYPORT_VERDICT_PERMIT, 0);
    EXPECT(NextCompleted(&observer)->requestId == id);
    EXPECT(NextCompleted(&decider)->requestId == id);
    EngineRelease(operation);
    Detach(&observer);
    Detach(&decider);
    NativeUnload();
}

static void ObserversChangeNothing(void)
{
    CLIENT_SIDE observer;
    SALLYPORT_POLICY policy;
    SALLYPORT_MODULES modules = { 0 };
    UCHAR verdict[24] = { SALLYPORT_CONTRACT_VERSION, 0, 0, 0, 1 };
    UCHAR output[24];
    EXPECT_EQUAL(NativeLoad(), STATUS_SUCCESS);
    EXPECT_EQUAL(Attach(&observer, FALSE), STATUS_SUCCESS);
    policy = GetPolicy(&observer);
    EXPECT_EQUAL(SetPolicy(&observer, &policy), STATUS_ACCESS_DENIED);
    EXPECT_EQUAL(Control(&observer, SALLYPORT_IOCTL_SET_MODULES, &modules, sizeof(modules), NULL, 0), STATUS_ACCESS_DENIED);
    EXPECT_EQUAL(Control(&observer, SALLYPORT_IOCTL_COMPLETE, verdict, sizeof(verdict), output, sizeof(output)),
                 STATUS_ACCESS_DENIED);
    Detach(&observer);
    NativeUnload();
}

static void EventsThatNobodyFetches(void)
{
    CLIENT_SIDE decider, observer;
    ATTEMPT_INPUT input = TcpConnect();
    SALLYPORT_POLICY policy;
    ULONG i, held = 0;
    EXPECT_EQUAL(NativeLoad(), STATUS_SUCCESS);
    EXPECT_EQUAL(Attach(&decider, TRUE), STATUS_SUCCESS);
    policy = GetPolicy(&decider);
    policy.maxHeld = SALLYPORT_MAX_HELD;
    policy.maxHeldPerProcess = SALLYPORT_MAX_HELD;
    EXPECT_EQUAL(SetPolicy(&decider, &policy), STATUS_SUCCESS);
    EXPECT_EQUAL(Attach(&observer, FALSE), STATUS_SUCCESS);
    /* The decider never fetches: what it could not be told of is not held. The observer loses events and is told so. */
    for (i = 0; i < 8300; i++) {
        input.endpointHandle++;
        held += Classify(&input) == OUTCOME_PENDED;
    }
    EXPECT_EQUAL(held, 8190); /* its queue has 8192 places, two are STATE events */
    EXPECT_EQUAL(GetStatistics(&decider).decided[SALLYPORT_REASON_OVERFLOW], 8300 - 8190);
    for (i = 0; i < 8190; i++) {
        (void)NextPended(&decider);
    }
    EXPECT(decider.lost > 0); /* DECIDED events */
    (void)NextEvent(&observer);
    EXPECT(observer.lost > 6000);
    Detach(&observer);
    Detach(&decider);
    NativeUnload();
}

static void InvertedCallsAreCancelled(void)
{
    CLIENT_SIDE decider;
    CALL calls[SALLYPORT_MAX_INVERTED_CALLS], more;
    ULONG i;
    EXPECT_EQUAL(NativeLoad(), STATUS_SUCCESS);
    EXPECT_EQUAL(Attach(&decider, TRUE), STATUS_SUCCESS);
    (void)NextEvent(&decider); /* its own STATE */
    for (i = 0; i < SALLYPORT_MAX_INVERTED_CALLS; i++) {
        EXPECT_EQUAL(NativeControl(&decider.file, &calls[i], SALLYPORT_IOCTL_NEXT_EVENTS, NULL, 0, SALLYPORT_MIN_EVENT_BUFFER),
                     STATUS_PENDING);
    }
    EXPECT_EQUAL(NativeControl(&decider.file, &more, SALLYPORT_IOCTL_NEXT_EVENTS, NULL, 0, SALLYPORT_MIN_EVENT_BUFFER),
                 STATUS_INSUFFICIENT_RESOURCES);
    NativeFree(&more);
    NativeCancel(&calls[5]);
    EXPECT_EQUAL(NativeWait(&calls[5]), STATUS_CANCELLED);
    NativeCancel(&calls[5]); /* too late, and harmless */
    NativeCleanup(&decider.file);
    for (i = 0; i < SALLYPORT_MAX_INVERTED_CALLS; i++) {
        EXPECT_EQUAL(NativeWait(&calls[i]), STATUS_CANCELLED);
        NativeFree(&calls[i]);
    }
    EXPECT_EQUAL(NativeControl(&decider.file, &more, SALLYPORT_IOCTL_NEXT_EVENTS, NULL, 0, SALLYPORT_MIN_EVENT_BUFFER),
                 STATUS_CANCELLED);
    NativeFree(&more);
    NativeCloseAfterCleanup(&decider.file);
    free(decider.batch);
    NativeUnload();
}

static void NamesBelowTheDevice(void)
{
    HANDLE_FILE file;
    EXPECT_EQUAL(NativeLoad(), STATUS_SUCCESS);
    EXPECT_EQUAL(NativeOpen(&file, L"\\x"), STATUS_OBJECT_NAME_INVALID);
    EXPECT(memcmp(NativeDeviceSecurity(), L"D:P(A;;GA;;;SY)(A;;GA;;;BA)", sizeof(L"D:P(A;;GA;;;SY)(A;;GA;;;BA)")) == 0);
    NativeUnload();
}

static void BatchHoldsAsMuchAsFits(void)
{
    CLIENT_SIDE decider;
    ATTEMPT_INPUT input = TcpConnect();
    CALL call;
    ULONG i;
    EXPECT_EQUAL(NativeLoad(), STATUS_SUCCESS);
    EXPECT_EQUAL(Attach(&decider, TRUE), STATUS_SUCCESS);
    input.appIdCharacters = 520;
    for (i = 0; i < 10; i++) {
        input.endpointHandle++;
        EXPECT_EQUAL(Classify(&input), OUTCOME_PENDED);
    }
    EXPECT_EQUAL(NativeControl(&decider.file, &call, SALLYPORT_IOCTL_NEXT_EVENTS, NULL, 0, SALLYPORT_MIN_EVENT_BUFFER),
                 STATUS_PENDING);
    EXPECT_EQUAL(NativeWait(&call), STATUS_SUCCESS);
    /* STATE 40, then 1192 each */
    EXPECT_EQUAL(((SALLYPORT_EVENT_BATCH *)call.buffer)->count, 4);
    EXPECT_EQUAL(call.irp.IoStatus.Information, 24 + 40 + 3 * 1192);
    NativeFree(&call);
    for (i = 0; i < 7; i++) {
        (void)NextPended(&decider);
    }
    Detach(&decider);
    NativeUnload();
}

const TEST ClientTests[] = {
    { "client: one decider, eight observers", OneDeciderManyObservers },
    { "client: observers see what is held already", ObserversSeeWhatIsHeld },
    { "client: observers change nothing", ObserversChangeNothing },
    { "client: events that nobody fetches", EventsThatNobodyFetches },
    { "client: inverted calls end with the handle", InvertedCallsAreCancelled },
    { "client: names below the device are refused", NamesBelowTheDevice },
    { "client: a batch holds as much as fits", BatchHoldsAsMuchAsFits },
    { NULL, NULL },
};
