/* The optional modules: registered only when asked for, gone with the decider. */
#include "test.h"

#include <pthread.h>
#include <sched.h>

static CLIENT_SIDE Decider;

static NTSTATUS Set(ULONG bits)
{
    return SetModules(&Decider, bits);
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

/* --- IRP_MJ_CLEANUP comes while a call of the same handle is on its way (the I/O manager does not wait for it) --- */

static void CleanUpNow(void)
{
    NativeCleanup(&Decider.file);
}

static void CallOutlivesItsHandle(void)
{
    SALLYPORT_POLICY policy;
    Begin(0);
    policy = GetPolicy(&Decider);
    policy.exemptCount = 1;
    policy.exemptProcessIds[0] = APP_PROCESS;
    NativeDuringWait(CleanUpNow);
    EXPECT_EQUAL(Set(SALLYPORT_MODULE_REDIRECT | SALLYPORT_MODULE_STREAM), STATUS_CANCELLED);
    EXPECT_EQUAL(EngineCounts().registered, 6);
    EXPECT_EQUAL(SetPolicy(&Decider, &policy), STATUS_CANCELLED);
    NativeCloseAfterCleanup(&Decider.file);
    EXPECT_EQUAL(Attach(&Decider, TRUE), STATUS_SUCCESS);
    EXPECT_EQUAL(GetPolicy(&Decider).exemptCount, 0);
    EXPECT_EQUAL(Decider.welcome.modules, 0);
    End();
}

static CLIENT_SIDE Former;

static void NextDeciderNow(void)
{
    SALLYPORT_POLICY policy;
    EXPECT_EQUAL(Attach(&Decider, TRUE), STATUS_SUCCESS);
    policy = GetPolicy(&Decider);
    policy.exemptCount = 1;
    policy.exemptProcessIds[0] = APP_PROCESS;
    EXPECT_EQUAL(SetPolicy(&Decider, &policy), STATUS_SUCCESS);
    EXPECT_EQUAL(Set(SALLYPORT_MODULE_STREAM), STATUS_SUCCESS);
}

/* The next decider attaches, and sets modules, between the former's detaching and the end of the former's modules. */
static void LateEndLeavesTheNext(void)
{
    Begin(SALLYPORT_MODULE_REDIRECT);
    EXPECT_EQUAL(EngineCounts().registered, 8);
    Former = Decider;
    NativeDuringWait(NextDeciderNow);
    NativeClose(&Former.file);
    EXPECT_EQUAL(EngineCounts().registered, 10); /* the next one's stream module, without the former's redirect module */
    EXPECT_EQUAL(GetPolicy(&Decider).exemptCount, 1);
    End();
}

/* The same with a held connect, whose completion is what the former's end does first. */
static void LateEndLeavesTheNextPolicy(void)
{
    ATTEMPT_INPUT input = TcpConnect();
    OPERATION *operation;
    Begin(0);
    operation = EngineClassify(&input);
    EXPECT_EQUAL(operation->outcome, OUTCOME_PENDED);
    Former = Decider;
    EngineDuringComplete(NextDeciderNow);
    NativeClose(&Former.file);
    EXPECT_EQUAL(operation->completions, 1);
    EXPECT_EQUAL(GetPolicy(&Decider).exemptCount, 1);
    EXPECT_EQUAL(Classify(&input), OUTCOME_PERMIT); /* the exempt process */
    EngineRelease(operation);
    End();
}

static void NoAttachAfterTheEnd(void)
{
    SALLYPORT_HELLO hello = { SALLYPORT_CONTRACT_VERSION, SALLYPORT_MAGIC, 0, 0 };
    SALLYPORT_WELCOME welcome;
    CLIENT_SIDE late;
    Begin(0);
    Detach(&Decider);
    memset(&late, 0, sizeof(late));
    EXPECT_EQUAL(NativeOpen(&late.file, NULL), STATUS_SUCCESS);
    NativeCleanup(&late.file);
    EXPECT_EQUAL(Control(&late, SALLYPORT_IOCTL_ATTACH_DECIDER, &hello, sizeof(hello), &welcome, sizeof(welcome)),
                 STATUS_INVALID_DEVICE_STATE);
    NativeCloseAfterCleanup(&late.file);
    EXPECT_EQUAL(Attach(&Decider, TRUE), STATUS_SUCCESS); /* nobody decides already */
    End();
}

const TEST ModuleTests[] = {
    { "modules: registered only when asked for", OnlyWhenAsked },
    { "modules: a call that outlives its handle sets nothing", CallOutlivesItsHandle },
    { "modules: a late end leaves the next decider's alone", LateEndLeavesTheNext },
    { "attach: not after the handle is closed", NoAttachAfterTheEnd },
    { "policy: a late end leaves the next decider's exemptions alone", LateEndLeavesTheNextPolicy },
    { "modules: the end while a flow begins", EndsWhileAFlowBegins },
    { NULL, NULL },
};
