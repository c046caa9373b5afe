#include "store.h"
#include "notify.h"
#include "builtin.h"
#include "shared.h"
#include <rpc.h>

#define SESSION_MAGIC 0x53455353u
#define DEFAULT_WAIT_MS 15000

static CRITICAL_SECTION lock;
static CONDITION_VARIABLE writerGone = CONDITION_VARIABLE_INIT;
static INIT_ONCE once = INIT_ONCE_STATIC_INIT;
static struct session *writer;
struct table committed;
static UINT32 lastId = 0x10000;
struct session *sessions;
UINT32 netEventOptions[6] = { 0, 0, 0, 0, 0, 0 };
const GUID zeroGuid;

int guid_equal(const GUID *a, const GUID *b) { return !memcmp(a, b, sizeof *a); }

const char *guid_text(const GUID *g, char *buffer)
{
    sprintf(buffer, "%08lx-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x", g->Data1, g->Data2, g->Data3, g->Data4[0], g->Data4[1],
            g->Data4[2], g->Data4[3], g->Data4[4], g->Data4[5], g->Data4[6], g->Data4[7]);
    return buffer;
}

void table_push(struct table *table, struct object *object)
{
    if (table->count == table->capacity) {
        table->capacity = table->capacity ? table->capacity * 2 : 64;
        table->items = realloc(table->items, table->capacity * sizeof *table->items);
    }
    table->items[table->count++] = object;
}

void table_copy(struct table *to, const struct table *from)
{
    to->count = to->capacity = from->count;
    to->items = malloc((from->count + 1) * sizeof *to->items);
    memcpy(to->items, from->items, from->count * sizeof *to->items);
    for (UINT32 i = 0; i < to->count; i++) InterlockedIncrement(&to->items[i]->refs);
}

static void object_release(struct object *object)
{
    if (InterlockedDecrement(&object->refs)) return;
    block_release(object->block);
    free(object);
}

void table_remove(struct table *table, UINT32 at)
{
    object_release(table->items[at]);
    memmove(&table->items[at], &table->items[at + 1], (--table->count - at) * sizeof *table->items);
}

void table_clear(struct table *table)
{
    for (UINT32 i = 0; i < table->count; i++) object_release(table->items[i]);
    free(table->items);
    memset(table, 0, sizeof *table);
}

struct object *table_find(const struct table *table, enum kind kind, const GUID *key)
{
    for (UINT32 i = 0; i < table->count; i++)
        if (table->items[i]->kind == kind && guid_equal(&table->items[i]->key, key)) return table->items[i];
    return NULL;
}

struct object *table_find_id(const struct table *table, enum kind kind, UINT64 id)
{
    for (UINT32 i = 0; i < table->count; i++)
        if (table->items[i]->kind == kind && table->items[i]->id == id) return table->items[i];
    return NULL;
}

/* Filters' ids name the process in their upper half: another one, which shares the file, must not give the same. */
UINT64 next_id(enum kind kind)
{
    lastId++;
    return kind == KIND_FILTER ? (UINT64)GetCurrentProcessId() << 32 | lastId : lastId;
}

static BOOL CALLBACK start(INIT_ONCE *self, void *parameter, void **context)
{
    (void)self, (void)parameter, (void)context;
    InitializeCriticalSection(&lock);
    builtin_add(&committed, table_push);
    notify_start();
    shared_start();
    return TRUE;
}

void engine_lock(void)
{
    InitOnceExecuteOnce(&once, start, NULL, NULL);
    EnterCriticalSection(&lock);
}

void engine_unlock(void) { LeaveCriticalSection(&lock); }

struct session *session_of(HANDLE engine)
{
    for (struct session *session = sessions; session; session = session->next)
        if (session == engine && session->magic == SESSION_MAGIC) return session;
    violation("a call with an engine handle that is not open");
    return NULL;
}

const struct table *session_view(struct session *session)
{
    if (session->txn != TXN_NONE) return &session->view;
    if (!writer) shared_read();
    return &committed;
}

int engine_is_writing(void) { return writer != NULL; }

void id_seen(UINT64 id)
{
    if (lastId < (UINT32)id) lastId = (UINT32)id;
}

static DWORD take_writer(struct session *session)
{
    ULONGLONG end = GetTickCount64() + session->waitMs;
    while (writer) {
        ULONGLONG now = GetTickCount64();
        if (session->waitMs != INFINITE && now >= end) return FWP_E_TIMEOUT;
        SleepConditionVariableCS(&writerGone, &lock, session->waitMs == INFINITE ? INFINITE : (DWORD)(end - now));
    }
    if (!shared_lock(session->waitMs)) return FWP_E_TIMEOUT;
    writer = session;
    shared_read();
    return 0;
}

static void start_view(struct session *session, enum transaction txn)
{
    session->txn = txn;
    session->changeCount = 0;
    table_copy(&session->view, &committed);
}

static void end_view(struct session *session, int commit)
{
    int wrote = 0;
    if (commit && session->txn != TXN_READ) {
        struct table old = committed;
        committed = session->view;
        memset(&session->view, 0, sizeof session->view);
        table_clear(&old);
        for (UINT32 i = 0; i < session->changeCount; i++) notify_change(session, &session->changes[i]);
        wrote = session->changeCount > 0;
    } else {
        table_clear(&session->view);
    }
    if (wrote) shared_write();
    if (writer == session) {
        writer = NULL;
        shared_unlock();
        WakeAllConditionVariable(&writerGone);
    }
    session->txn = TXN_NONE;
    session->changeCount = 0;
}

