#include "statistics.h"

#include "client.h"
#include "table.h"

SALLYPORT_STATISTICS Statistics;

_Use_decl_annotations_ VOID StatisticsInitialize(VOID)
{
    RtlZeroMemory(&Statistics, sizeof(Statistics));
}

_Use_decl_annotations_ VOID StatisticsRead(SALLYPORT_STATISTICS *statistics)
{
    const ULONG first = FIELD_OFFSET(SALLYPORT_STATISTICS, classified);
    CLIENT_COUNTS clients = ClientsCount();
    TABLE_COUNTS table = TableCount();
    ULONG offset;
    RtlZeroMemory(statistics, sizeof(*statistics));
    for (offset = first; offset < sizeof(*statistics); offset += sizeof(SP_U64)) {
        *(SP_U64 *)((UCHAR *)statistics + offset) =
            (SP_U64)InterlockedCompareExchange64((volatile LONG64 *)((UCHAR *)&Statistics + offset), 0, 0);
    }
    statistics->version = SALLYPORT_CONTRACT_VERSION;
    statistics->heldNow = table.held;
    statistics->heldMost = table.heldMost;
    statistics->heldBytesNow = table.heldBytes;
    statistics->rememberedNow = table.remembered;
    statistics->observersNow = clients.observers;
    statistics->deciderNow = clients.decider;
}
