/* Enumeration of every kind of object. These take the engine's lock themselves. */
#pragma once
#include "store.h"

typedef int wanted_function(const struct object *object, const void *template);

/** Takes the snapshot. `wanted` NULL: all of the kind. */
DWORD create_enum(HANDLE engine, enum kind kind, wanted_function *wanted, const void *template, HANDLE *out);
/** A snapshot of blocks that are no objects: net events. */
DWORD create_enum_of(HANDLE engine, struct block **entries, UINT32 count, HANDLE *out);
/** Up to `asked` entries in one piece of memory that FwpmFreeMemory0 takes back. */
DWORD next_page(HANDLE engine, HANDLE handle, UINT32 asked, void ***out, UINT32 *count);
DWORD destroy_enum(HANDLE engine, HANDLE handle);
wanted_function wanted_by_provider, wanted_context, wanted_callout;
