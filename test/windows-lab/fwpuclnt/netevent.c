/* Net events: options, subscription, and the door through which a test plays one. */
#include "enumerate.h"
#include "memory.h"
#include "netevent.h"
#include "notify.h"

/* Version 3 of the Windows SDK, which mingw-w64 lacks: what FwpmNetEventSubscribe2 and later give (4 and 5 differ in types that are not used). */
typedef struct {
    FWPM_NET_EVENT_HEADER0 common;
    INT32 addressFamily;
    SID *packageSid;
    wchar_t *enterpriseId;
    UINT64 policyFlags;
    FWP_BYTE_BLOB effectiveName;
} LAB_NET_EVENT_HEADER3;
typedef struct {
    LAB_NET_EVENT_HEADER3 header;
    INT32 type;
    void *detail;
} LAB_NET_EVENT3;
C_ASSERT(sizeof(LAB_NET_EVENT_HEADER3) == 136 && sizeof(LAB_NET_EVENT3) == 152 && offsetof(LAB_NET_EVENT3, detail) == 144);
C_ASSERT(sizeof(FWPM_NET_EVENT1) == 160);

static struct block *build(int version, const void *from)
{
    const struct lab_event *event = from;
    struct block *block = block_new();
    FWPM_NET_EVENT_HEADER0 header = { .flags = 0x1 | 0x2 | 0x4 | 0x8 | 0x10 | 0x100, .ipVersion = FWP_IP_VERSION_V4 };
    GetSystemTimeAsFileTime(&header.timeStamp);
    header.ipProtocol = event->protocol;
    header.localAddrV4 = event->local;
    header.remoteAddrV4 = event->remote;
    header.localPort = event->localPort;
    header.remotePort = event->remotePort;
    UINT32 bytes = event->appId ? (wcslen(event->appId) + 1) * sizeof(wchar_t) : 0;
    if (bytes) header.flags |= 0x20;
    header.appId.size = bytes;
    FWPM_NET_EVENT_CLASSIFY_DROP1 drop = { event->filterId, 48, 0, 0, 0, event->direction, event->loopback };
    UINT32 size = version == 1 ? sizeof(FWPM_NET_EVENT1) : sizeof(LAB_NET_EVENT3);
    UINT32 typeAt = version == 1 ? offsetof(FWPM_NET_EVENT1, type) : offsetof(LAB_NET_EVENT3, type);
    block_append(block, NULL, size);
    memcpy(block->bytes, &header, sizeof header);
    memcpy(block->bytes + typeAt, &event->type, sizeof event->type);
    if (bytes) block_point(block, offsetof(FWPM_NET_EVENT_HEADER0, appId.data), block_append(block, event->appId, bytes));
    block_point(block, typeAt + 8, block_append(block, &drop, sizeof drop));
    return block;
}

/* What the engine still keeps, oldest first; the page of FwpmNetEventCreateEnumHandle0 speaks of about 100. */
#define KEPT 100
static struct block *kept[KEPT];
static UINT32 keptCount;

static void keep(struct block *block)
{
    if (keptCount == KEPT) {
        block_release(kept[0]);
        memmove(kept, kept + 1, --keptCount * sizeof *kept);
    }
    kept[keptCount++] = block;
}

DWORD WINAPI FwpmNetEventCreateEnumHandle0(HANDLE engine, const FWPM_NET_EVENT_ENUM_TEMPLATE0 *template, HANDLE *out)
{
    if (template) return ERROR_NOT_SUPPORTED;
    engine_lock();
    int on = netEventOptions[0];
    engine_unlock();
    return on ? create_enum_of(engine, kept, keptCount, out) : (DWORD)FWP_E_NET_EVENTS_DISABLED;
}

DWORD WINAPI FwpmNetEventEnum3(HANDLE engine, HANDLE handle, UINT32 asked, LAB_NET_EVENT3 ***out, UINT32 *count)
{
    return next_page(engine, handle, asked, (void ***)out, count);
}

DWORD WINAPI FwpmNetEventDestroyEnumHandle0(HANDLE engine, HANDLE handle) { return destroy_enum(engine, handle); }

