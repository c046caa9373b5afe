/*
 * Sequences of classifies, answers, closures, reauthorizations, time and power, with any fields, and one call that
 * fails where the input says so. Whatever the order: the stand-ins' rules hold, and all that was pended completes.
 */
#include "test.h"

typedef struct INPUT {
    const UCHAR *bytes;
    size_t left;
} INPUT;

static ULONG Take(INPUT *input)
{
    if (input->left == 0) {
        return 0;
    }
    input->left--;
    return *input->bytes++;
}

static ATTEMPT_INPUT Any(INPUT *input)
{
    static const UINT16 layers[] = { FWPS_LAYER_ALE_AUTH_CONNECT_V4, FWPS_LAYER_ALE_AUTH_CONNECT_V6,
                                     FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V4, FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V6 };
    static const UCHAR protocols[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, 47 };
    ULONG a = Take(input), b = Take(input), c = Take(input);
    ATTEMPT_INPUT attempt;
    memset(&attempt, 0, sizeof(attempt));
    attempt.layerId = layers[a % 4];
    attempt.protocol = protocols[a / 4 % 4];
    attempt.noRight = (a & 0x70) == 0x70;
    attempt.irql = a & 0x80 ? DISPATCH_LEVEL : PASSIVE_LEVEL;
    attempt.endpointHandle = b % 4;
    attempt.processId = b / 4 % 4 == 0 ? 0 : APP_PROCESS + b / 4 % 4;
    attempt.remoteLast = b / 16 % 4;
    attempt.remotePort = (UINT16)(b / 64);
    attempt.noCompletionHandle = (c & 0x0F) == 0x0F;
    attempt.shortValues = (c & 0x13) == 0x13 && a % 4 < 2;
    attempt.noLocalAddress = (c & 0x21) == 0x21;
    attempt.headerIncluded = (c & 0x45) == 0x45;
    attempt.secured = (c & 0x80) != 0;
    attempt.longHeader = (c & 0x81) == 0x81;
    attempt.filterFlags = (UINT16)(Take(input) % 4);
    attempt.appIdCharacters = Take(input) * 5;
    attempt.package = attempt.peerName = (c & 1) != 0;
    if (attempt.protocol != IPPROTO_TCP || a % 4 >= 2) {
        attempt.packetBytes = 1 + Take(input) * (c & 2 ? 300 : 1);
        attempt.packetBuffers = 1 + Take(input) % 10;
    }
    return attempt;
}

int LLVMFuzzerTestOneInput(const UCHAR *bytes, size_t length);

int LLVMFuzzerTestOneInput(const UCHAR *bytes, size_t length)
{
    enum { KEPT = 32 };
    INPUT input = { bytes, length };
    OPERATION *kept[KEPT] = { NULL };
    SALLYPORT_POLICY policy;
    CLIENT_SIDE decider;
    ULONG at = 0, id = 0, i, fail;
    BOOLEAN attached = FALSE;
    EXPECT_EQUAL(NativeLoad(), STATUS_SUCCESS);
    attached = NT_SUCCESS(Attach(&decider, TRUE));
    policy = GetPolicy(&decider);
    policy.onOverflow = (SP_U8)(Take(&input) % 3);
    policy.onTimeout = (SP_U8)(Take(&input) % 3);
    policy.onStranger = (SP_U8)(Take(&input) % 3);
    policy.maxHeld = 1 + Take(&input) % 16;
    policy.maxHeldPerProcess = policy.maxHeld;
    policy.maxHeldBytes = Take(&input) * 16;
    policy.deadlineMs = 100 + Take(&input);
    policy.rememberMs = Take(&input) * 100;
    EXPECT_EQUAL(SetPolicy(&decider, &policy), STATUS_SUCCESS);
    fail = Take(&input);
    NativeFailCall(fail == 0 ? 0 : (long)fail);
    while (input.left > 0) {
        ATTEMPT_INPUT attempt;
        switch (Take(&input) % 8) {
        case 0:
            if (attached) {
                id = 1 + Take(&input) % 32;
                (void)Answer(&decider, id, 1 + id % 2, id / 2 % 2);
            }
            break;
        case 1:
            if (kept[Take(&input) % KEPT] != NULL) {
                EngineCloseSocket(kept[id % KEPT] != NULL ? kept[id % KEPT] : kept[0]);
            }
            break;
        case 2:
            NativeAdvance(Take(&input) * 4);
            break;
        case 3:
            (void)EngineDeliver();
            break;
        case 4:
            NativePower(Take(&input) % 2 == 0);
            break;
        case 5:
            attempt = Any(&input);
            attempt.flags = FWP_CONDITION_FLAG_IS_REAUTHORIZE;
            attempt.reason = Take(&input) % 2 == 0 ? FWP_CONDITION_REAUTHORIZE_REASON_POLICY_CHANGE
                                                   : FWP_CONDITION_REAUTHORIZE_REASON_CLASSIFY_COMPLETION;
            attempt.noCompletionHandle = TRUE;
            EngineRelease(EngineClassify(&attempt));
            break;
        case 6:
            if (Take(&input) == 0 && attached) {
                Detach(&decider);
                attached = FALSE;
            }
            break;
        default:
            attempt = Any(&input);
            if (kept[at] != NULL) {
                EngineRelease(kept[at]);
            }
            kept[at] = EngineClassify(&attempt);
            at = (at + 1) % KEPT;
            break;
        }
    }
    NativeFailCall(0);
    if (attached) {
        Detach(&decider);
    }
    for (i = 0; i < KEPT; i++) {
        if (kept[i] != NULL) {
            EngineRelease(kept[i]);
        }
    }
    NativeUnload();
    EngineCheckEnd();
    NativeCheckLeaks();
    return 0;
}
