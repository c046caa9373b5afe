#include "test.h"

#include <sched.h>

void Yield(void)
{
    sched_yield();
}

static NTSTATUS Call(CLIENT_SIDE *client, ULONG code, const void *input, ULONG inputLength, void *output, ULONG outputLength)
{
    CALL call;
    NTSTATUS status = NativeControl(&client->file, &call, code, input, inputLength, outputLength);
    if (status == STATUS_PENDING) {
        status = NativeWait(&call);
    }
    if (NT_SUCCESS(status) && output != NULL) {
        memcpy(output, call.buffer, outputLength);
    }
    NativeFree(&call);
    return status;
}

NTSTATUS Control(CLIENT_SIDE *client, ULONG code, const void *input, ULONG inputLength, void *output, ULONG outputLength)
{
    return Call(client, code, input, inputLength, output, outputLength);
}

NTSTATUS Attach(CLIENT_SIDE *client, BOOLEAN decider)
{
    SALLYPORT_HELLO hello = { SALLYPORT_CONTRACT_VERSION, SALLYPORT_MAGIC, 0, 0 };
    NTSTATUS status;
    memset(client, 0, sizeof(*client));
    status = NativeOpen(&client->file, NULL);
    if (!NT_SUCCESS(status)) {
        return status;
    }
    NativeSetProcess(DECIDER_PROCESS);
    status = Call(client, decider ? SALLYPORT_IOCTL_ATTACH_DECIDER : SALLYPORT_IOCTL_ATTACH_OBSERVER, &hello, sizeof(hello),
                  &client->welcome, sizeof(client->welcome));
    NativeSetProcess(4);
    if (!NT_SUCCESS(status)) {
        NativeClose(&client->file);
    }
    return status;
}

void Detach(CLIENT_SIDE *client)
{
    NativeClose(&client->file);
    if (client->waiting) {
        (void)NativeWait(&client->call);
        NativeFree(&client->call);
    }
    free(client->batch);
}

static BOOLEAN Take(CLIENT_SIDE *client, BOOLEAN wait)
{
    if (client->left > 0) {
        return TRUE;
    }
    if (!client->waiting) {
        NTSTATUS status = NativeControl(&client->file, &client->call, SALLYPORT_IOCTL_NEXT_EVENTS, NULL, 0, 64 * 1024);
        EXPECT_EQUAL(status, STATUS_PENDING);
        client->waiting = TRUE;
    }
    if (!wait && __atomic_load_n(&client->call.done, __ATOMIC_SEQ_CST) == 0) {
        return FALSE;
    }
    EXPECT_EQUAL(NativeWait(&client->call), STATUS_SUCCESS);
    client->waiting = FALSE;
    free(client->batch);
    client->batch = client->call.buffer;
    client->left = ((SALLYPORT_EVENT_BATCH *)client->batch)->count;
    client->lost = ((SALLYPORT_EVENT_BATCH *)client->batch)->lost;
    client->offset = sizeof(SALLYPORT_EVENT_BATCH);
    EXPECT_EQUAL(((SALLYPORT_EVENT_BATCH *)client->batch)->bytes, client->call.irp.IoStatus.Information);
    EXPECT_EQUAL(((SALLYPORT_EVENT_BATCH *)client->batch)->reserved0, 0);
    return TRUE;
}

static const SALLYPORT_EVENT_HEADER *Next(CLIENT_SIDE *client, BOOLEAN wait)
{
    const SALLYPORT_EVENT_HEADER *event;
    if (!Take(client, wait)) {
        return NULL;
    }
    event = (const SALLYPORT_EVENT_HEADER *)(client->batch + client->offset);
    EXPECT_EQUAL(event->size % 8, 0);
    client->offset += event->size;
    client->left--;
    if (client->left == 0) {
        EXPECT_EQUAL(client->offset, ((SALLYPORT_EVENT_BATCH *)client->batch)->bytes);
    }
    return event;
}

const SALLYPORT_EVENT_HEADER *NextEvent(CLIENT_SIDE *client)
{
    return Next(client, TRUE);
}

const SALLYPORT_EVENT_HEADER *PollEvent(CLIENT_SIDE *client)
{
    return Next(client, FALSE);
}

static const SALLYPORT_EVENT_HEADER *NextOf(CLIENT_SIDE *client, UINT16 type)
{
    const SALLYPORT_EVENT_HEADER *event;
    do {
        event = NextEvent(client);
    } while (event->type == SALLYPORT_EVENT_STATE);
    EXPECT_EQUAL(event->type, type);
    return event;
}

