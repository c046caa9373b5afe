import { NULL_GUID } from '../model/guid.ts';
import { nameOfKey } from '../model/keys.ts';
import { type Layer, type LayerField, OBJECT_FLAG } from '../model/objects.ts';
import type { DataType } from '../model/value.ts';
import { parseU64, parseUnsigned } from './address.ts';
import type { ConnectedEndpoint, DumpCallout, DumpProvider, DumpProviderContext, DumpSession, DumpSubLayer } from './dump.ts';
import { type ReadContext, readDisplayData, readFlags, Unknowns } from './filter-reader.ts';
import { utf16 } from './keep.ts';
import { readBlob } from './value-reader.ts';
import { child, childText, type XmlNode } from './xml-node.ts';

const NONE: XmlNode = { name: '', text: '', children: [], line: 0, column: 0 };
const flagTable = {
  provider: { PERSISTENT: OBJECT_FLAG.PERSISTENT, DISABLED: OBJECT_FLAG.PROVIDER_DISABLED },
  subLayer: { PERSISTENT: OBJECT_FLAG.PERSISTENT },
  callout: {
    PERSISTENT: OBJECT_FLAG.CALLOUT_PERSISTENT,
    USES_PROVIDER_CONTEXT: OBJECT_FLAG.CALLOUT_USES_PROVIDER_CONTEXT,
    REGISTERED: OBJECT_FLAG.CALLOUT_REGISTERED,
  },
  session: { DYNAMIC: OBJECT_FLAG.SESSION_DYNAMIC },
  context: { PERSISTENT: OBJECT_FLAG.PERSISTENT, DOWNLEVEL: 2 },
};

/** What every kind of object has: names, flags, provider, data; and what of it nobody knows. */
function common(node: XmlNode, context: ReadContext, kind: keyof typeof flagTable, known: readonly string[]) {
  const { keep, keys } = context;
  const prefix = {
    provider: 'PROVIDER',
    subLayer: 'SUBLAYER',
    callout: 'CALLOUT',
    session: 'SESSION',
    context: 'PROVIDER_CONTEXT',
  }[kind];
  const { flags, names } = readFlags(child(node, 'flags') ?? NONE, `FWPM_${prefix}_FLAG_`, flagTable[kind], keep);
  const unknown = new Unknowns(keep);
  for (const each of node.children) if (!known.includes(each.name) && !COMMON.includes(each.name)) unknown.add(each.name, each);
  const providerKey = kind === 'provider' ? undefined : keys.key('provider', childText(node, 'providerKey'));
  const dataNode = child(node, 'providerData');
  const providerData = dataNode && (dataNode.children.length > 0 || dataNode.text !== '') ? readBlob(dataNode, keep) : undefined;
  return {
    displayData: readDisplayData(child(node, 'displayData') ?? NONE, keep),
    flags,
    flagNames: names,
    ...(providerKey ? { providerKey } : undefined),
    ...(providerData ? { providerData } : undefined),
    ...unknown.found,
    line: node.line,
    column: node.column,
  };
}
const COMMON = ['displayData', 'flags', 'providerKey', 'providerData'];

function number(node: XmlNode, name: string, max: number, context: ReadContext): number {
  const text = childText(node, name);
  const value = parseUnsigned(text, max);
  if (value === undefined)
    context.problems.add('error', node.line, node.column, `<${name}> is no number from 0 to ${max}: "${text.slice(0, 40)}"`);
  return value ?? 0;
}

export function readProvider(node: XmlNode, context: ReadContext): DumpProvider {
  const serviceName = context.keep.text(childText(node, 'serviceName'));
  return {
    providerKey: context.keys.key('provider', childText(node, 'providerKey')) ?? NULL_GUID,
    ...common(node, context, 'provider', ['serviceName']),
    ...(serviceName ? { serviceName } : undefined),
  };
}

export function readSubLayer(node: XmlNode, context: ReadContext): DumpSubLayer {
  return {
    subLayerKey: context.keys.key('sublayer', childText(node, 'subLayerKey')) ?? NULL_GUID,
    ...common(node, context, 'subLayer', ['subLayerKey', 'weight']),
    weight: number(node, 'weight', 0xffff, context),
    weightFrom: 'file',
  };
}

