/* Enumeration: a snapshot behind a handle, and what the templates pick. */
#include "enumerate.h"

#include "builtin.h"
#include "check.h"
#include "memory.h"

#define ENGINE engine_lock(); struct session *session = session_of(engine); DWORD error = session ? 0 : ERROR_INVALID_HANDLE
#define DONE engine_unlock(); return error

struct enumeration {
    UINT32 magic;
    struct session *session;
    struct block **entries;
    UINT32 count, next;
};
#define ENUM_MAGIC 0x454e554du

DWORD create_enum(HANDLE engine, enum kind kind, int (*wanted)(const struct object *, const void *), const void *template, HANDLE *out)
{
    ENGINE;
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

DWORD create_enum_of(HANDLE engine, struct block **entries, UINT32 count, HANDLE *out)
{
    ENGINE;
    if (!error && !readable(out, sizeof *out)) error = FWP_E_NULL_POINTER;
    if (error) { DONE; }
    struct enumeration *made = calloc(1, sizeof *made);
    made->magic = ENUM_MAGIC;
    made->session = session;
    made->entries = calloc(count + 1, sizeof *made->entries);
    for (; made->count < count; made->count++) made->entries[made->count] = block_hold(entries[made->count]);
    *out = made;
    DONE;
}

static struct enumeration *enum_of(struct session *session, HANDLE handle)
{
    struct enumeration *enumeration = handle;
    return readable(handle, sizeof *enumeration) && enumeration->magic == ENUM_MAGIC && enumeration->session == session ? enumeration : NULL;
}

DWORD next_page(HANDLE engine, HANDLE handle, UINT32 asked, void ***out, UINT32 *count)
{
    ENGINE;
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

DWORD destroy_enum(HANDLE engine, HANDLE handle)
{
    ENGINE;
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

int wanted_by_provider(const struct object *object, const void *template)
{
    return !template || same_provider(object, *(const GUID *const *)template);
}

int wanted_context(const struct object *object, const void *template)
{
    const FWPM_PROVIDER_CONTEXT_ENUM_TEMPLATE0 *wanted = template;
    return !wanted || (wanted->providerContextType == FWPM_GENERAL_CONTEXT && same_provider(object, wanted->providerKey));
}

int wanted_callout(const struct object *object, const void *template)
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