/** Not of Windows: plays one classification's event. Answers FWP_E_NET_EVENTS_DISABLED while the engine does not collect it. */
DWORD WINAPI LabNetEvent(const struct lab_event *event)
{
    engine_lock();
    int collected = netEventOptions[0] && (event->type == 3 || (netEventOptions[1] & 0x10));
    if (collected) {
        keep(build(3, event));
        notify_net_event(build, event);
    }
    engine_unlock();
    return collected ? 0 : FWP_E_NET_EVENTS_DISABLED;
}

static DWORD subscribe_version(HANDLE engine, int version, const void *subscription, const void *callback, void *context, HANDLE *out)
{
    engine_lock();
    struct session *session = session_of(engine);
    DWORD error = !session ? ERROR_INVALID_HANDLE : !netEventOptions[0] ? (DWORD)FWP_E_NET_EVENTS_DISABLED
                : subscribe(session, KIND_COUNT + version, subscription, callback, context, out);
    engine_unlock();
    return error;
}

DWORD WINAPI FwpmNetEventSubscribe0(HANDLE engine, const FWPM_NET_EVENT_SUBSCRIPTION0 *subscription, FWPM_NET_EVENT_CALLBACK0 callback, void *context, HANDLE *out)
{
    return subscribe_version(engine, 1, subscription, callback, context, out);
}

DWORD WINAPI FwpmNetEventSubscribe2(HANDLE engine, const FWPM_NET_EVENT_SUBSCRIPTION0 *subscription, void *callback, void *context, HANDLE *out)
{
    return subscribe_version(engine, 3, subscription, callback, context, out);
}

DWORD WINAPI FwpmNetEventUnsubscribe0(HANDLE engine, HANDLE handle)
{
    engine_lock();
    struct session *session = session_of(engine);
    engine_unlock();
    return session ? unsubscribe(session, handle) : ERROR_INVALID_HANDLE;
}

DWORD WINAPI FwpmEngineSetOption0(HANDLE engine, FWPM_ENGINE_OPTION option, const FWP_VALUE0 *value)
{
    engine_lock();
    struct session *session = session_of(engine);
    DWORD error = !session ? ERROR_INVALID_HANDLE : session->txn != TXN_NONE ? (DWORD)FWP_E_TXN_IN_PROGRESS
                : session->dynamic ? (DWORD)FWP_E_DYNAMIC_SESSION_IN_PROGRESS : !readable(value, sizeof *value) ? (DWORD)FWP_E_NULL_POINTER
                : value->type != FWP_UINT32 ? (DWORD)FWP_E_TYPE_MISMATCH : (unsigned)option >= ARRAYSIZE(netEventOptions) ? ERROR_INVALID_PARAMETER : 0;
    if (!error) netEventOptions[option] = value->uint32;
    engine_unlock();
    return error;
}

DWORD WINAPI FwpmEngineGetOption0(HANDLE engine, FWPM_ENGINE_OPTION option, FWP_VALUE0 **value)
{
    engine_lock();
    DWORD error = !session_of(engine) ? ERROR_INVALID_HANDLE : (unsigned)option >= ARRAYSIZE(netEventOptions) ? ERROR_INVALID_PARAMETER : 0;
    if (!error) {
        *value = give_out(sizeof **value);
        (*value)->type = FWP_UINT32;
        (*value)->uint32 = netEventOptions[option];
    }
    engine_unlock();
    return error;
}

/** The path as Windows writes it: device form, lower case, NUL included. The volume is made up; the file must exist. */
DWORD WINAPI FwpmGetAppIdFromFileName0(const wchar_t *path, FWP_BYTE_BLOB **out)
{
    wchar_t full[1024], device[1100];
    if (!path || !readable(out, sizeof *out)) return FWP_E_NULL_POINTER;
    if (GetFileAttributesW(path) == INVALID_FILE_ATTRIBUTES) return GetLastError();
    DWORD length = GetFullPathNameW(path, ARRAYSIZE(full), full, NULL);
    if (!length || length >= ARRAYSIZE(full) || full[1] != ':') return ERROR_PATH_NOT_FOUND;
    CharLowerW(full);
    swprintf(device, ARRAYSIZE(device), L"\\device\\harddiskvolume%d%ls", full[0] - 'a' + 1, full + 2);
    UINT32 size = (wcslen(device) + 1) * sizeof *device;
    FWP_BYTE_BLOB *blob = give_out(sizeof *blob + size);
    blob->size = size;
    blob->data = (UINT8 *)(blob + 1);
    memcpy(blob->data, device, size);
    *out = blob;
    return 0;
}
