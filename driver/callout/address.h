/* Questions about addresses: 16 bytes in network order, IPv4 in the first four. */
#ifndef SALLYPORT_ADDRESS_H
#define SALLYPORT_ADDRESS_H

#include "platform.h"

/** An IPv4 address as IPv6 writes it, ::ffff:a.b.c.d (RFC 4291 2.5.5.2). */
static inline BOOLEAN AddressIsMapped(_In_ const UCHAR address[16])
{
    static const UCHAR prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF };
    return RtlCompareMemory(address, prefix, sizeof(prefix)) == sizeof(prefix);
}

/** 127.0.0.0/8, ::1, or the former as IPv6 writes it. @param family 4 or 6 */
static inline BOOLEAN AddressIsLoopback(UCHAR family, _In_ const UCHAR address[16])
{
    static const UCHAR loopback6[16] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 };
    if (family == 4) {
        return address[0] == 127;
    }
    return RtlCompareMemory(address, loopback6, 16) == 16 || (AddressIsMapped(address) && address[12] == 127);
}

/** A port between host and network order, either way. */
static inline UINT16 AddressSwapPort(UINT16 port)
{
    return (UINT16)((port << 8) | (port >> 8));
}

#endif