DWORD transaction_begin(struct session *session, UINT32 flags)
{
    if (flags & ~FWPM_TXN_READ_ONLY) return FWP_E_INVALID_FLAGS;
    if (session->txn != TXN_NONE) return FWP_E_TXN_IN_PROGRESS;
    if (!(flags & FWPM_TXN_READ_ONLY)) {
        DWORD error = take_writer(session);
        if (error) return error;
    }
    start_view(session, flags & FWPM_TXN_READ_ONLY ? TXN_READ : TXN_WRITE);
    return 0;
}

DWORD transaction_end(struct session *session, int commit)
{
    if (session->txn == TXN_NONE) return FWP_E_NO_TXN_IN_PROGRESS;
    end_view(session, commit);
    return 0;
}

DWORD write_begin(struct session *session)
{
    if (session->txn == TXN_READ) return FWP_E_INCOMPATIBLE_TXN;
    if (session->txn == TXN_WRITE) return 0;
    DWORD error = take_writer(session);
    if (!error) start_view(session, TXN_IMPLICIT);
    return error;
}

DWORD write_end(struct session *session, DWORD error)
{
    if (session->txn == TXN_IMPLICIT) end_view(session, !error);
    return error;
}

static void note(struct session *session, const struct object *object, FWPM_CHANGE_TYPE type)
{
    struct change change = { object->kind, type, object->key, object->id };
    for (UINT32 i = session->changeCount; type == FWPM_CHANGE_DELETE && i-- > 0;) {
        const struct change *before = &session->changes[i];
        if (before->kind != change.kind || before->type != FWPM_CHANGE_ADD || before->id != change.id || !guid_equal(&before->key, &change.key)) continue;
        memmove(&session->changes[i], &session->changes[i + 1], (--session->changeCount - i) * sizeof change);
        return;
    }
    if (session->changeCount == session->changeCapacity) {
        session->changeCapacity = session->changeCapacity ? session->changeCapacity * 2 : 16;
        session->changes = realloc(session->changes, session->changeCapacity * sizeof *session->changes);
    }
    session->changes[session->changeCount++] = change;
}

void session_add(struct session *session, struct object *object)
{
    table_push(&session->view, object);
    note(session, object, FWPM_CHANGE_ADD);
}

void session_delete(struct session *session, struct object *object)
{
    for (UINT32 i = 0; i < session->view.count; i++) {
        if (session->view.items[i] != object) continue;
        note(session, object, FWPM_CHANGE_DELETE);
        table_remove(&session->view, i);
        return;
    }
}

DWORD session_open(const FWPM_SESSION0 *options, struct session **out)
{
    static const FWPM_SESSION0 none;
    if (!options) options = &none;
    if (!readable(options, sizeof *options)) return ERROR_INVALID_PARAMETER;
    if (options->flags & ~(UINT32)FWPM_SESSION_FLAG_DYNAMIC) return FWP_E_INVALID_FLAGS;
    if (options->processId || options->sid || options->username || options->kernelMode)
        violation("FWPM_SESSION0 with output members set");
    GUID key = options->sessionKey;
    if (guid_equal(&key, &zeroGuid)) UuidCreate(&key);
    for (struct session *other = sessions; other; other = other->next)
        if (guid_equal(&other->key, &key)) return FWP_E_ALREADY_EXISTS;
    struct session *session = calloc(1, sizeof *session);
    FWPM_SESSION0 info = *options;
    info.sessionKey = key;
    info.displayData.name = info.displayData.description = NULL;
    info.processId = GetCurrentProcessId();
    if (!info.txnWaitTimeoutInMSec) info.txnWaitTimeoutInMSec = DEFAULT_WAIT_MS;
    session->info = block_new();
    block_append(session->info, &info, sizeof info);
    DWORD error = copy_string(session->info, offsetof(FWPM_SESSION0, displayData.name), options->displayData.name);
    if (!error) error = copy_string(session->info, offsetof(FWPM_SESSION0, displayData.description), options->displayData.description);
    if (error) {
        block_release(session->info);
        free(session);
        return error;
    }
    session->magic = SESSION_MAGIC;
    session->key = key;
    session->dynamic = (options->flags & FWPM_SESSION_FLAG_DYNAMIC) != 0;
    session->waitMs = options->txnWaitTimeoutInMSec ? options->txnWaitTimeoutInMSec : DEFAULT_WAIT_MS;
    session->next = sessions;
    sessions = session;
    *out = session;
    return 0;
}

/** Filters first, for the others are what they refer to; providers last. */
static const enum kind endOrder[] = { KIND_FILTER, KIND_CALLOUT, KIND_PROVIDER_CONTEXT, KIND_SUBLAYER, KIND_PROVIDER };

DWORD session_close(struct session *session)
{
    if (session->txn != TXN_NONE) transaction_end(session, 0);
    if (session->dynamic && !write_begin(session)) {
        for (UINT32 k = 0; k < ARRAYSIZE(endOrder); k++)
            for (UINT32 i = session->view.count; i-- > 0;) {
                struct object *object = session->view.items[i];
                if (object->kind == endOrder[k] && object->lifetime == DYNAMIC && guid_equal(&object->session, &session->key))
                    session_delete(session, object);
            }
        write_end(session, 0);
    }
    for (struct session **at = &sessions; *at; at = &(*at)->next)
        if (*at == session) {
            *at = session->next;
            break;
        }
    session->magic = 0;
    block_release(session->info);
    free(session->changes);
    free(session);
    return 0;
}
