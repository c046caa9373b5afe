/* The exported functions: take the lock, find the session, do the work, let go. */
#include "builtin.h"
#include "check.h"
#include "memory.h"
#include "notify.h"
#include "print.h"
#include <rpc.h>

#define ENGINE(name) engine_lock(); struct session *session = session_of(engine); DWORD error = session ? 0 : ERROR_INVALID_HANDLE; \
    const char *call = name; (void)call
#define DONE engine_unlock(); return error

DWORD WINAPI FwpmEngineOpen0(const wchar_t *server, UINT32 authentication, SEC_WINNT_AUTH_IDENTITY_W *identity, const FWPM_SESSION0 *options, HANDLE *engine)
{
    struct session *session;
    if (server || identity) return ERROR_NOT_SUPPORTED;
    if (authentication != RPC_C_AUTHN_WINNT && authentication != RPC_C_AUTHN_DEFAULT) return RPC_S_UNKNOWN_AUTHN_SERVICE;
    if (GetEnvironmentVariableW(L"SALLYPORT_LAB_STOPPED", NULL, 0)) return EPT_S_NOT_REGISTERED;
    if (!readable(engine, sizeof *engine)) return FWP_E_NULL_POINTER;
    engine_lock();
    DWORD error = session_open(options, &session);
    if (!error) *engine = session;
    DONE;
}

DWORD WINAPI FwpmEngineClose0(HANDLE engine)
{
    ENGINE("FwpmEngineClose0");
    engine_unlock();
    /* As documented: running callbacks are waited for, so the lock must not be held. */
    if (!error) unsubscribe_all(session);
    engine_lock();
    if (!error) error = session_close(session);
    if (!sessions) memory_check();
    DONE;
}

DWORD WINAPI FwpmTransactionBegin0(HANDLE engine, UINT32 flags)
{
    ENGINE("FwpmTransactionBegin0");
    if (!error) error = transaction_begin(session, flags);
    DONE;
}

DWORD WINAPI FwpmTransactionCommit0(HANDLE engine)
{
    ENGINE("FwpmTransactionCommit0");
    if (!error) error = transaction_end(session, 1);
    DONE;
}

DWORD WINAPI FwpmTransactionAbort0(HANDLE engine)
{
    ENGINE("FwpmTransactionAbort0");
    if (!error) error = transaction_end(session, 0);
    DONE;
}

void WINAPI FwpmFreeMemory0(void **pointer) { take_back(pointer); }

/* Adds */

typedef DWORD copy_function(struct block *block, const void *source);

static struct object *new_object(struct session *session, enum kind kind, struct block *block)
{
    struct object *object = calloc(1, sizeof *object);
    UINT32 flags;
    memcpy(&flags, block->bytes + offsetof(struct common, flags), sizeof flags);
    object->refs = 1;
    object->kind = kind;
    object->block = block;
    memcpy(&object->key, block->bytes, sizeof object->key);
    if (guid_equal(&object->key, &zeroGuid)) {
        UuidCreate(&object->key);
        memcpy(block->bytes, &object->key, sizeof object->key);
    }
    UINT32 persistent = kind == KIND_CALLOUT ? FWPM_CALLOUT_FLAG_PERSISTENT : 1;
    object->lifetime = flags & persistent ? PERSISTENT : kind == KIND_FILTER && (flags & FWPM_FILTER_FLAG_BOOTTIME) ? BOOTTIME
                     : session->dynamic ? DYNAMIC : STATIC;
    object->session = session->key;
    object->id = next_id(kind);
    return object;
}

