#include "notify.h"
#include <process.h>

struct subscription {
    UINT32 magic;
    int what;
    UINT32 flags;
    struct session *session;
    void(CALLBACK *callback)(void *context, const void *data);
    void *context;
    int running, ended;
    struct subscription *next;
};

struct item {
    struct subscription *to;
    struct block *data;
    struct item *next;
};

#define SUBSCRIPTION_MAGIC 0x53554253u

static CRITICAL_SECTION lock;
static CONDITION_VARIABLE queued = CONDITION_VARIABLE_INIT, idle = CONDITION_VARIABLE_INIT;
static struct subscription *subscriptions;
static struct item *head, **tail = &head;

/** The structure that the callback of each kind gets. */
static struct block *build_change(const struct change *change)
{
    struct block *block = block_new();
    FWPM_FILTER_CHANGE0 filter = { change->type, change->key, change->id };
    FWPM_CALLOUT_CHANGE0 callout = { change->type, change->key, (UINT32)change->id };
    FWPM_PROVIDER_CONTEXT_CHANGE0 context = { change->type, change->key, change->id };
    FWPM_PROVIDER_CHANGE0 provider = { change->type, change->key };
    switch (change->kind) {
    case KIND_FILTER: block_append(block, &filter, sizeof filter); break;
    case KIND_CALLOUT: block_append(block, &callout, sizeof callout); break;
    case KIND_PROVIDER_CONTEXT: block_append(block, &context, sizeof context); break;
    default: block_append(block, &provider, sizeof provider); break;
    }
    return block;
}

static void push(struct subscription *to, struct block *data)
{
    struct item *item = calloc(1, sizeof *item);
    item->to = to;
    item->data = data;
    *tail = item;
    tail = &item->next;
    WakeConditionVariable(&queued);
}

void notify_change(struct session *from, const struct change *change)
{
    UINT32 wanted = change->type == FWPM_CHANGE_ADD ? FWPM_SUBSCRIPTION_FLAG_NOTIFY_ON_ADD : FWPM_SUBSCRIPTION_FLAG_NOTIFY_ON_DELETE;
    EnterCriticalSection(&lock);
    for (struct subscription *to = subscriptions; to; to = to->next)
        if (!to->ended && to->what == (int)change->kind && to->session != from && (to->flags & wanted)) push(to, build_change(change));
    LeaveCriticalSection(&lock);
}

void notify_net_event(struct block *(*build)(int version, const void *from), const void *from)
{
    EnterCriticalSection(&lock);
    for (struct subscription *to = subscriptions; to; to = to->next)
        if (!to->ended && to->what > KIND_COUNT) push(to, build(to->what - KIND_COUNT, from));
    LeaveCriticalSection(&lock);
}

static unsigned __stdcall dispatch(void *unused)
{
    (void)unused;
    EnterCriticalSection(&lock);
    for (;;) {
        while (!head) SleepConditionVariableCS(&queued, &lock, INFINITE);
        struct item *item = head;
        if (!(head = item->next)) tail = &head;
        struct subscription *to = item->to;
        if (!to->ended) {
            void *data = block_place(item->data, malloc(item->data->size + 8));
            to->running = 1;
            LeaveCriticalSection(&lock);
            to->callback(to->context, data);
            /* The data is valid during the call only: a late reader must not find it. */
            memset(data, 0xdd, item->data->size);
            free(data);
            EnterCriticalSection(&lock);
            to->running = 0;
            WakeAllConditionVariable(&idle);
        }
        block_release(item->data);
        free(item);
    }
    return 0;
}

void notify_start(void)
{
    InitializeCriticalSection(&lock);
    _beginthreadex(NULL, 0, dispatch, NULL, 0, NULL);
}

DWORD subscribe(struct session *session, int what, const void *given, const void *callback, void *context, HANDLE *out)
{
    const FWPM_FILTER_SUBSCRIPTION0 *options = given;
    if (session->txn != TXN_NONE) return FWP_E_TXN_IN_PROGRESS;
    if (!readable(options, sizeof *options) || !callback || !readable(out, sizeof *out)) return FWP_E_NULL_POINTER;
    if (options->flags & ~3u) return FWP_E_INVALID_FLAGS;
    if (what < KIND_COUNT && !options->flags) violation("a subscription that asks for neither adds nor deletes");
    struct subscription *made = calloc(1, sizeof *made);
    made->magic = SUBSCRIPTION_MAGIC;
    made->what = what;
    made->flags = options->flags;
    made->session = session;
    made->callback = callback;
    made->context = context;
    EnterCriticalSection(&lock);
    made->next = subscriptions;
    subscriptions = made;
    LeaveCriticalSection(&lock);
    *out = made;
    return 0;
}

/** With the inner lock held. The memory of an ended subscription stays: a queued item may still name it. */
static void end(struct subscription *subscription)
{
    subscription->ended = 1;
    while (subscription->running) SleepConditionVariableCS(&idle, &lock, INFINITE);
    for (struct subscription **at = &subscriptions; *at; at = &(*at)->next)
        if (*at == subscription) {
            *at = subscription->next;
            break;
        }
}

DWORD unsubscribe(struct session *session, HANDLE handle)
{
    DWORD error = FWP_E_NOT_FOUND;
    EnterCriticalSection(&lock);
    for (struct subscription *at = subscriptions; at; at = at->next)
        if (at == handle && at->session == session) {
            end(at);
            error = 0;
            break;
        }
    LeaveCriticalSection(&lock);
    return error;
}

void unsubscribe_all(struct session *session)
{
    EnterCriticalSection(&lock);
    for (struct subscription *at = subscriptions, *next; at; at = next) {
        next = at->next;
        if (at->session == session) end(at);
    }
    LeaveCriticalSection(&lock);
}
