/* The lab's device as a callout driver that is not ours, is of another version, or sends what the contract does not allow. */
#include "lab.h"
#include "ioctl.h"

static ULONG Kind;

void FakeAs(ULONG kind) { Kind = kind; }

static ULONG Welcome(SALLYPORT_WELCOME *welcome)
{
    RtlZeroMemory(welcome, sizeof *welcome);
    welcome->magic = Kind == LAB_FAKE_FOREIGN ? 0x12345678 : SALLYPORT_MAGIC;
    welcome->version = SALLYPORT_CONTRACT_VERSION + (Kind == LAB_FAKE_NEWER ? 1 : 0);
    welcome->driverVersion = 0x00090807;
    welcome->accepted = Kind != LAB_FAKE_NEWER;
    welcome->role = SALLYPORT_ROLE_DECIDER;
    return sizeof *welcome;
}

static ULONG Events(UCHAR *buffer)
{
    SALLYPORT_EVENT_BATCH *batch = (SALLYPORT_EVENT_BATCH *)buffer;
    SALLYPORT_EVENT_HEADER *event = (SALLYPORT_EVENT_HEADER *)(batch + 1);
    ULONG bytes = sizeof *batch + sizeof *event;
    RtlZeroMemory(buffer, bytes);
    batch->version = SALLYPORT_CONTRACT_VERSION;
    batch->count = 1;
    batch->bytes = bytes;
    event->size = sizeof *event;
    event->type = SALLYPORT_EVENT_PENDED; /* as short as its header */
    if (Kind == LAB_FAKE_ENDLESS) event->size = 0;
    if (Kind == LAB_FAKE_COUNT) batch->count = 1000;
    return Kind == LAB_FAKE_CUT ? 10 : bytes;
}

BOOLEAN FakeControl(ULONG code, void *buffer, ULONG out, ULONG *written)
{
    *written = 0;
    switch (code) {
    case SALLYPORT_IOCTL_ATTACH_DECIDER:
        if (out < sizeof(SALLYPORT_WELCOME)) return FALSE;
        *written = Welcome(buffer);
        return TRUE;
    case SALLYPORT_IOCTL_SET_POLICY:
        return TRUE;
    case SALLYPORT_IOCTL_NEXT_EVENTS:
        if (out < SALLYPORT_MIN_EVENT_BUFFER) return FALSE;
        *written = Events(buffer);
        return TRUE;
    default:
        return FALSE;
    }
}