/** BFE keeps the weights of sublayers apart (seen on every machine; how is documented nowhere): the next free one above, else below. */
static void separate_weight(struct session *session, struct object *object)
{
    static unsigned char taken[0x10000];
    UINT16 weight, asked;
    memset(taken, 0, sizeof taken);
    for (UINT32 i = 0; i < session->view.count; i++) {
        if (session->view.items[i]->kind != KIND_SUBLAYER) continue;
        memcpy(&weight, session->view.items[i]->block->bytes + offsetof(FWPM_SUBLAYER0, weight), sizeof weight);
        taken[weight] = 1;
    }
    memcpy(&asked, object->block->bytes + offsetof(FWPM_SUBLAYER0, weight), sizeof asked);
    int at = asked;
    while (at < 0x10000 && taken[at]) at++;
    if (at == 0x10000) for (at = asked; at >= 0 && taken[at]; at--);
    weight = at < 0 ? asked : (UINT16)at;
    memcpy(object->block->bytes + offsetof(FWPM_SUBLAYER0, weight), &weight, sizeof weight);
}

/** What FwpmFilterAdd0 fills in: the default sublayer, the id, the effective weight. */
static DWORD complete_filter(struct session *session, struct object *object)
{
    struct block *block = object->block;
    FWPM_FILTER0 head;
    memcpy(&head, block->bytes, sizeof head);
    const FWPM_LAYER0 *layer = builtin_layer(&head.layerKey);
    if (guid_equal(&head.subLayerKey, &zeroGuid) && layer)
        memcpy(block->bytes + offsetof(FWPM_FILTER0, subLayerKey), &layer->defaultSubLayerKey, sizeof(GUID));
    UINT64 weight = 0;
    void *memory = malloc(block->size + 8);
    const FWPM_FILTER0 *filter = block_place(block, memory);
    DWORD error = check_filter(session, object, filter, &weight);
    print_filter(filter, error);
    free(memory);
    if (error) return error;
    FWP_VALUE0 value = { .type = FWP_UINT64 };
    memcpy(block->bytes + offsetof(FWPM_FILTER0, filterId), &object->id, sizeof object->id);
    memcpy(block->bytes + offsetof(FWPM_FILTER0, effectiveWeight), &value, sizeof value);
    UINT32 at = block_append(block, &weight, sizeof weight);
    block_point(block, offsetof(FWPM_FILTER0, effectiveWeight.uint64), at);
    return 0;
}

static DWORD complete_other(struct session *session, struct object *object, const char *call)
{
    static const DWORD allowed[] = { FWPM_PROVIDER_FLAG_PERSISTENT, FWPM_PROVIDER_CONTEXT_FLAG_PERSISTENT | 2, FWPM_SUBLAYER_FLAG_PERSISTENT,
                                     FWPM_CALLOUT_FLAG_PERSISTENT | FWPM_CALLOUT_FLAG_USES_PROVIDER_CONTEXT };
    void *memory = malloc(object->block->size + 8);
    const void *placed = block_place(object->block, memory);
    DWORD error = check_new(session, object, provider_of(object, placed), allowed[object->kind]);
    if (!error && object->kind == KIND_CALLOUT && !builtin_layer(&((const FWPM_CALLOUT0 *)placed)->applicableLayer)) error = FWP_E_LAYER_NOT_FOUND;
    print_object(call, placed, error);
    free(memory);
    if (!error && object->kind == KIND_SUBLAYER) separate_weight(session, object);
    UINT32 calloutId = (UINT32)object->id;
    if (object->kind == KIND_CALLOUT) memcpy(object->block->bytes + offsetof(FWPM_CALLOUT0, calloutId), &calloutId, sizeof calloutId);
    if (object->kind == KIND_PROVIDER_CONTEXT)
        memcpy(object->block->bytes + offsetof(FWPM_PROVIDER_CONTEXT0, providerContextId), &object->id, sizeof object->id);
    return error;
}

static DWORD add(HANDLE engine, enum kind kind, const char *name, const void *source, copy_function *copy, UINT64 *id)
{
    ENGINE(name);
    if (!error) error = write_begin(session);
    if (error) { DONE; }
    struct block *block = block_new();
    error = copy(block, source);
    if (error) {
        block_release(block);
        trace("\"call\":\"%s\",\"error\":%lu", name, error);
    } else {
        struct object *object = new_object(session, kind, block);
        error = session->dynamic && object->lifetime != DYNAMIC ? (DWORD)FWP_E_DYNAMIC_SESSION_IN_PROGRESS
              : kind == KIND_FILTER ? complete_filter(session, object) : complete_other(session, object, name);
        *id = object->id;
        if (error) {
            block_release(block);
            free(object);
        } else {
            session_add(session, object);
        }
    }
    error = write_end(session, error);
    DONE;
}

