/* What FwpmXAdd0 and the deletes refuse, with the codes of the documentation. All with the engine's lock held, on the writer's view. */
#pragma once
#include "store.h"

DWORD check_new(struct session *session, const struct object *object, const GUID *providerKey, DWORD allowedFlags);
/** An object may not refer to one that can die earlier. */
DWORD check_reference(const struct object *from, const struct object *to, const GUID *fromProvider);
/** The conditions of a filter or template at a layer. `list` is in place. */
DWORD check_conditions(const GUID *layer, const FWPM_FILTER_CONDITION0 *list, UINT32 count, int enumerating);
DWORD check_filter(struct session *session, struct object *object, const FWPM_FILTER0 *filter, UINT64 *effectiveWeight);
DWORD check_delete(struct session *session, const struct object *object);
/** Whether a filter's conditions overlap the template's, or lie within. */
int conditions_fit(const FWPM_FILTER0 *filter, const FWPM_FILTER_ENUM_TEMPLATE0 *template);
DWORD not_found(enum kind kind);
const GUID *provider_of(const struct object *object, const void *placed);
