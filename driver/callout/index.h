/*
 * Where requests are found: by id, by key, by process, by endpoint. Hash buckets of the links in REQUEST; who is in which
 * is the table's to say. Every call under the table's lock (table.c).
 */
#ifndef SALLYPORT_INDEX_H
#define SALLYPORT_INDEX_H

#include "request.h"

/** Empties all buckets. */
VOID IndexInitialize(VOID);

/** Puts a request into all four. Its id and key are set and stay. */
VOID IndexAdd(_In_ REQUEST *request);
/** No longer held: it cannot be answered by id, and its process holds one less. */
VOID IndexRemoveHeld(_In_ REQUEST *request);
/** No longer remembered either: neither key nor endpoint leads to it. */
VOID IndexRemoveRemembered(_In_ REQUEST *request);

/** @returns NULL when nothing with this id is held. */
REQUEST *IndexFindHeld(UINT64 id);
/** How many requests of this process are held. */
ULONG IndexHeldByProcess(UINT64 processId);

/** The requests of a key, oldest first: `after` NULL gives the first, NULL is the end. */
REQUEST *IndexNextOfKey(_In_ const REQUEST_KEY *key, _In_opt_ const REQUEST *after);
/** The requests of an endpoint, likewise. Ask for the next before removing one. */
REQUEST *IndexNextOfEndpoint(UINT64 endpointHandle, _In_opt_ const REQUEST *after);

#endif
