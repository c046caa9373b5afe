/* Net events as a test plays them. */
#pragma once
#include "lab.h"

/** Addresses and ports in host order. */
struct lab_event {
    UINT32 type, protocol, local, remote, localPort, remotePort, direction, loopback;
    UINT64 filterId;
    const wchar_t *appId;
};

/** FWP_E_NET_EVENTS_DISABLED while the engine does not collect it. */
DWORD WINAPI LabNetEvent(const struct lab_event *event);
