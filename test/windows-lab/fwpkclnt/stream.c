/*
 * STREAM: segments of an established flow on their way past the callout, which may copy and must leave them as they are. A segment lies in
 * two lists and begins inside the first, so that nothing about a single buffer can be taken for granted.
 */
#include "flow.h"

#define MOST_SEGMENT 65536u
#define SKIPPED 3u /* bytes in front of the data in its first list */

typedef struct SEGMENT {
    ULONG magic;
    FWPS_STREAM_DATA0 data;
    FWPS_STREAM_CALLOUT_IO_PACKET0 packet;
    UINT64 *copied;
    BOOLEAN stalls;
    struct SEGMENT *next;
} SEGMENT;

#define SEGMENT_MAGIC 0x53454754

static SEGMENT *Running;

static SEGMENT *SegmentOf(const FWPS_STREAM_DATA0 *data)
{
    KIRQL irql;
    SEGMENT *at;
    LabLock(&irql);
    for (at = Running; at && &at->data != data; at = at->next) {}
    LabUnlock(irql);
    return at;
}

void NTAPI FwpsCopyStreamDataToBuffer0(const FWPS_STREAM_DATA0 *data, PVOID buffer, SIZE_T size, SIZE_T *copied)
{
    SEGMENT *segment = SegmentOf(data);
    UCHAR *to = buffer;
    SIZE_T room = PoolSize(buffer);
    if (!segment || !buffer || !copied) {
        Violation("FwpsCopyStreamDataToBuffer0 without the data of a running classify, buffer or bytesCopied");
        if (copied) *copied = 0;
        return;
    }
    if (room && room < size) Violation("FwpsCopyStreamDataToBuffer0 into a block that is too small");
    if (segment->stalls) StallHere();
    if (size > data->dataLength) size = data->dataLength;
    SIZE_T left = size, skip = data->dataOffset.streamDataOffset;
    for (NET_BUFFER_LIST *list = data->netBufferListChain; list && left; list = NET_BUFFER_LIST_NEXT_NBL(list)) {
        SIZE_T here = NET_BUFFER_DATA_LENGTH(NET_BUFFER_LIST_FIRST_NB(list)) - skip;
        if (here > left) here = left;
        RtlCopyMemory(to, ListBytes(list) + skip, here);
        to += here;
        left -= here;
        skip = 0;
    }
    *copied = size - left;
    *segment->copied += *copied;
}

/** Two lists with these bytes, the first with some in front. NULL without memory; a segment without bytes has none. */
static NET_BUFFER_LIST *Lists(const UCHAR *bytes, ULONG size)
{
    UCHAR *first = Allocate(SKIPPED + size);
    ULONG half = size > 1 ? size / 2 : size;
    if (!first) return NULL;
    RtlFillMemory(first, SKIPPED, 0xee);
    RtlCopyMemory(first + SKIPPED, bytes, half);
    NET_BUFFER_LIST *one = ListFromBytes(first, SKIPPED + half, 0);
    if (one && size > half) NET_BUFFER_LIST_NEXT_NBL(one) = ListFromBytes(bytes + half, size - half, 0);
    Free(first);
    return one;
}

static BOOLEAN SameAsSent(NET_BUFFER_LIST *list, const UCHAR *bytes, ULONG size)
{
    ULONG half = size > 1 ? size / 2 : size;
    NET_BUFFER_LIST *second = NET_BUFFER_LIST_NEXT_NBL(list);
    return SameBytes(ListBytes(list) + SKIPPED, bytes, half) && (size == half || (second && SameBytes(ListBytes(second), bytes + half, size - half)));
}

static void Check(const SEGMENT *segment, const FWPS_STREAM_DATA0 *before, const CALL *call)
{
    const FWPS_STREAM_CALLOUT_IO_PACKET0 *packet = &segment->packet;
    if (packet->streamData != &segment->data || !SameBytes(before, &segment->data, sizeof *before)) Violation("the stream data's description was changed");
    if (call->out.actionType != FWP_ACTION_CONTINUE && call->out.actionType != FWP_ACTION_PERMIT && call->out.actionType != FWP_ACTION_BLOCK)
        Violation("a STREAM classify that left the action unset");
    if (packet->streamAction != FWPS_STREAM_ACTION_NONE && packet->streamAction != FWPS_STREAM_ACTION_ALLOW_CONNECTION)
        Violation("a stream action other than NONE or ALLOW_CONNECTION from a callout that only looks");
    if (packet->countBytesEnforced > segment->data.dataLength) Violation("countBytesEnforced beyond the data");
    if (packet->countBytesRequired) Violation("countBytesRequired without NEED_MORE_DATA");
    if (call->out.reserved) Violation("FWPS_CLASSIFY_OUT0.reserved was written");
}

