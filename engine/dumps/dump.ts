import type { Guid } from '../model/guid.ts';
import type { Callout, Filter, FilterCondition, Layer, Provider, ProviderContext, Session, SubLayer } from '../model/objects.ts';
import type { Problem } from './problem.ts';
import type { XmlNode } from './xml-node.ts';

/** What a file held beyond the model: kept and shown, never dropped. */
export interface AsFound {
  /** Flags as the file names them; names without a public number and bare hexadecimal ones included. */
  readonly flagNames: readonly string[];
  /** Child elements, names and values that have no place in the model: `path = text`. */
  readonly unknown?: readonly string[];
  /** Line in the file, counted from 1; 0 where there is none. */
  readonly line: number;
  readonly column: number;
}

/**
 * A condition as read. Where its match type or value could not be read, `asFound` holds the text and the condition is a range
 * comparison without a range, which every classifier must take as *unknown*.
 */
export interface DumpCondition extends FilterCondition {
  readonly asFound?: string;
}

/** A filter as read. */
export interface DumpFilter extends Filter, AsFound {
  readonly filterCondition: readonly DumpCondition[];
  /** Text that made the filter, where a provider context tells it (`Query User Default`, a rule's id). */
  readonly origin?: string;
}

export interface DumpSubLayer extends SubLayer, AsFound {
  /** `file`: as written. `builtin`: Windows' own number. `order`: only the order is known, from the order of filters in the file. `unknown`: a guess above Windows' own. */
  readonly weightFrom: 'file' | 'builtin' | 'order' | 'unknown';
}

export type DumpProvider = Provider & AsFound;
export type DumpSession = Session & AsFound;
export type DumpCallout = Callout & AsFound;

export interface DumpProviderContext extends ProviderContext, AsFound {
  /** FWPM_PROVIDER_CONTEXT_TYPE as named in the file. */
  readonly type: string;
}

/** A connected endpoint of `show state`: its own machine's filters let it through. */
export interface ConnectedEndpoint {
  readonly endpointId: bigint;
  readonly ipVersion: 'v4' | 'v6';
  readonly localAddress: string;
  readonly remoteAddress: string;
  readonly ipProtocol: number;
  readonly localPort: number;
  readonly remotePort: number;
  readonly appId?: string;
  readonly line: number;
}

/** FWPM_NET_EVENT as netsh prints it, or a decision of an audit log. Absent fields are not set in the event. */
export interface NetEvent {
  /** FWPM_NET_EVENT_TYPE_* as named in the file; `SECURITY_5157_DROP` and the like for an audit event. */
  readonly type: string;
  readonly timeStamp?: string;
  readonly flagNames: readonly string[];
  readonly ipVersion?: 'v4' | 'v6';
  readonly ipProtocol?: number;
  readonly localAddress?: string;
  readonly remoteAddress?: string;
  readonly localPort?: number;
  readonly remotePort?: number;
  readonly appId?: string;
  readonly userId?: string;
  readonly packageSid?: string;
  readonly filterId?: bigint;
  readonly layerId?: number;
  readonly direction?: 'out' | 'in';
  readonly isLoopback?: boolean;
  readonly reauthReason?: number;
  readonly originalProfile?: number;
  readonly currentProfile?: number;
  readonly filterOrigin?: string;
  /** Per firewall sublayer: which filter ended it, and how. */
  readonly terminatingFilters: readonly { readonly filterId: bigint; readonly subLayer: string; readonly actionType: string }[];
  /** Everything, as found: each value with its path. */
  readonly asFound: readonly (readonly [path: string, value: string])[];
  readonly line: number;
}

/** A section of a file of which nothing more is known, as found. */
export interface OtherSection {
  readonly path: string;
  readonly node: XmlNode;
}

/** One machine's filtering engine as a file (or a live engine) tells it. */
export interface Dump {
  /** `filters`: netsh wfp show filters. `state`: show state. `events`: show netevents or a capture without filters. `live`: an open engine. `audit`: an audit log. */
  readonly kind: 'filters' | 'state' | 'events' | 'live' | 'audit';
  readonly source: string;
  readonly timeStamp?: string;
  readonly filters: readonly DumpFilter[];
  readonly providers: readonly DumpProvider[];
  readonly subLayers: readonly DumpSubLayer[];
  readonly callouts: readonly DumpCallout[];
  /** Layers as the file tells them; empty when it does not: then Windows' own table holds. */
  readonly layers: readonly Layer[];
  readonly sessions: readonly DumpSession[];
  readonly providerContexts: readonly DumpProviderContext[];
  readonly netEvents: readonly NetEvent[];
  readonly endpoints: readonly ConnectedEndpoint[];
  readonly other: readonly OtherSection[];
  /** Names that stand in the file for keys of which the GUID is not known; such a key is made from its name. */
  readonly names: ReadonlyMap<Guid, string>;
  /** Whether the file lists callouts; if not, whether one is registered is unknown. */
  readonly tellsCallouts: boolean;
  readonly problems: readonly Problem[];
  /** Number of problems, also of those not kept in `problems`. */
  readonly errors: number;
  readonly warnings: number;
}
