/* Tells committed changes and net events, on a thread of the engine, as Windows does. */
#pragma once
#include "store.h"

struct subscription;

void notify_start(void);
/** Queues a change for every other session's subscriptions. With the engine's lock held. */
void notify_change(struct session *from, const struct change *change);
/** `what`: a kind of object, or KIND_COUNT + version for net events. With the lock held. */
DWORD subscribe(struct session *session, int what, const void *subscription, const void *callback, void *context, HANDLE *out);
/** Returns when no callback of it runs. Without the lock, or it would wait for ever. */
DWORD unsubscribe(struct session *session, HANDLE handle);
void unsubscribe_all(struct session *session);
/** Queues a net event: built per version by `build`, which answers a block. With the lock held. */
void notify_net_event(struct block *(*build)(int version, const void *from), const void *from);
