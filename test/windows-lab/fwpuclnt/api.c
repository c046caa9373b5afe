/* The exported functions: take the lock, find the session, do the work, let go. */
#include "builtin.h"
#include "check.h"
#include "enumerate.h"
#include "memory.h"
#include "notify.h"
#include "print.h"
#include "shared.h"
#include <rpc.h>

/* A call to a service that was stopped meanwhile ends in RPC. */
#define ENGINE(name) engine_lock(); struct session *session = session_of(engine); \
    DWORD error = !session ? ERROR_INVALID_HANDLE : shared_stopped() ? RPC_S_SERVER_UNAVAILABLE : 0; \
    const char *call = name; (void)call
#define DONE engine_unlock(); return error

DWORD WINAPI FwpmEngineOpen0(const wchar_t *server, UINT32 authentication, SEC_WINNT_AUTH_IDENTITY_W *identity, const FWPM_SESSION0 *options, HANDLE *engine)
{
    struct session *session;
    if (server || identity) return ERROR_NOT_SUPPORTED;
    if (authentication != RPC_C_AUTHN_WINNT && authentication != RPC_C_AUTHN_DEFAULT) return RPC_S_UNKNOWN_AUTHN_SERVICE;
    if (GetEnvironmentVariableW(L"SALLYPORT_LAB_STOPPED", NULL, 0) || shared_stopped()) return EPT_S_NOT_REGISTERED;
    if (GetEnvironmentVariableW(L"SALLYPORT_LAB_DENIED", NULL, 0)) return ERROR_ACCESS_DENIED;
    if (!readable(engine, sizeof *engine)) return FWP_E_NULL_POINTER;
    engine_lock();
    DWORD error = session_open(options, &session);
    if (!error) *engine = session;
    DONE;
}

DWORD WINAPI FwpmEngineClose0(HANDLE engine)
{
    engine_lock();
    struct session *session = session_of(engine);
    DWORD error = session ? 0 : ERROR_INVALID_HANDLE;
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