const SALLYPORT_ATTEMPT_EVENT *NextPended(CLIENT_SIDE *client)
{
    return (const SALLYPORT_ATTEMPT_EVENT *)NextOf(client, SALLYPORT_EVENT_PENDED);
}

const SALLYPORT_COMPLETED_EVENT *NextCompleted(CLIENT_SIDE *client)
{
    return (const SALLYPORT_COMPLETED_EVENT *)NextOf(client, SALLYPORT_EVENT_COMPLETED);
}

const SALLYPORT_ATTEMPT_EVENT *NextDecided(CLIENT_SIDE *client)
{
    return (const SALLYPORT_ATTEMPT_EVENT *)NextOf(client, SALLYPORT_EVENT_DECIDED);
}

ULONG Answer(CLIENT_SIDE *client, SP_U64 requestId, ULONG verdict, ULONG flags)
{
    struct {
        SALLYPORT_VERDICT_BATCH batch;
        SALLYPORT_VERDICT verdict;
    } input = { { SALLYPORT_CONTRACT_VERSION, 1 }, { requestId, verdict, flags } };
    struct {
        SALLYPORT_VERDICT_RESULTS results;
        SALLYPORT_VERDICT_RESULT result;
    } output;
    EXPECT_EQUAL(Call(client, SALLYPORT_IOCTL_COMPLETE, &input, sizeof(input), &output, sizeof(output)), STATUS_SUCCESS);
    EXPECT_EQUAL(output.results.count, 1);
    EXPECT(output.result.requestId == requestId);
    return output.result.result;
}

SALLYPORT_POLICY GetPolicy(CLIENT_SIDE *client)
{
    SALLYPORT_POLICY policy;
    EXPECT_EQUAL(Call(client, SALLYPORT_IOCTL_GET_POLICY, NULL, 0, &policy, sizeof(policy)), STATUS_SUCCESS);
    return policy;
}

NTSTATUS SetPolicy(CLIENT_SIDE *client, const SALLYPORT_POLICY *policy)
{
    return Call(client, SALLYPORT_IOCTL_SET_POLICY, policy, sizeof(*policy), NULL, 0);
}

SALLYPORT_STATISTICS GetStatistics(CLIENT_SIDE *client)
{
    SALLYPORT_STATISTICS statistics;
    EXPECT_EQUAL(Call(client, SALLYPORT_IOCTL_GET_STATISTICS, NULL, 0, &statistics, sizeof(statistics)), STATUS_SUCCESS);
    return statistics;
}

NTSTATUS SetModules(CLIENT_SIDE *client, ULONG bits)
{
    SALLYPORT_MODULES modules;
    memset(&modules, 0, sizeof(modules));
    modules.version = SALLYPORT_CONTRACT_VERSION;
    modules.modules = bits;
    modules.proxyProcessId = 555;
    modules.proxyPortHost = 0x1F90;
    modules.streamBytes = 16;
    modules.streamFlows = 2;
    return Call(client, SALLYPORT_IOCTL_SET_MODULES, &modules, sizeof(modules), NULL, 0);
}

static ATTEMPT_INPUT Make(UINT16 layerId, UCHAR protocol, UINT64 endpoint, ULONG packetBytes)
{
    ATTEMPT_INPUT input;
    memset(&input, 0, sizeof(input));
    input.layerId = layerId;
    input.protocol = protocol;
    input.processId = APP_PROCESS;
    input.endpointHandle = endpoint;
    input.localPort = 50000;
    input.remotePort = 443;
    input.remoteLast = 9;
    input.packetBytes = packetBytes;
    return input;
}

ATTEMPT_INPUT TcpConnect(void)
{
    return Make(FWPS_LAYER_ALE_AUTH_CONNECT_V4, IPPROTO_TCP, 0x1001, 0);
}

ATTEMPT_INPUT UdpSend(void)
{
    return Make(FWPS_LAYER_ALE_AUTH_CONNECT_V4, IPPROTO_UDP, 0x1002, 48);
}

ATTEMPT_INPUT TcpAccept(void)
{
    return Make(FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V4, IPPROTO_TCP, 0x1003, 4);
}

ATTEMPT_INPUT UdpReceive(void)
{
    return Make(FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V6, IPPROTO_UDP, 0x1004, 33);
}

OUTCOME Classify(const ATTEMPT_INPUT *input)
{
    OPERATION *operation = EngineClassify(input);
    OUTCOME outcome = operation->outcome;
    EngineRelease(operation);
    return outcome;
}