export function readCallout(node: XmlNode, context: ReadContext): DumpCallout {
  return {
    calloutKey: context.keys.key('callout', childText(node, 'calloutKey')) ?? NULL_GUID,
    ...common(node, context, 'callout', ['calloutKey', 'applicableLayer', 'calloutId']),
    applicableLayer: context.keys.key('layer', childText(node, 'applicableLayer')) ?? NULL_GUID,
    calloutId: number(node, 'calloutId', 0xffffffff, context),
  };
}

export function readSession(node: XmlNode, context: ReadContext): DumpSession {
  const sid = context.keep.text(childText(node, 'sid'));
  const username = context.keep.text(childText(node, 'username'));
  return {
    sessionKey: context.keys.key('session', childText(node, 'sessionKey')) ?? NULL_GUID,
    ...common(node, context, 'session', ['sessionKey', 'txnWaitTimeoutInMSec', 'processId', 'sid', 'username', 'kernelMode']),
    txnWaitTimeoutInMSec: number(node, 'txnWaitTimeoutInMSec', 0xffffffff, context),
    processId: number(node, 'processId', 0xffffffff, context),
    ...(sid ? { sid } : undefined),
    ...(username ? { username } : undefined),
    kernelMode: childText(node, 'kernelMode') === 'true',
  };
}

export function readProviderContext(node: XmlNode, context: ReadContext): DumpProviderContext {
  return {
    providerContextKey: context.keys.key('context', childText(node, 'providerContextKey')) ?? NULL_GUID,
    ...common(node, context, 'context', ['providerContextKey', 'type', 'dataBuffer', 'providerContextId']),
    type: context.keep.text(childText(node, 'type')),
    dataBuffer: readBlob(child(node, 'dataBuffer'), context.keep) ?? new Uint8Array(0),
    providerContextId: parseU64(childText(node, 'providerContextId')) ?? 0n,
  };
}

/** A layer with its fields. `layer` holds what `layers/item` keeps beside callouts and filters. */
export function readLayer(node: XmlNode, context: ReadContext): Layer {
  const { keep, keys } = context;
  const layerKey = keys.key('layer', childText(node, 'layerKey')) ?? NULL_GUID;
  const fields = (child(node, 'field')?.children ?? []).map((item): LayerField => {
    const fieldKey = keys.key('condition', childText(item, 'fieldKey')) ?? NULL_GUID;
    return {
      fieldKey,
      name: nameOfKey('condition', fieldKey) ?? keys.unknown.get(fieldKey) ?? fieldKey,
      type: keep.text(childText(item, 'type')) as LayerField['type'],
      dataType: keep.text(childText(item, 'dataType')) as DataType,
    };
  });
  return {
    layerKey,
    name: nameOfKey('layer', layerKey) ?? keys.unknown.get(layerKey) ?? layerKey,
    layerId: number(node, 'layerId', 0xffff, context),
    flags: (child(node, 'flags')?.children ?? []).map(item => keep.text(item.text)),
    fields,
    defaultSubLayerKey: keys.key('sublayer', childText(node, 'defaultSubLayerKey')) ?? NULL_GUID,
  };
}

/** An application id as text: the path in `data`, UTF-16LE. */
export function readAppId(node: XmlNode | undefined, context: ReadContext): string | undefined {
  const blob = readBlob(node, context.keep);
  return blob && blob.length > 0 ? context.keep.text(utf16(blob)) : undefined;
}

export function readEndpoint(node: XmlNode, context: ReadContext): ConnectedEndpoint {
  const { keep } = context;
  const ipVersion = childText(node, 'ipVersion').endsWith('V6') ? 'v6' : 'v4';
  const family = ipVersion === 'v4' ? 'V4' : 'V6';
  const address = (side: string) =>
    keep.text(childText(node, `${side}${family}Address`) || childText(node, `${side}${family}Address.byteArray16`));
  const appId = readAppId(child(node, 'appId'), context);
  return {
    endpointId: parseU64(childText(node, 'endpointId')) ?? 0n,
    ipVersion,
    localAddress: address('local'),
    remoteAddress: address('remote'),
    ipProtocol: number(node, 'ipProtocol', 255, context),
    localPort: number(node, 'localPort', 0xffff, context),
    remotePort: number(node, 'remotePort', 0xffff, context),
    ...(appId ? { appId } : undefined),
    line: node.line,
  };
}
