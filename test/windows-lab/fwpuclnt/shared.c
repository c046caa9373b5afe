#include "shared.h"
#include "kernel.h"
#include "netevent.h"
#include "notify.h"
#include <process.h>

#define LOOK_MS 20
#define RETRY_MS 5

static wchar_t store[MAX_PATH], fresh[MAX_PATH + 8], lockFile[MAX_PATH + 8], events[MAX_PATH + 8], stopped[MAX_PATH + 9];
static HANDLE held = INVALID_HANDLE_VALUE;
static WIN32_FILE_ATTRIBUTE_DATA seen;
static LONGLONG eventsAt;
/** The kernel has not been told yet of what is committed. */
static int untold = 1;

static void tell_kernel(void)
{
    untold = !kernel_push((UINT64)seen.ftLastWriteTime.dwHighDateTime << 32 | seen.ftLastWriteTime.dwLowDateTime);
}

/**
 * With SALLYPORT_LAB_ONE_ENGINE the processes are those of one run of the service, so they share its static objects too, and the dynamic ones
 * of a process for as long as it lives.
 */
static int oneEngine;
static int is_written(const struct object *object)
{
    return object->lifetime == PERSISTENT || object->lifetime == BOOTTIME ||
           (oneEngine && (object->lifetime == STATIC || object->lifetime == DYNAMIC));
}

/** What another process may have taken away: its own dynamic objects and whatever lasts. */
static int is_shared(const struct object *object) { return is_written(object) && (object->lifetime != DYNAMIC || object->owner); }

static int lives(DWORD process)
{
    HANDLE handle = OpenProcess(SYNCHRONIZE, FALSE, process);
    int alive = handle && WaitForSingleObject(handle, 0) == WAIT_TIMEOUT;
    if (handle) CloseHandle(handle);
    return alive;
}

