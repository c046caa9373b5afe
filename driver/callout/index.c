#include "index.h"

#define BUCKETS 512u

static LIST_ENTRY ById[BUCKETS];
static LIST_ENTRY ByKey[BUCKETS];
static LIST_ENTRY ByProcess[BUCKETS];
static LIST_ENTRY ByEndpoint[BUCKETS];

static ULONG Bucket(UINT64 value)
{
    return (ULONG)((value * 0x9E3779B97F4A7C15ull) >> 55); /* Fibonacci hashing to 9 bits */
}

static ULONG KeyBucket(_In_ const REQUEST_KEY *key)
{
    const UCHAR *bytes = (const UCHAR *)key;
    UINT64 hash = 0xCBF29CE484222325ull; /* FNV-1a */
    ULONG i;
    for (i = 0; i < sizeof(*key); i++) {
        hash = (hash ^ bytes[i]) * 0x100000001B3ull;
    }
    return Bucket(hash);
}

VOID IndexInitialize(VOID)
{
    ULONG i;
    for (i = 0; i < BUCKETS; i++) {
        InitializeListHead(&ById[i]);
        InitializeListHead(&ByKey[i]);
        InitializeListHead(&ByProcess[i]);
        InitializeListHead(&ByEndpoint[i]);
    }
}

VOID IndexAdd(REQUEST *request)
{
    InsertTailList(&ById[Bucket(request->id)], &request->byId);
    InsertTailList(&ByKey[KeyBucket(&request->key)], &request->byKey);
    InsertTailList(&ByProcess[Bucket(request->processId)], &request->byProcess);
    InsertTailList(&ByEndpoint[Bucket(request->key.endpointHandle)], &request->byEndpoint);
}

VOID IndexRemoveHeld(REQUEST *request)
{
    RemoveEntryList(&request->byId);
    RemoveEntryList(&request->byProcess);
}

VOID IndexRemoveRemembered(REQUEST *request)
{
    RemoveEntryList(&request->byKey);
    RemoveEntryList(&request->byEndpoint);
}

REQUEST *IndexFindHeld(UINT64 id)
{
    LIST_ENTRY *bucket = &ById[Bucket(id)], *link;
    for (link = bucket->Flink; link != bucket; link = link->Flink) {
        REQUEST *request = CONTAINING_RECORD(link, REQUEST, byId);
        if (request->id == id) {
            return request;
        }
    }
    return NULL;
}

ULONG IndexHeldByProcess(UINT64 processId)
{
    LIST_ENTRY *bucket = &ByProcess[Bucket(processId)], *link;
    ULONG count = 0;
    for (link = bucket->Flink; link != bucket; link = link->Flink) {
        count += CONTAINING_RECORD(link, REQUEST, byProcess)->processId == processId;
    }
    return count;
}

REQUEST *IndexNextOfKey(const REQUEST_KEY *key, const REQUEST *after)
{
    LIST_ENTRY *bucket = &ByKey[KeyBucket(key)];
    LIST_ENTRY *link = after == NULL ? bucket->Flink : after->byKey.Flink;
    for (; link != bucket; link = link->Flink) {
        REQUEST *request = CONTAINING_RECORD(link, REQUEST, byKey);
        if (RtlCompareMemory(&request->key, key, sizeof(*key)) == sizeof(*key)) {
            return request;
        }
    }
    return NULL;
}

REQUEST *IndexNextOfEndpoint(UINT64 endpointHandle, const REQUEST *after)
{
    LIST_ENTRY *bucket = &ByEndpoint[Bucket(endpointHandle)];
    LIST_ENTRY *link = after == NULL ? bucket->Flink : after->byEndpoint.Flink;
    for (; link != bucket; link = link->Flink) {
        REQUEST *request = CONTAINING_RECORD(link, REQUEST, byEndpoint);
        if (request->key.endpointHandle == endpointHandle) {
            return request;
        }
    }
    return NULL;
}