DWORD WINAPI FwpmProviderAdd0(HANDLE engine, const FWPM_PROVIDER0 *source, PSECURITY_DESCRIPTOR sd)
{
    UINT64 id;
    (void)sd;
    return add(engine, KIND_PROVIDER, "FwpmProviderAdd0", source, (copy_function *)copy_provider, &id);
}

DWORD WINAPI FwpmSubLayerAdd0(HANDLE engine, const FWPM_SUBLAYER0 *source, PSECURITY_DESCRIPTOR sd)
{
    UINT64 id;
    (void)sd;
    return add(engine, KIND_SUBLAYER, "FwpmSubLayerAdd0", source, (copy_function *)copy_sublayer, &id);
}

DWORD WINAPI FwpmProviderContextAdd0(HANDLE engine, const FWPM_PROVIDER_CONTEXT0 *source, PSECURITY_DESCRIPTOR sd, UINT64 *id)
{
    UINT64 made;
    (void)sd;
    DWORD error = add(engine, KIND_PROVIDER_CONTEXT, "FwpmProviderContextAdd0", source, (copy_function *)copy_provider_context, &made);
    if (!error && id) *id = made;
    return error;
}

DWORD WINAPI FwpmCalloutAdd0(HANDLE engine, const FWPM_CALLOUT0 *source, PSECURITY_DESCRIPTOR sd, UINT32 *id)
{
    UINT64 made;
    (void)sd;
    DWORD error = add(engine, KIND_CALLOUT, "FwpmCalloutAdd0", source, (copy_function *)copy_callout, &made);
    if (!error && id) *id = (UINT32)made;
    return error;
}

DWORD WINAPI FwpmFilterAdd0(HANDLE engine, const FWPM_FILTER0 *source, PSECURITY_DESCRIPTOR sd, UINT64 *id)
{
    UINT64 made;
    (void)sd;
    DWORD error = add(engine, KIND_FILTER, "FwpmFilterAdd0", source, (copy_function *)copy_filter, &made);
    if (!error && id) *id = made;
    return error;
}

/* Deletes and gets */

static DWORD delete_object(HANDLE engine, enum kind kind, const GUID *key, UINT64 id)
{
    ENGINE("delete");
    if (!error && key && !readable(key, sizeof *key)) error = FWP_E_NULL_POINTER;
    if (!error) error = write_begin(session);
    if (error) { DONE; }
    struct object *object = key ? table_find(&session->view, kind, key) : table_find_id(&session->view, kind, id);
    error = object ? check_delete(session, object) : not_found(kind);
    if (!error) {
        char text[40];
        trace("\"call\":\"delete\",\"error\":0,\"kind\":%d,\"key\":\"%s\"", kind, guid_text(&object->key, text));
        session_delete(session, object);
    }
    error = write_end(session, error);
    DONE;
}

static DWORD get_object(HANDLE engine, enum kind kind, const GUID *key, UINT64 id, void **out)
{
    ENGINE("get");
    if (!error && (!readable(out, sizeof *out) || (key && !readable(key, sizeof *key)))) error = FWP_E_NULL_POINTER;
    if (error) { DONE; }
    const struct table *view = session_view(session);
    struct object *object = key ? table_find(view, kind, key) : table_find_id(view, kind, id);
    if (object) *out = block_place(object->block, give_out(object->block->size));
    else error = not_found(kind);
    DONE;
}

/* Enumeration: a snapshot behind a handle. */

struct enumeration {
    UINT32 magic;
    struct session *session;
    struct block **entries;
    UINT32 count, next;
};
#define ENUM_MAGIC 0x454e554du

