/* The objects, sessions and transactions of the engine. Everything here is called with the engine's lock held unless it says otherwise. */
#pragma once
#include "copy.h"

enum lifetime { BUILTIN, PERSISTENT, BOOTTIME, STATIC, DYNAMIC };
enum transaction { TXN_NONE, TXN_READ, TXN_WRITE, TXN_IMPLICIT };

/** Immutable and counted: snapshots share them. */
struct object {
    volatile LONG refs;
    enum kind kind;
    enum lifetime lifetime;
    GUID key;
    UINT64 id;
    GUID session; /**< of a dynamic object */
    DWORD owner; /**< process of a dynamic object that another one added; 0: this one */
    struct block *block;
};

struct table {
    UINT32 count, capacity;
    struct object **items;
};

struct change {
    enum kind kind;
    FWPM_CHANGE_TYPE type;
    GUID key;
    UINT64 id;
};

struct session {
    UINT32 magic;
    GUID key;
    int dynamic;
    DWORD waitMs;
    enum transaction txn;
    struct table view; /**< valid while txn is not TXN_NONE */
    struct change *changes;
    UINT32 changeCount, changeCapacity;
    struct block *info; /**< FWPM_SESSION0 */
    struct session *next;
};

void engine_lock(void);
void engine_unlock(void);
extern struct session *sessions;
extern UINT32 netEventOptions[6];

struct session *session_of(HANDLE engine);
DWORD session_open(const FWPM_SESSION0 *options, struct session **out);
DWORD session_close(struct session *session);
DWORD transaction_begin(struct session *session, UINT32 flags);
DWORD transaction_end(struct session *session, int commit);

/** What this session sees now. */
const struct table *session_view(struct session *session);
/** Takes the writer lock for one call unless a transaction has it; ends with write_end whatever happened. */
DWORD write_begin(struct session *session);
DWORD write_end(struct session *session, DWORD error);
struct object *table_find(const struct table *table, enum kind kind, const GUID *key);
struct object *table_find_id(const struct table *table, enum kind kind, UINT64 id);
void table_push(struct table *table, struct object *object);
void table_remove(struct table *table, UINT32 at);
void table_copy(struct table *to, const struct table *from);
void table_clear(struct table *table);
void session_add(struct session *session, struct object *object);
void session_delete(struct session *session, struct object *object);
extern struct table committed;
int engine_is_writing(void);
/** Ids of objects that come from elsewhere are never given again. */
void id_seen(UINT64 id);
UINT64 next_id(enum kind kind);
int guid_equal(const GUID *a, const GUID *b);
const char *guid_text(const GUID *guid, char *buffer);
extern const GUID zeroGuid;
