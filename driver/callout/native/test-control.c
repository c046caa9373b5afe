/* Control codes: lengths, versions, reserved fields, ranges. A refused call changes nothing. */
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

static void Lengths(void)
{
    static const struct {
        ULONG code, input, output;
    } codes[] = {
        { SALLYPORT_IOCTL_SET_POLICY, sizeof(SALLYPORT_POLICY), 0 },
        { SALLYPORT_IOCTL_GET_POLICY, 0, sizeof(SALLYPORT_POLICY) },
        { SALLYPORT_IOCTL_GET_STATISTICS, 0, sizeof(SALLYPORT_STATISTICS) },
        { SALLYPORT_IOCTL_SET_MODULES, sizeof(SALLYPORT_MODULES), 0 },
        { SALLYPORT_IOCTL_ATTACH_DECIDER, sizeof(SALLYPORT_HELLO), sizeof(SALLYPORT_WELCOME) },
        { SALLYPORT_IOCTL_ATTACH_OBSERVER, sizeof(SALLYPORT_HELLO), sizeof(SALLYPORT_WELCOME) },
    };
    UCHAR bytes[512];
    ULONG i, length;
    Begin();
    memset(bytes, 0, sizeof(bytes));
    for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        for (length = 0; length < 400; length++) {
            if (length != codes[i].input) {
                EXPECT_EQUAL(Control(&Decider, codes[i].code, bytes, length, NULL, 512), STATUS_INFO_LENGTH_MISMATCH);
            }
            if (length < codes[i].output) {
                EXPECT_EQUAL(Control(&Decider, codes[i].code, bytes, codes[i].input, NULL, length), STATUS_BUFFER_TOO_SMALL);
            }
        }
    }
    EXPECT_EQUAL(Control(&Decider, SALLYPORT_IOCTL_NEXT_EVENTS, bytes, 1, NULL, SALLYPORT_MIN_EVENT_BUFFER),
                 STATUS_INFO_LENGTH_MISMATCH);
    EXPECT_EQUAL(Control(&Decider, SALLYPORT_IOCTL_NEXT_EVENTS, NULL, 0, NULL, SALLYPORT_MIN_EVENT_BUFFER - 1),
                 STATUS_BUFFER_TOO_SMALL);
    EXPECT_EQUAL(Control(&Decider, SP_CTL(0x8FFu, 3u), bytes, 0, NULL, 0), STATUS_INVALID_DEVICE_REQUEST);
    End();
}