static DWORD create_enum(HANDLE engine, enum kind kind, int (*wanted)(const struct object *, const void *), const void *template, HANDLE *out)
{
    ENGINE("create enum handle");
    if (!error && !readable(out, sizeof *out)) error = FWP_E_NULL_POINTER;
    if (error) { DONE; }
    struct enumeration *made = calloc(1, sizeof *made);
    const struct table *view = session_view(session);
    made->magic = ENUM_MAGIC;
    made->session = session;
    made->entries = calloc(view->count + 64, sizeof *made->entries);
    if (kind == KIND_SESSION)
        for (struct session *at = sessions; at && made->count < view->count + 64; at = at->next) made->entries[made->count++] = block_hold(at->info);
    else
        for (UINT32 i = 0; i < view->count; i++)
            if (view->items[i]->kind == kind && (!wanted || wanted(view->items[i], template)))
                made->entries[made->count++] = block_hold(view->items[i]->block);
    *out = made;
    DONE;
}

static struct enumeration *enum_of(struct session *session, HANDLE handle)
{
    struct enumeration *enumeration = handle;
    return readable(handle, sizeof *enumeration) && enumeration->magic == ENUM_MAGIC && enumeration->session == session ? enumeration : NULL;
}

static DWORD next_page(HANDLE engine, HANDLE handle, UINT32 asked, void ***out, UINT32 *count)
{
    ENGINE("enum");
    struct enumeration *enumeration = error ? NULL : enum_of(session, handle);
    if (!error && !enumeration) error = FWP_E_INVALID_ENUMERATOR;
    if (!error && (!readable(out, sizeof *out) || !readable(count, sizeof *count))) error = FWP_E_NULL_POINTER;
    if (error) { DONE; }
    UINT32 left = enumeration->count - enumeration->next, given = asked < left ? asked : left;
    SIZE_T size = given * sizeof(void *);
    for (UINT32 i = 0; i < given; i++) size += (enumeration->entries[enumeration->next + i]->size + 15) & ~15u;
    char *memory = give_out(size + 16), *at = memory + ((given * sizeof(void *) + 15) & ~15u);
    for (UINT32 i = 0; i < given; i++) {
        struct block *block = enumeration->entries[enumeration->next++];
        ((void **)memory)[i] = block_place(block, at);
        at += (block->size + 15) & ~15u;
    }
    *out = (void **)memory;
    *count = given;
    DONE;
}

static DWORD destroy_enum(HANDLE engine, HANDLE handle)
{
    ENGINE("destroy enum handle");
    struct enumeration *enumeration = error ? NULL : enum_of(session, handle);
    if (!error && !enumeration) error = FWP_E_INVALID_ENUMERATOR;
    if (!error) {
        for (UINT32 i = 0; i < enumeration->count; i++) block_release(enumeration->entries[i]);
        free(enumeration->entries);
        enumeration->magic = 0;
        free(enumeration);
    }
    DONE;
}

/** Places an object to look at it; the caller frees. */
static void *placed(const struct object *object) { return block_place(object->block, malloc(object->block->size + 8)); }

static int same_provider(const struct object *object, const GUID *wanted)
{
    if (!wanted) return 1;
    void *memory = placed(object);
    const GUID *provider = provider_of(object, memory);
    int same = provider && guid_equal(provider, wanted);
    free(memory);
    return same;
}

static int wanted_by_provider(const struct object *object, const void *template)
{
    return !template || same_provider(object, *(const GUID *const *)template);
}

static int wanted_context(const struct object *object, const void *template)
{
    const FWPM_PROVIDER_CONTEXT_ENUM_TEMPLATE0 *wanted = template;
    return !wanted || (wanted->providerContextType == FWPM_GENERAL_CONTEXT && same_provider(object, wanted->providerKey));
}

static int wanted_callout(const struct object *object, const void *template)
{
    const FWPM_CALLOUT_ENUM_TEMPLATE0 *wanted = template;
    return !wanted || (!memcmp(object->block->bytes + offsetof(FWPM_CALLOUT0, applicableLayer), &wanted->layerKey, sizeof(GUID)) &&
                       same_provider(object, wanted->providerKey));
}

