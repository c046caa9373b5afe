import type { FilterCondition } from '../model/objects.ts';
import { appCondition, portCondition, protocolCondition, userCondition } from './conditions.ts';
import { IPPROTO, type RuleLayer } from './well-known.ts';

/**
 * `NT SERVICE\Dhcp`, by which Windows Firewall's own rules know the DHCP client, too: service SIDs are made from the service's name, so
 * they are the same on every Windows. https://learn.microsoft.com/windows/win32/services/service-security-and-access-rights
 */
const DHCP_SERVICE = 'S-1-5-80-2940520708-3855866260-481812779-327648279-1710889582';
/** ALE_APP_ID of what the kernel sends and receives itself. */
const KERNEL = 'System';

interface CoreFilter {
  readonly name: string;
  readonly conditions: readonly FilterCondition[];
}

const port = (side: 'local' | 'remote', value: number) => portCondition(side, { from: value, to: value });
/** At the ALE layers the type of an ICMP message stands in the place of the local port, whatever the direction. */
const icmpTypes = (from: number, to: number) => portCondition('local', { from, to });
const dhcp = (name: string, client: number, server: number): CoreFilter => ({
  name,
  conditions: [protocolCondition(IPPROTO.udp), port('local', client), port('remote', server), userCondition(DHCP_SERVICE)],
});
const kernel = (name: string, protocol: number, types: readonly FilterCondition[] = []): CoreFilter => ({
  name,
  conditions: [protocolCondition(protocol), ...types, appCondition(KERNEL)],
});

const V4 = [
  // RFC 2131, 4.1
  dhcp('Core networking: DHCP', 68, 67),
  // RFC 3376
  kernel('Core networking: multicast groups', IPPROTO.igmp),
];
const V6 = [
  // RFC 8415, 7.2
  dhcp('Core networking: DHCPv6', 546, 547),
  // RFC 4861, 4: router solicitation 133, advertisement 134, neighbour solicitation 135, advertisement 136
  kernel('Core networking: neighbour discovery', IPPROTO.icmpv6, [icmpTypes(133, 136)]),
  // RFC 2710 (130 to 132) and RFC 3810 (143)
  kernel('Core networking: multicast listeners', IPPROTO.icmpv6, [icmpTypes(130, 132), icmpTypes(143, 143)]),
];

/**
 * What a machine needs to have an address and to find its neighbours, and no program asks for: without it a machine whose guard has died
 * loses its network at the next lease. Only the service and the kernel themselves are meant, as in Windows Firewall's rules of this name.
 */
export const coreNetworking = ({ layer, family }: Pick<RuleLayer, 'layer' | 'family'>): readonly CoreFilter[] => {
  if (layer !== 'ALE_AUTH_CONNECT' && layer !== 'ALE_AUTH_RECV_ACCEPT') return [];
  return family === 'v4' ? V4 : V6;
};
