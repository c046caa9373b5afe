/* Small things that tests share: expectations, a decider, its events. */
#ifndef SALLYPORT_NATIVE_TEST_H
#define SALLYPORT_NATIVE_TEST_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "native.h"

typedef struct TEST {
    const char *name;
    void (*run)(void);
} TEST;

#define EXPECT(condition)                                                            \
    do {                                                                             \
        if (!(condition)) {                                                          \
            fprintf(stderr, "%s:%d: expected %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                 \
        }                                                                            \
    } while (0)

#define EXPECT_EQUAL(actual, expected)                                                                          \
    do {                                                                                                        \
        long long a_ = (long long)(actual), e_ = (long long)(expected);                                         \
        if (a_ != e_) {                                                                                         \
            fprintf(stderr, "%s:%d: %s is %lld, expected %s, %lld\n", __FILE__, __LINE__, #actual, a_, #expected, e_); \
            abort();                                                                                            \
        }                                                                                                       \
    } while (0)

#define DECIDER_PROCESS 777u
#define APP_PROCESS 4321u

/** A handle with one inverted call at a time, and the events that it has brought. */
typedef struct CLIENT_SIDE {
    HANDLE_FILE file;
    CALL call;
    BOOLEAN waiting;
    UCHAR *batch; /* of the last completed call */
    ULONG offset;
    ULONG left;
    SP_U64 lost;
    SALLYPORT_WELCOME welcome;
} CLIENT_SIDE;

/** Opens and attaches; the calling thread is DECIDER_PROCESS meanwhile. */
NTSTATUS Attach(CLIENT_SIDE *client, BOOLEAN decider);
/** Closes the handle (as the death of its process does) and frees what it had. */
void Detach(CLIENT_SIDE *client);
/** The next event; waits for it. Valid until the next call. */
const SALLYPORT_EVENT_HEADER *NextEvent(CLIENT_SIDE *client);
/** The next event if there is one, without waiting. */
const SALLYPORT_EVENT_HEADER *PollEvent(CLIENT_SIDE *client);
/** Skips STATE events. */
const SALLYPORT_ATTEMPT_EVENT *NextPended(CLIENT_SIDE *client);
const SALLYPORT_COMPLETED_EVENT *NextCompleted(CLIENT_SIDE *client);
const SALLYPORT_ATTEMPT_EVENT *NextDecided(CLIENT_SIDE *client);

/** One verdict. @returns its SALLYPORT_RESULT_ */
ULONG Answer(CLIENT_SIDE *client, SP_U64 requestId, ULONG verdict, ULONG flags);

/** A control code without a pending result; `output` may be NULL. */
NTSTATUS Control(CLIENT_SIDE *client, ULONG code, const void *input, ULONG inputLength, void *output, ULONG outputLength);

SALLYPORT_POLICY GetPolicy(CLIENT_SIDE *client);
NTSTATUS SetPolicy(CLIENT_SIDE *client, const SALLYPORT_POLICY *policy);
SALLYPORT_STATISTICS GetStatistics(CLIENT_SIDE *client);

/** Registers exactly these, SALLYPORT_MODULE_ bits: process 555 is the proxy, at port 8080; 16 bytes of each of 2 flows. */
NTSTATUS SetModules(CLIENT_SIDE *client, ULONG bits);

/** A usual TCP connect and a usual UDP datagram in; change what the test is about. */
ATTEMPT_INPUT TcpConnect(void);
ATTEMPT_INPUT UdpSend(void);
ATTEMPT_INPUT TcpAccept(void);
ATTEMPT_INPUT UdpReceive(void);

/** Classify and give the reference back; only the outcome is of interest. */
OUTCOME Classify(const ATTEMPT_INPUT *input);

/** Runs the watchdog at least once: advances the clock and waits until the condition holds. */
#define WAIT_UNTIL(condition)        \
    do {                             \
        while (!(condition)) {       \
            NativeAdvance(100);      \
            Yield();                 \
        }                            \
    } while (0)

void Yield(void);

extern const TEST HoldTests[], EndTests[], PacketTests[], ClientTests[], ControlTests[], ModuleTests[], RedirectTests[],
    StreamTests[], FaultTests[];

#endif