static int wanted_filter(const struct object *object, const void *template)
{
    const FWPM_FILTER_ENUM_TEMPLATE0 *wanted = template;
    UINT32 flags = wanted ? wanted->flags : 0;
    int boottime = object->lifetime == BOOTTIME;
    if (flags & FWP_FILTER_ENUM_FLAG_BOOTTIME_ONLY ? !boottime : boottime && !(flags & FWP_FILTER_ENUM_FLAG_INCLUDE_BOOTTIME)) return 0;
    if (!wanted) return 1;
    FWPM_FILTER0 *filter = placed(object);
    int fits = guid_equal(&filter->layerKey, &wanted->layerKey) && (!wanted->providerKey || (filter->providerKey && guid_equal(filter->providerKey, wanted->providerKey))) &&
               (wanted->actionMask == 0xffffffff || (filter->action.type & wanted->actionMask)) &&
               (!wanted->calloutKey || ((filter->action.type & FWP_ACTION_FLAG_CALLOUT) && guid_equal(&filter->action.calloutKey, wanted->calloutKey))) &&
               conditions_fit(filter, wanted);
    free(filter);
    return fits;
}

static UINT64 order_of(const struct block *block)
{
    UINT64 offset, weight;
    memcpy(&offset, block->bytes + offsetof(FWPM_FILTER0, effectiveWeight.uint64), 8);
    memcpy(&weight, block->bytes + offset, 8);
    return weight;
}

static struct session *sortingSession;

static UINT16 sublayer_weight(const struct block *block)
{
    GUID key;
    UINT16 weight = 0;
    memcpy(&key, block->bytes + offsetof(FWPM_FILTER0, subLayerKey), sizeof key);
    struct object *subLayer = table_find(session_view(sortingSession), KIND_SUBLAYER, &key);
    if (subLayer) memcpy(&weight, subLayer->block->bytes + offsetof(FWPM_SUBLAYER0, weight), sizeof weight);
    return weight;
}

static int heavier(const void *a, const void *b)
{
    const struct block *first = *(struct block *const *)a, *second = *(struct block *const *)b;
    UINT16 firstWeight = sublayer_weight(first), secondWeight = sublayer_weight(second);
    if (firstWeight != secondWeight) return firstWeight > secondWeight ? -1 : 1;
    UINT64 x = order_of(first), y = order_of(second);
    return x > y ? -1 : x < y ? 1 : memcmp(first->bytes + offsetof(FWPM_FILTER0, filterId), second->bytes + offsetof(FWPM_FILTER0, filterId), 8);
}

DWORD WINAPI FwpmFilterCreateEnumHandle0(HANDLE engine, const FWPM_FILTER_ENUM_TEMPLATE0 *template, HANDLE *out)
{
    if (template) {
        if (!readable(template, sizeof *template)) return FWP_E_NULL_POINTER;
        if (!builtin_layer(&template->layerKey)) return FWP_E_LAYER_NOT_FOUND;
        if (template->flags & ~0x1fu) return FWP_E_INVALID_FLAGS;
        if (template->actionMask != 0xffffffff && (template->actionMask & FWP_ACTION_FLAG_CALLOUT) && !template->calloutKey) return FWP_E_NULL_POINTER;
        DWORD wrong = check_conditions(&template->layerKey, template->filterCondition, template->numFilterConditions, 1);
        if (wrong) return wrong;
    }
    DWORD error = create_enum(engine, KIND_FILTER, wanted_filter, template, out);
    UINT32 flags = template ? template->flags : 0;
    if (error || !(flags & (FWP_FILTER_ENUM_FLAG_SORTED | FWP_FILTER_ENUM_FLAG_BEST_TERMINATING_MATCH))) return error;
    engine_lock();
    struct enumeration *enumeration = *out;
    sortingSession = enumeration->session;
    qsort(enumeration->entries, enumeration->count, sizeof *enumeration->entries, heavier);
    if (flags & FWP_FILTER_ENUM_FLAG_BEST_TERMINATING_MATCH) {
        UINT32 best = 0;
        for (UINT32 action = 0; best < enumeration->count; best++) {
            memcpy(&action, enumeration->entries[best]->bytes + offsetof(FWPM_FILTER0, action.type), sizeof action);
            if (action & FWP_ACTION_FLAG_TERMINATING) break;
        }
        for (UINT32 i = 0; i < enumeration->count; i++)
            if (i != best) block_release(enumeration->entries[i]);
        if (best < enumeration->count) enumeration->entries[0] = enumeration->entries[best];
        enumeration->count = best < enumeration->count;
    }
    engine_unlock();
    return 0;
}