/* The file: kind, lifetime, id, process of a dynamic object, block, one after another. */
void shared_write(void)
{
    DWORD done;
    if (!store[0]) return;
    HANDLE file = CreateFileW(fresh, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
    if (file == INVALID_HANDLE_VALUE) return;
    for (UINT32 i = 0; i < committed.count; i++) {
        const struct object *object = committed.items[i];
        UINT64 head[4] = { object->kind, object->lifetime, object->id, object->owner ? object->owner : GetCurrentProcessId() };
        if (!is_written(object)) continue;
        WriteFile(file, head, sizeof head, &done, NULL);
        block_write(object->block, file);
    }
    FlushFileBuffers(file);
    CloseHandle(file);
    MoveFileExW(fresh, store, MOVEFILE_REPLACE_EXISTING);
    GetFileAttributesExW(store, GetFileExInfoStandard, &seen);
    tell_kernel();
}

static struct table read_file(void)
{
    struct table table = { 0 };
    UINT64 head[4];
    DWORD done;
    HANDLE file = CreateFileW(store, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE, NULL, OPEN_EXISTING, 0, NULL);
    if (file == INVALID_HANDLE_VALUE) return table;
    while (ReadFile(file, head, sizeof head, &done, NULL) && done == sizeof head) {
        struct object *object = calloc(1, sizeof *object);
        object->refs = 1;
        object->kind = head[0];
        object->lifetime = head[1];
        object->id = head[2];
        if (!(object->block = block_read(file))) break;
        memcpy(&object->key, object->block->bytes, sizeof object->key);
        id_seen(object->id);
        if (object->lifetime == DYNAMIC) object->owner = (DWORD)head[3];
        if (object->owner && (object->owner == GetCurrentProcessId() || !lives(object->owner))) {
            block_release(object->block);
            free(object);
            continue;
        }
        table_push(&table, object);
    }
    CloseHandle(file);
    return table;
}

static int has(const struct table *table, const struct object *object)
{
    const struct object *found = table_find(table, object->kind, &object->key);
    return found && found->id == object->id;
}

static void tell(const struct object *object, FWPM_CHANGE_TYPE type)
{
    struct change change = { object->kind, type, object->key, object->id };
    notify_change(NULL, &change);
}

/** The dynamic objects of a process that ended go with it, whatever the file still says. */
static void forget_dead(void)
{
    for (UINT32 i = 0; i < committed.count; i++)
        if (committed.items[i]->owner && !lives(committed.items[i]->owner)) {
            memset(&seen, 0, sizeof seen);
            return;
        }
}

void shared_read(void)
{
    WIN32_FILE_ATTRIBUTE_DATA now;
    forget_dead();
    if (!store[0] || !GetFileAttributesExW(store, GetFileExInfoStandard, &now)) return;
    if (!CompareFileTime(&now.ftLastWriteTime, &seen.ftLastWriteTime) && now.nFileSizeLow == seen.nFileSizeLow) return;
    struct table table = read_file();
    seen = now;
    for (UINT32 i = committed.count; i-- > 0;) {
        struct object *object = committed.items[i];
        if (!is_shared(object) || has(&table, object)) continue;
        tell(object, FWPM_CHANGE_DELETE);
        table_remove(&committed, i);
    }
    for (UINT32 i = 0; i < table.count; i++) {
        struct object *object = table.items[i];
        if (has(&committed, object)) continue;
        InterlockedIncrement(&object->refs);
        table_push(&committed, object);
        tell(object, FWPM_CHANGE_ADD);
    }
    table_clear(&table);
    tell_kernel();
}

int shared_lock(DWORD waitMs)
{
    ULONGLONG end = GetTickCount64() + waitMs;
    if (!store[0]) return 1;
    for (;;) {
        held = CreateFileW(lockFile, GENERIC_WRITE, 0, NULL, OPEN_ALWAYS, FILE_FLAG_DELETE_ON_CLOSE, NULL);
        if (held != INVALID_HANDLE_VALUE) return 1;
        if (GetTickCount64() >= end) return 0;
        Sleep(RETRY_MS);
    }
}

void shared_unlock(void)
{
    if (held != INVALID_HANDLE_VALUE) CloseHandle(held);
    held = INVALID_HANDLE_VALUE;
}

/** A net event as another process writes it; command-guard.ts. The filter is named by its key, for ids differ between processes. */
struct shared_event {
    UINT32 type, protocol, local, remote, localPort, remotePort, direction, loopback;
    GUID filterKey;
    wchar_t appId[256];
};
C_ASSERT(sizeof(struct shared_event) == 560);

/** Plays what another process put at the end of the file beside the store. */
static void play_events(void)
{
    struct shared_event event;
    DWORD done;
    HANDLE file = CreateFileW(events, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
    if (file == INVALID_HANDLE_VALUE) return;
    SetFilePointerEx(file, (LARGE_INTEGER){ .QuadPart = eventsAt }, NULL, FILE_BEGIN);
    while (ReadFile(file, &event, sizeof event, &done, NULL) && done == sizeof event) {
        const struct object *filter = table_find(&committed, KIND_FILTER, &event.filterKey);
        struct lab_event played = { event.type, event.protocol, event.local, event.remote, event.localPort, event.remotePort,
                                    event.direction, event.loopback, filter ? filter->id : 0, event.appId };
        event.appId[ARRAYSIZE(event.appId) - 1] = 0;
        if (!filter || LabNetEvent(&played)) break;
        eventsAt += sizeof event;
    }
    CloseHandle(file);
}

static unsigned __stdcall look(void *unused)
{
    (void)unused;
    for (;;) {
        Sleep(LOOK_MS);
        engine_lock();
        if (!engine_is_writing()) {
            shared_read();
            if (untold) tell_kernel();
            play_events();
        }
        engine_unlock();
    }
    return 0;
}

int shared_stopped(void) { return *store && GetFileAttributesW(stopped) != INVALID_FILE_ATTRIBUTES; }

void shared_start(void)
{
    if (!GetEnvironmentVariableW(L"SALLYPORT_LAB_STORE", store, MAX_PATH)) return;
    oneEngine = GetEnvironmentVariableW(L"SALLYPORT_LAB_ONE_ENGINE", NULL, 0) != 0;
    swprintf(fresh, MAX_PATH + 8, L"%ls.new", store);
    swprintf(lockFile, MAX_PATH + 8, L"%ls.lock", store);
    swprintf(stopped, MAX_PATH + 9, L"%ls.stopped", store);
    swprintf(events, MAX_PATH + 8, L"%ls.events", store);
    shared_read();
    WIN32_FILE_ATTRIBUTE_DATA before;
    /* What was told before this engine began is not for it. */
    if (GetFileAttributesExW(events, GetFileExInfoStandard, &before)) eventsAt = before.nFileSizeLow;
    /* The thread lives as long as the process: the library must too, whoever frees it. */
    HMODULE self;
    GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_PIN | GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, (const wchar_t *)look, &self);
    _beginthreadex(NULL, 0, look, NULL, 0, NULL);
}