static void Versions(void)
{
    SALLYPORT_HELLO hello = { SALLYPORT_CONTRACT_VERSION + 1, SALLYPORT_MAGIC, 0, 0 };
    SALLYPORT_MODULES modules = { .version = 0 };
    SALLYPORT_WELCOME welcome;
    SALLYPORT_POLICY policy;
    CLIENT_SIDE other;
    Begin();
    policy = GetPolicy(&Decider);
    policy.version++;
    EXPECT_EQUAL(SetPolicy(&Decider, &policy), STATUS_REVISION_MISMATCH);
    EXPECT_EQUAL(Control(&Decider, SALLYPORT_IOCTL_SET_MODULES, &modules, sizeof(modules), NULL, 0), STATUS_REVISION_MISMATCH);
    memset(&other, 0, sizeof(other));
    EXPECT_EQUAL(NativeOpen(&other.file, NULL), STATUS_SUCCESS);
    EXPECT_EQUAL(Control(&other, SALLYPORT_IOCTL_ATTACH_OBSERVER, &hello, sizeof(hello), &welcome, sizeof(welcome)),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(welcome.accepted, 0);
    EXPECT_EQUAL(welcome.version, SALLYPORT_CONTRACT_VERSION);
    EXPECT_EQUAL(welcome.magic, SALLYPORT_MAGIC);
    EXPECT_EQUAL(welcome.instanceId, 0);
    /* not attached: nothing else works */
    EXPECT_EQUAL(Control(&other, SALLYPORT_IOCTL_GET_POLICY, NULL, 0, &policy, sizeof(policy)), STATUS_ACCESS_DENIED);
    EXPECT_EQUAL(Control(&other, SALLYPORT_IOCTL_NEXT_EVENTS, NULL, 0, NULL, SALLYPORT_MIN_EVENT_BUFFER), STATUS_ACCESS_DENIED);
    hello.version = SALLYPORT_CONTRACT_VERSION;
    hello.magic++;
    EXPECT_EQUAL(Control(&other, SALLYPORT_IOCTL_ATTACH_OBSERVER, &hello, sizeof(hello), &welcome, sizeof(welcome)),
                 STATUS_INVALID_PARAMETER);
    hello.magic--;
    hello.reserved1 = 1;
    EXPECT_EQUAL(Control(&other, SALLYPORT_IOCTL_ATTACH_OBSERVER, &hello, sizeof(hello), &welcome, sizeof(welcome)),
                 STATUS_INVALID_PARAMETER);
    hello.reserved1 = 0;
    EXPECT_EQUAL(Control(&other, SALLYPORT_IOCTL_ATTACH_OBSERVER, &hello, sizeof(hello), &welcome, sizeof(welcome)),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(Control(&other, SALLYPORT_IOCTL_ATTACH_OBSERVER, &hello, sizeof(hello), &welcome, sizeof(welcome)),
                 STATUS_INVALID_DEVICE_STATE);
    NativeClose(&other.file);
    End();
}

static void PolicyRanges(void)
{
    SALLYPORT_POLICY good, bad;
    Begin();
    good = GetPolicy(&Decider);
#define REFUSED(field, value)                                                  \
    do {                                                                       \
        bad = good;                                                            \
        bad.field = (value);                                                   \
        EXPECT_EQUAL(SetPolicy(&Decider, &bad), STATUS_INVALID_PARAMETER);     \
    } while (0)
    REFUSED(flags, 2);
    REFUSED(deadlineMs, SALLYPORT_MIN_DEADLINE_MS - 1);
    REFUSED(deadlineMs, SALLYPORT_MAX_DEADLINE_MS + 1);
    REFUSED(rememberMs, SALLYPORT_MAX_REMEMBER_MS + 1);
    REFUSED(maxHeld, 0);
    REFUSED(maxHeld, SALLYPORT_MAX_HELD + 1);
    REFUSED(maxHeldPerProcess, 0);
    REFUSED(maxHeldPerProcess, good.maxHeld + 1);
    REFUSED(maxHeldBytes, SALLYPORT_MAX_HELD_BYTES + 1);
    REFUSED(exemptCount, SALLYPORT_MAX_EXEMPT + 1);
    REFUSED(exemptProcessIds[0], 5); /* beyond the count */
    REFUSED(onTimeout, 3);
    REFUSED(onOverflow, 3);
    REFUSED(onDetach, 3);
    REFUSED(onStranger, 3);
    REFUSED(reserved[3], 1);
#undef REFUSED
    bad = GetPolicy(&Decider);
    EXPECT(memcmp(&good, &bad, sizeof(good)) == 0);
    EXPECT_EQUAL(SetPolicy(&Decider, &good), STATUS_SUCCESS);
    End();
}

static void Verdicts(void)
{
    struct {
        SALLYPORT_VERDICT_BATCH batch;
        SALLYPORT_VERDICT verdicts[SALLYPORT_MAX_VERDICTS + 1];
    } input;
    struct {
        SALLYPORT_VERDICT_RESULTS results;
        SALLYPORT_VERDICT_RESULT result[SALLYPORT_MAX_VERDICTS];
    } output;
    ATTEMPT_INPUT attempt = TcpConnect();
    ULONG code = SALLYPORT_IOCTL_COMPLETE, i;
    OPERATION *operation;
    Begin();
    memset(&input, 0, sizeof(input));
    operation = EngineClassify(&attempt);
    for (i = 0; i <= SALLYPORT_MAX_VERDICTS; i++) {
        input.verdicts[i].requestId = i + 1;
        input.verdicts[i].verdict = SALLYPORT_VERDICT_PERMIT;
    }
    EXPECT_EQUAL(Control(&Decider, code, &input, 4, &output, sizeof(output)), STATUS_INFO_LENGTH_MISMATCH);
    EXPECT_EQUAL(Control(&Decider, code, &input, 24, &output, sizeof(output)), STATUS_REVISION_MISMATCH);
    input.batch.version = SALLYPORT_CONTRACT_VERSION;
    EXPECT_EQUAL(Control(&Decider, code, &input, 24, &output, sizeof(output)), STATUS_INVALID_PARAMETER);
    input.batch.count = 0xFFFFFFFFu;
    EXPECT_EQUAL(Control(&Decider, code, &input, 24, &output, sizeof(output)), STATUS_INVALID_PARAMETER);
    input.batch.count = 2;
    EXPECT_EQUAL(Control(&Decider, code, &input, 24, &output, sizeof(output)), STATUS_INFO_LENGTH_MISMATCH);
    EXPECT_EQUAL(Control(&Decider, code, &input, 40, &output, 24), STATUS_BUFFER_TOO_SMALL);
    /* the batch is checked whole: the good verdict before the bad one is not applied */
    input.verdicts[1].verdict = 3;
    EXPECT_EQUAL(Control(&Decider, code, &input, 40, NULL, 40), STATUS_INVALID_PARAMETER);
    input.verdicts[1].verdict = SALLYPORT_VERDICT_BLOCK;
    input.verdicts[1].flags = 2;
    EXPECT_EQUAL(Control(&Decider, code, &input, 40, NULL, 40), STATUS_INVALID_PARAMETER);
    EXPECT_EQUAL(operation->completions, 0);
    input.verdicts[1].flags = 0;
    input.batch.count = SALLYPORT_MAX_VERDICTS;
    EXPECT_EQUAL(Control(&Decider, code, &input, 8 + 16 * SALLYPORT_MAX_VERDICTS, &output, sizeof(output)), STATUS_SUCCESS);
    EXPECT_EQUAL(output.results.count, SALLYPORT_MAX_VERDICTS);
    EXPECT_EQUAL(output.result[0].result, SALLYPORT_RESULT_ACCEPTED);
    EXPECT_EQUAL(output.result[255].result, SALLYPORT_RESULT_NOT_HELD);
    EXPECT_EQUAL(output.result[255].requestId, 256);
    EXPECT_EQUAL(operation->final, OUTCOME_PERMIT);
    EngineRelease(operation);
    End();
}

const TEST ControlTests[] = {
    { "control: every wrong length is refused", Lengths },
    { "control: versions and reserved fields", Versions },
    { "control: policy out of range", PolicyRanges },
    { "control: batches of verdicts", Verdicts },
    { NULL, NULL },
};
