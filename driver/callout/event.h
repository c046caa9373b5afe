/* Events: made once, immutable, counted by reference, shared by all clients that have them in their queue. */
#ifndef SALLYPORT_EVENT_H
#define SALLYPORT_EVENT_H

#include "attempt.h"
#include "ioctl.h"
#include "platform.h"

typedef struct EVENT {
    volatile LONG references;
    ULONG size; /**< Of `body`; a multiple of 8. */
    SALLYPORT_EVENT_HEADER *header; /**< The body's start. */
} EVENT;

/** Draws a new instance id and starts the sequence at 1. */
_IRQL_requires_(PASSIVE_LEVEL) VOID EventInitialize(VOID);

UINT64 EventInstanceId(VOID);

/** All makers: NULL when there is no memory; the caller owns one reference. IRQL <= DISPATCH_LEVEL. */
_Must_inspect_result_ EVENT *EventPended(_In_ const ATTEMPT *attempt, UINT64 requestId, ULONG deadlineMs, ULONG packetBytes);
_Must_inspect_result_ EVENT *EventDecided(_In_ const ATTEMPT *attempt, UCHAR verdict, UCHAR reason);
_Must_inspect_result_ EVENT *EventCompleted(_In_ const SALLYPORT_COMPLETED_EVENT *completed);
_Must_inspect_result_ EVENT *EventState(BOOLEAN deciderAttached, UINT64 deciderProcessId, ULONG modules);
_Must_inspect_result_ EVENT *EventStream(_In_ const SALLYPORT_STREAM_EVENT *stream, _In_reads_bytes_opt_(length) const UCHAR *data,
                                          ULONG length);

VOID EventReference(_In_ EVENT *event);
VOID EventRelease(_In_opt_ EVENT *event);

#endif
