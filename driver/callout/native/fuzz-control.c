/*
 * The IOCTL surface: any code, any bytes, any lengths, on four handles that attach, cancel and close as the input says,
 * with something held. The input is a list of steps: opcode, handle, then what the step takes.
 */
#include "test.h"

typedef struct INPUT {
    const UCHAR *bytes;
    size_t left;
} INPUT;

static ULONG Take(INPUT *input, ULONG count)
{
    ULONG value = 0;
    while (count-- > 0) {
        value = value << 8 | (input->left > 0 ? *input->bytes : 0);
        if (input->left > 0) {
            input->bytes++;
            input->left--;
        }
    }
    return value;
}

static const ULONG Codes[] = {
    SALLYPORT_IOCTL_ATTACH_OBSERVER, SALLYPORT_IOCTL_ATTACH_DECIDER, SALLYPORT_IOCTL_COMPLETE,   SALLYPORT_IOCTL_SET_POLICY,
    SALLYPORT_IOCTL_GET_POLICY,      SALLYPORT_IOCTL_GET_STATISTICS, SALLYPORT_IOCTL_SET_MODULES, SALLYPORT_IOCTL_NEXT_EVENTS,
};

/* What a good client would send; the fuzzer changes bytes of it. */
static ULONG Good(ULONG code, UCHAR *bytes)
{
    static const SALLYPORT_HELLO hello = { SALLYPORT_CONTRACT_VERSION, SALLYPORT_MAGIC, 0, 0 };
    static const SALLYPORT_POLICY policy = { .version = SALLYPORT_CONTRACT_VERSION, .deadlineMs = 500, .rememberMs = 500,
                                             .maxHeld = 8, .maxHeldPerProcess = 8, .maxHeldBytes = 1000 };
    static const SALLYPORT_MODULES modules = { .version = SALLYPORT_CONTRACT_VERSION, .modules = 3, .proxyProcessId = 9,
                                               .proxyPortHost = 8080, .streamBytes = 10, .streamFlows = 3 };
    static const struct {
        SALLYPORT_VERDICT_BATCH batch;
        SALLYPORT_VERDICT verdicts[2];
    } verdicts = { { SALLYPORT_CONTRACT_VERSION, 2 }, { { 1, 1, 0 }, { 2, 2, 0 } } };
#define GIVE(value) (memcpy(bytes, &(value), sizeof(value)), (ULONG)sizeof(value))
    switch (code) {
    case SALLYPORT_IOCTL_ATTACH_OBSERVER:
    case SALLYPORT_IOCTL_ATTACH_DECIDER:
        return GIVE(hello);
    case SALLYPORT_IOCTL_SET_POLICY:
        return GIVE(policy);
    case SALLYPORT_IOCTL_SET_MODULES:
        return GIVE(modules);
    case SALLYPORT_IOCTL_COMPLETE:
        return GIVE(verdicts);
    default:
        return 0;
    }
}

#define MAX_PENDING 80

static CALL *Pending[MAX_PENDING];
static ULONG PendingCount;

static void Send(HANDLE_FILE *file, INPUT *input)
{
    static UCHAR bytes[8192];
    ULONG choice = Take(input, 1), code, length, output, changes;
    CALL *call;
    memset(bytes, 0, sizeof(bytes));
    code = choice < 0xF0 ? Codes[choice % 8] : Take(input, 4);
    length = Good(code, bytes);
    if (choice & 0x40) {
        length = Take(input, 2) % 5000;
    }
    for (changes = choice & 0x30 ? Take(input, 1) % 16 : 0; changes > 0; changes--) {
        ULONG at = Take(input, 2);
        bytes[at % sizeof(bytes)] = (UCHAR)Take(input, 1);
    }
    output = choice & 0x80 ? Take(input, 2) : 8192;
    if (PendingCount == MAX_PENDING) {
        return;
    }
    /* The driver keeps a pointer into the call while it is pending. */
    call = malloc(sizeof(*call));
    if (NativeControl(file, call, code, bytes, length, output) == STATUS_PENDING) {
        Pending[PendingCount++] = call;
    } else {
        NativeFree(call);
        free(call);
    }
}

static void Hold(INPUT *input)
{
    ATTEMPT_INPUT attempt = Take(input, 1) % 2 == 0 ? TcpConnect() : UdpReceive();
    attempt.endpointHandle = Take(input, 1) + 1;
    attempt.packetBytes = attempt.packetBytes == 0 ? 0 : 1 + Take(input, 1);
    EngineRelease(EngineClassify(&attempt));
}

int LLVMFuzzerTestOneInput(const UCHAR *bytes, size_t length);

int LLVMFuzzerTestOneInput(const UCHAR *bytes, size_t length)
{
    INPUT input = { bytes, length };
    BOOLEAN open[4] = { FALSE };
    HANDLE_FILE files[4];
    ULONG i;
    EXPECT_EQUAL(NativeLoad(), STATUS_SUCCESS);
    PendingCount = 0;
    while (input.left > 0) {
        ULONG step = Take(&input, 1), at = step % 4;
        if (!open[at]) {
            open[at] = NT_SUCCESS(NativeOpen(&files[at], NULL));
        }
        switch (step / 4 % 8) {
        case 0:
            NativeClose(&files[at]);
            open[at] = FALSE;
            break;
        case 1:
            if (PendingCount > 0) {
                NativeCancel(Pending[Take(&input, 1) % PendingCount]);
            }
            break;
        case 2:
        case 3:
            Hold(&input);
            break;
        default:
            Send(&files[at], &input);
            break;
        }
    }
    for (i = 0; i < 4; i++) {
        if (open[i]) {
            NativeClose(&files[i]);
        }
    }
    for (i = 0; i < PendingCount; i++) {
        EXPECT_EQUAL(Pending[i]->done, 1);
        NativeFree(Pending[i]);
        free(Pending[i]);
    }
    NativeUnload();
    EngineCheckEnd();
    NativeCheckLeaks();
    return 0;
}
