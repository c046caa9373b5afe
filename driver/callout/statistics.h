/* Counters. No lock: each is one 64-bit word that only rises; a snapshot need not be one moment. */
#ifndef SALLYPORT_STATISTICS_H
#define SALLYPORT_STATISTICS_H

#include "ioctl.h"
#include "platform.h"

/** Counters since load; the gauges in it stay zero, see StatisticsRead. */
extern SALLYPORT_STATISTICS Statistics;

/** COUNT(pended) or COUNT_MANY(streamBytes, length), at any IRQL. */
#define COUNT(counter) ((void)InterlockedIncrement64((volatile LONG64 *)&Statistics.counter))
#define COUNT_MANY(counter, amount) ((void)InterlockedExchangeAdd64((volatile LONG64 *)&Statistics.counter, (LONG64)(amount)))

/** Zeroes all counters. */
_IRQL_requires_(PASSIVE_LEVEL) VOID StatisticsInitialize(VOID);

/** Counters and gauges as the contract describes them. */
_IRQL_requires_max_(DISPATCH_LEVEL) VOID StatisticsRead(_Out_ SALLYPORT_STATISTICS *statistics);

#endif
