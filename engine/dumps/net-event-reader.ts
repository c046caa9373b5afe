import { parseU64, parseUnsigned } from './address.ts';
import type { NetEvent } from './dump.ts';
import type { ReadContext } from './filter-reader.ts';
import type { Keeper } from './keep.ts';
import { readAppId } from './object-readers.ts';
import { child, childText, type XmlNode } from './xml-node.ts';

/** A copy that is free of the text it was read from. */
export function keptNode(node: XmlNode, keep: Keeper): XmlNode {
  return {
    name: keep.text(node.name),
    text: keep.text(node.text),
    children: node.children.map(each => keptNode(each, keep)),
    line: node.line,
    column: node.column,
  };
}

/** Every value below a node with its path; an empty element without one is left out. */
function leaves(node: XmlNode, path: string, keep: Keeper): (readonly [string, string])[] {
  return node.children.flatMap((each): (readonly [string, string])[] => {
    const own = path === '' ? each.name : `${path}/${each.name}`;
    const value: (readonly [string, string])[] = each.text === '' ? [] : [[keep.text(own), keep.text(each.text)]];
    return [...value, ...leaves(each, own, keep)];
  });
}

/** One event of `show netevents` (`item`) or of a capture (`netEvent`). Every field may be absent. */
export function readNetEvent(node: XmlNode, context: ReadContext): NetEvent {
  const { keep } = context;
  const header = child(node, 'header') ?? node;
  const detail = node.children.find(each => /^classify/i.test(each.name)) ?? node.children.find(each => child(each, 'filterId'));
  const internal = child(node, 'internalFields');
  const flagNames = (child(header, 'flags')?.children ?? []).map(item =>
    keep.text(item.text.replace('FWPM_NET_EVENT_FLAG_', '')),
  );
  const text = (from: XmlNode | undefined, ...names: string[]): string | undefined => {
    for (const name of names) {
      const found = from && childText(from, name);
      if (found) return keep.text(found);
    }
    return undefined;
  };
  const num = (from: XmlNode | undefined, name: string, max = 0xffffffff) =>
    from ? parseUnsigned(childText(from, name), max) : undefined;
  const version = text(header, 'ipVersion');
  const direction = text(detail, 'msFwpDirection');
  const filterId = detail && parseU64(childText(detail, 'filterId'));
  const loopback = text(detail, 'isLoopback');
  const terminating = internal && child(internal, 'terminatingFiltersInfo');
  const event = {
    type: keep.text(childText(node, 'type')),
    timeStamp: text(header, 'timeStamp'),
    flagNames,
    ipVersion: version?.endsWith('V6') ? ('v6' as const) : version?.endsWith('V4') ? ('v4' as const) : undefined,
    ipProtocol: num(header, 'ipProtocol', 255),
    localAddress: text(header, 'localAddrV4', 'localAddrV6.byteArray16', 'localAddrV6'),
    remoteAddress: text(header, 'remoteAddrV4', 'remoteAddrV6.byteArray16', 'remoteAddrV6'),
    localPort: num(header, 'localPort', 0xffff),
    remotePort: num(header, 'remotePort', 0xffff),
    appId: readAppId(child(header, 'appId'), context),
    userId: text(header, 'userId'),
    packageSid: text(header, 'packageSid'),
    filterId,
    layerId: num(detail, 'layerId', 0xffff),
    direction:
      direction === undefined
        ? undefined
        : /OUT/.test(direction)
          ? ('out' as const)
          : /IN/.test(direction)
            ? ('in' as const)
            : undefined,
    isLoopback: loopback === undefined ? undefined : loopback === 'true',
    reauthReason: num(detail, 'reauthReason'),
    originalProfile: num(detail, 'originalProfile'),
    currentProfile: num(detail, 'currentProfile'),
    filterOrigin: text(internal, 'filterOrigin') ?? text(node, 'filterOrigin'),
    terminatingFilters: (terminating?.children ?? []).map(item => ({
      filterId: parseU64(childText(item, 'filterId')) ?? 0n,
      subLayer: keep.text(childText(item, 'subLayer')),
      actionType: keep.text(childText(item, 'actionType')),
    })),
    asFound: leaves(node, '', keep),
    line: node.line,
  };
  for (const key of Object.keys(event) as (keyof typeof event)[]) if (event[key] === undefined) delete event[key];
  return event as NetEvent;
}
