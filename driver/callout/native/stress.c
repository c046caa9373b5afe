/*
 * Many threads at once: programs that connect, send, accept and close; a decider that answers, forgets and dies; an
 * observer; inverted calls that are cancelled; the clock; the power; injections. Then unload, at a random moment.
 * Each pended operation must have completed exactly once (engine.c aborts on a second time and counts the first).
 *
 *   stress ROUNDS [SEED]
 */
#include "test.h"

#include <pthread.h>
#include <unistd.h>

static volatile LONG Stop;
static volatile LONG Pended, Finished;

static unsigned Random(unsigned *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static BOOLEAN Stopped(void)
{
    return InterlockedCompareExchange(&Stop, 0, 0) != 0;
}

static void Settle(OPERATION **slot)
{
    OPERATION *operation = *slot;
    if (operation != NULL) {
        if (operation->outcome == OUTCOME_PENDED) {
            InterlockedIncrement(&Pended);
            EngineCloseSocket(operation); /* whatever waits is withdrawn; what is completed is forgotten */
        }
        EngineRelease(operation);
        *slot = NULL;
    }
}

static void *Program(void *argument)
{
    unsigned state = (unsigned)(uintptr_t)argument * 2654435761u | 1u;
    OPERATION *open[16] = { NULL };
    unsigned i;
    while (!Stopped()) {
        ATTEMPT_INPUT input;
        unsigned at = Random(&state) % 16;
        switch (Random(&state) % 5) {
        case 0:
            input = UdpSend();
            break;
        case 1:
            input = TcpAccept();
            break;
        case 2:
            input = UdpReceive();
            break;
        default:
            input = TcpConnect();
            break;
        }
        input.processId = 100 + Random(&state) % 8;
        input.endpointHandle = 1 + Random(&state) % 64;
        input.remoteLast = Random(&state) % 4;
        input.irql = Random(&state) % 2 == 0 ? DISPATCH_LEVEL : PASSIVE_LEVEL;
        if (Random(&state) % 16 == 0) {
            input.flags = FWP_CONDITION_FLAG_IS_REAUTHORIZE;
        }
        Settle(&open[at]);
        open[at] = EngineClassify(&input);
    }
    for (i = 0; i < 16; i++) {
        Settle(&open[i]);
    }
    return NULL;
}

static void *DecidersComeAndGo(void *argument)
{
    unsigned state = (unsigned)(uintptr_t)argument * 40503u | 1u;
    while (!Stopped()) {
        CLIENT_SIDE decider;
        SALLYPORT_POLICY policy;
        unsigned life = Random(&state) % 200;
        if (!NT_SUCCESS(Attach(&decider, TRUE))) {
            continue;
        }
        policy = GetPolicy(&decider);
        policy.deadlineMs = 100 + Random(&state) % 1000;
        policy.rememberMs = Random(&state) % 3000;
        policy.maxHeld = 1 + Random(&state) % 100;
        policy.maxHeldPerProcess = 1 + Random(&state) % policy.maxHeld;
        policy.maxHeldBytes = Random(&state) % 20000;
        EXPECT_EQUAL(SetPolicy(&decider, &policy), STATUS_SUCCESS);
        while (life-- > 0 && !Stopped()) {
            const SALLYPORT_EVENT_HEADER *event = PollEvent(&decider);
            if (event == NULL) {
                if (decider.waiting && Random(&state) % 8 == 0) {
                    NativeCancel(&decider.call);
                    if (NativeWait(&decider.call) == STATUS_CANCELLED) {
                        NativeFree(&decider.call);
                        decider.waiting = FALSE;
                    }
                }
                Yield();
            } else if (event->type == SALLYPORT_EVENT_PENDED && Random(&state) % 4 != 0) {
                (void)Answer(&decider, ((const SALLYPORT_ATTEMPT_EVENT *)event)->requestId, 1 + Random(&state) % 2,
                             Random(&state) % 2);
            }
        }
        Detach(&decider);
    }
    return NULL;
}

static void *Observes(void *argument)
{
    (void)argument;
    while (!Stopped()) {
        CLIENT_SIDE observer;
        int life = 500;
        SP_U64 lost = 0;
        if (!NT_SUCCESS(Attach(&observer, FALSE))) {
            continue;
        }
        while (life-- > 0 && !Stopped()) {
            (void)PollEvent(&observer);
            EXPECT(observer.lost >= lost);
            lost = observer.lost;
            (void)GetStatistics(&observer);
            Yield();
        }
        Detach(&observer);
    }
    return NULL;
}

static void *World(void *argument)
{
    unsigned state = (unsigned)(uintptr_t)argument | 1u;
    while (!Stopped()) {
        NativeAdvance(Random(&state) % 50);
        (void)EngineDeliver();
        if (Random(&state) % 500 == 0) {
            NativePower(FALSE);
            NativePower(TRUE);
        }
        Yield();
    }
    return NULL;
}

static void Round(unsigned seed)
{
    pthread_t threads[8];
    unsigned state = seed * 7919u | 1u, i;
    ENGINE_COUNTS counts;
    InterlockedExchange(&Stop, 0);
    EXPECT_EQUAL(NativeLoad(), STATUS_SUCCESS);
    for (i = 0; i < 4; i++) {
        pthread_create(&threads[i], NULL, Program, (void *)(uintptr_t)(seed * 16 + i + 1));
    }
    pthread_create(&threads[4], NULL, DecidersComeAndGo, (void *)(uintptr_t)(seed * 3 + 1));
    pthread_create(&threads[5], NULL, DecidersComeAndGo, (void *)(uintptr_t)(seed * 5 + 2));
    pthread_create(&threads[6], NULL, Observes, NULL);
    pthread_create(&threads[7], NULL, World, (void *)(uintptr_t)(seed + 9));
    /* until enough has happened, which is a fact and not a time */
    for (i = 300 + Random(&state) % 1500; EngineCounts().pended < i;) {
        usleep(500);
    }
    InterlockedExchange(&Stop, 1);
    for (i = 4; i < 8; i++) {
        pthread_join(threads[i], NULL); /* handles are closed before the driver unloads, as Windows has it */
    }
    /* the programs may still be inside a classify */
    NativeUnload();
    for (i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    counts = EngineCounts();
    EXPECT_EQUAL(counts.pended, counts.completed);
    Finished += (LONG)counts.completed;
    EngineCheckEnd();
    NativeCheckLeaks();
}

int main(int count, char **arguments)
{
    unsigned rounds = count > 1 ? (unsigned)atoi(arguments[1]) : 10, i;
    unsigned seed = count > 2 ? (unsigned)atoi(arguments[2]) : 1;
    for (i = 0; i < rounds; i++) {
        alarm(120);
        Round(seed + i);
    }
    printf("%u rounds, %d operations pended and completed exactly once\n", rounds, (int)Finished);
    return 0;
}