/** One indication. Answers whether the bytes go on. */
static BOOLEAN Indicate(FLOW *flow, const LAB_STREAM *stream, const UCHAR *bytes, ULONG size, UINT32 flags, LAB_STREAM_RESULT *result)
{
    KIRQL irql;
    UINT32 calloutId = 0;
    UINT16 layer = flow->play.family == 4 ? 20 : 22;
    FWPS_CALLOUT_CLASSIFY_FN2 function = CalloutFor(layer, &calloutId);
    UINT64 context = function ? ContextEnter(flow, layer, calloutId) : 0;
    BOOLEAN goes = TRUE;
    SEGMENT *segment = context ? Allocate(sizeof *segment) : NULL;
    CALL *call = segment ? CallMake(flow, layer, 0, NULL) : NULL;
    NET_BUFFER_LIST *list = call && size ? Lists(bytes, size) : NULL;
    if (call) {
        segment->magic = SEGMENT_MAGIC;
        segment->data.flags = flags;
        segment->data.dataLength = size;
        segment->data.netBufferListChain = list;
        segment->data.dataOffset.netBufferList = list;
        segment->data.dataOffset.netBuffer = list ? NET_BUFFER_LIST_FIRST_NB(list) : NULL;
        segment->data.dataOffset.streamDataOffset = list ? SKIPPED : 0;
        segment->packet.streamData = &segment->data;
        /* What the callout does not set is rubbish, not zero. */
        segment->packet.streamAction = (FWPS_STREAM_ACTION_TYPE)0x77;
        segment->packet.countBytesEnforced = size + 1;
        segment->copied = &result->copied;
        segment->stalls = (stream->trouble & LAB_STALL) != 0;
        FWPS_STREAM_DATA0 before = segment->data;
        LabLock(&irql);
        segment->next = Running;
        Running = segment;
        LabUnlock(irql);
        call->values[5].value.uint32 = stream->inbound ? FWP_DIRECTION_INBOUND : FWP_DIRECTION_OUTBOUND;
        call->filter.action.calloutId = calloutId;
        call->out.actionType = (FWP_ACTION_TYPE)0;
        result->classified++;
        function(&call->fixed, &call->metadata, &segment->packet, NULL, &call->filter, context, &call->out);
        LabLock(&irql);
        for (SEGMENT **at = &Running; *at; at = &(*at)->next)
            if (*at == segment) {
                *at = segment->next;
                break;
            }
        LabUnlock(irql);
        Check(segment, &before, call);
        goes = call->out.actionType != FWP_ACTION_BLOCK;
        if (list && !SameAsSent(list, bytes, size)) result->mismatch++;
        CallEnd(call);
    }
    while (list) {
        NET_BUFFER_LIST *next = NET_BUFFER_LIST_NEXT_NBL(list);
        ListFree(list);
        list = next;
    }
    Free(segment);
    if (context) ContextLeave(flow, layer, calloutId);
    if (function) CalloutLeave(calloutId);
    return goes;
}

static void Flow(FLOW *flow, const LAB_STREAM *stream, const UCHAR *bytes, ULONG size, LAB_STREAM_RESULT *result)
{
    UINT32 data = stream->inbound ? FWPS_STREAM_FLAG_RECEIVE : FWPS_STREAM_FLAG_SEND;
    UINT32 fin = data | (stream->inbound ? FWPS_STREAM_FLAG_RECEIVE_DISCONNECT : FWPS_STREAM_FLAG_SEND_DISCONNECT);
    UINT32 reset = data | (stream->inbound ? FWPS_STREAM_FLAG_RECEIVE_ABORT : FWPS_STREAM_FLAG_SEND_ABORT);
    for (UINT32 i = 0; i < stream->repeat; i++)
        for (ULONG at = 0; at < size; at += stream->segmentBytes) {
            ULONG part = size - at < stream->segmentBytes ? size - at : stream->segmentBytes;
            if (Indicate(flow, stream, bytes + at, part, data, result)) result->passed += part;
        }
    /* The end comes alone, without bytes. */
    if (stream->end) Indicate(flow, stream, NULL, 0, stream->end == LAB_FIN ? fin : reset, result);
}

typedef struct APART {
    LAB_STREAM stream;
    FLOW *flow;
    ULONG size;
    UCHAR bytes[1];
} APART;

static void Work(void *argument)
{
    APART *apart = argument;
    LAB_STREAM_RESULT result = { 0 };
    Flow(apart->flow, &apart->stream, apart->bytes, apart->size, &result);
    apart->flow->sent[apart->stream.inbound != 0] += result.passed;
    if (result.mismatch) InterlockedIncrement(&apart->flow->mismatch);
    InterlockedIncrement(&apart->flow->delivered);
    Free(apart);
}

NTSTATUS StreamPlay(const LAB_STREAM *stream, const UCHAR *bytes, ULONG size, LAB_STREAM_RESULT *result)
{
    FLOW *flow = FlowAt(stream->endpoint);
    if (!flow || !flow->established || flow->ended) return STATUS_NOT_FOUND;
    if (!stream->segmentBytes || stream->segmentBytes > MOST_SEGMENT) return STATUS_INVALID_PARAMETER;
    if (!(stream->trouble & LAB_STALL)) {
        Flow(flow, stream, bytes, size, result);
        flow->sent[stream->inbound != 0] += result->passed;
        return STATUS_SUCCESS;
    }
    APART *apart = Allocate(sizeof *apart + size);
    if (!apart) return STATUS_INSUFFICIENT_RESOURCES;
    apart->stream = *stream;
    apart->flow = flow;
    apart->size = size;
    RtlCopyMemory(apart->bytes, bytes, size);
    return RunApart(Work, apart);
}