#define ENUMERATION(Name, UPPER) \
    DWORD WINAPI Fwpm##Name##Enum0(HANDLE engine, HANDLE handle, UINT32 asked, FWPM_##UPPER##0 ***out, UINT32 *count) { return next_page(engine, handle, asked, (void ***)out, count); } \
    DWORD WINAPI Fwpm##Name##DestroyEnumHandle0(HANDLE engine, HANDLE handle) { return destroy_enum(engine, handle); }
#define GETS(Name, UPPER) \
    DWORD WINAPI Fwpm##Name##GetByKey0(HANDLE engine, const GUID *key, FWPM_##UPPER##0 **out) { return key ? get_object(engine, KIND_##UPPER, key, 0, (void **)out) : (DWORD)FWP_E_NULL_POINTER; }
#define CREATES(Name, UPPER, wanted) \
    DWORD WINAPI Fwpm##Name##CreateEnumHandle0(HANDLE engine, const FWPM_##UPPER##_ENUM_TEMPLATE0 *template, HANDLE *out) { return create_enum(engine, KIND_##UPPER, wanted, template, out); }
#define OBJECT(Name, UPPER) \
    ENUMERATION(Name, UPPER) GETS(Name, UPPER) \
    DWORD WINAPI Fwpm##Name##DeleteByKey0(HANDLE engine, const GUID *key) { return key ? delete_object(engine, KIND_##UPPER, key, 0) : (DWORD)FWP_E_NULL_POINTER; } \
    DWORD WINAPI Fwpm##Name##SubscribeChanges0(HANDLE engine, const FWPM_##UPPER##_SUBSCRIPTION0 *subscription, FWPM_##UPPER##_CHANGE_CALLBACK0 callback, void *context, HANDLE *out) \
    { ENGINE("subscribe"); if (!error) error = subscribe(session, KIND_##UPPER, subscription, callback, context, out); DONE; } \
    DWORD WINAPI Fwpm##Name##UnsubscribeChanges0(HANDLE engine, HANDLE handle) \
    { ENGINE("unsubscribe"); if (!error && session->txn != TXN_NONE) error = FWP_E_TXN_IN_PROGRESS; engine_unlock(); return error ? error : unsubscribe(session, handle); }

OBJECT(Provider, PROVIDER)
OBJECT(ProviderContext, PROVIDER_CONTEXT)
OBJECT(SubLayer, SUBLAYER)
OBJECT(Callout, CALLOUT)
OBJECT(Filter, FILTER)
CREATES(Provider, PROVIDER, NULL)
CREATES(ProviderContext, PROVIDER_CONTEXT, wanted_context)
CREATES(SubLayer, SUBLAYER, wanted_by_provider)
CREATES(Callout, CALLOUT, wanted_callout)
CREATES(Layer, LAYER, NULL)
ENUMERATION(Layer, LAYER)
GETS(Layer, LAYER)
CREATES(Session, SESSION, NULL)
ENUMERATION(Session, SESSION)

DWORD WINAPI FwpmFilterGetById0(HANDLE engine, UINT64 id, FWPM_FILTER0 **out) { return get_object(engine, KIND_FILTER, NULL, id, (void **)out); }
DWORD WINAPI FwpmFilterDeleteById0(HANDLE engine, UINT64 id) { return delete_object(engine, KIND_FILTER, NULL, id); }
