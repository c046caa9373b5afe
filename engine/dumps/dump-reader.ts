import type { Guid } from '../model/guid.ts';
import type { Layer } from '../model/objects.ts';
import type {
  ConnectedEndpoint,
  Dump,
  DumpCallout,
  DumpFilter,
  DumpProvider,
  DumpProviderContext,
  DumpSession,
  DumpSubLayer,
  NetEvent,
  OtherSection,
} from './dump.ts';
import { type ReadContext, readFilter } from './filter-reader.ts';
import { Keeper, utf16 } from './keep.ts';
import { KeyNames } from './key-names.ts';
import { keptNode, readNetEvent } from './net-event-reader.ts';
import {
  readCallout,
  readEndpoint,
  readLayer,
  readProvider,
  readProviderContext,
  readSession,
  readSubLayer,
} from './object-readers.ts';
import { UnreadableError } from './problem.ts';
import { fileChunks } from './source.ts';
import { inferSubLayers } from './sublayer-order.ts';
import type { XmlNode } from './xml-node.ts';
import { XmlReader, type XmlSink } from './xml-reader.ts';

/** Elements that hold sections: the roots and what a capture wraps around them. */
const WRAPPERS = new Set(['wfpdiag', 'wfpstate', 'wfpState', 'firewallState', 'initialState', 'finalState', 'subscriptions']);
/** Lists of objects, wherever a wrapper holds them. */
const LISTS = new Set([
  'filters',
  'providers',
  'subLayers',
  'callouts',
  'sessions',
  'providerContexts',
  'netEvents',
  'events',
  'aleConnectedEndpoints',
  'layers',
]);
const ROOTS = [...WRAPPERS, 'netEvents', 'filters'];

/** What of a dump is wanted. */
export interface ReadOptions {
  /** Only filters of this layer, and nothing that arbitration at it does not need. The rest is checked for form only. */
  readonly onlyLayer?: Guid;
}
/** Sections that arbitration asks nothing of. */
const ASIDE = new Set(['sessions', 'netEvents', 'events', 'aleConnectedEndpoints']);

/** Builds a Dump from the pieces that the XML reader hands over. */
class DumpBuilder implements XmlSink {
  readonly filters: DumpFilter[] = [];
  readonly providers: DumpProvider[] = [];
  readonly subLayers: DumpSubLayer[] = [];
  readonly callouts: DumpCallout[] = [];
  readonly layers: Layer[] = [];
  readonly sessions: DumpSession[] = [];
  readonly providerContexts: DumpProviderContext[] = [];
  readonly netEvents: NetEvent[] = [];
  readonly endpoints: ConnectedEndpoint[] = [];
  readonly other: OtherSection[] = [];
  readonly reader = new XmlReader(this);
  readonly context: ReadContext = { keep: new Keeper(), keys: new KeyNames(), problems: this.reader.problems };
  readonly sections = new Set<string>();
  readonly roots: string[] = [];
  timeStamp: string | undefined;
  private readonly onlyLayer: Guid | undefined;
  /** The layer whose callouts and filters are being read. */
  private layerKey: Guid | undefined;

  constructor({ onlyLayer }: ReadOptions) {
    this.onlyLayer = onlyLayer;
  }

  skips(name: string, path: readonly string[]): boolean {
    if (this.onlyLayer === undefined) return false;
    const list = path.at(-1) ?? '';
    if (list === 'filters') return path.at(-2) === 'item' && this.layerKey !== undefined && this.layerKey !== this.onlyLayer;
    return ASIDE.has(list) || (!LISTS.has(list) && list !== 'item' && name !== 'timeStamp');
  }

  abandons(child: XmlNode, path: readonly string[]): boolean {
    if (this.onlyLayer === undefined || child.name !== 'layerKey') return false;
    const list = path.at(-1);
    if (list !== 'filters' && list !== 'item') return false;
    const key = this.context.keys.key('layer', child.text);
    if (list === 'item') this.layerKey = key;
    return key !== this.onlyLayer;
  }

  isContainer(name: string, path: readonly string[]): boolean {
    const parent = path.at(-1);
    if (parent === undefined) {
      if (!ROOTS.includes(name)) {
        this.reader.fail(
          `this is XML, but no netsh wfp dump: its root element is <${name.slice(0, 60)}>, expected <wfpdiag> or <wfpstate>`,
        );
        return false;
      }
      return true;
    }
    if (parent === 'layers') return name === 'item';
    if (parent === 'item') return (name === 'filters' || name === 'callouts') && path.at(-2) === 'layers';
    return WRAPPERS.has(parent) && (LISTS.has(name) || WRAPPERS.has(name)) && parent !== 'subscriptions';
  }

  opened(name: string, path: readonly string[], line: number): void {
    this.sections.add(name);
    if (name === 'item') this.layerKey = undefined;
    if (path.length > 0) return;
    const { problems } = this.context;
    const firewallFirst = name === 'wfpstate' && this.roots.includes('firewallState');
    if (firewallFirst)
      problems.add(
        'error',
        line,
        1,
        '<firewallState> stands before <wfpstate>: the roots are swapped, the file was put together by hand',
      );
    else if (this.roots.includes(name))
      problems.add('error', line, 1, `a second <${name}>: more than one dump in this file, all are read as one`);
    else if (this.roots.length > 0 && name !== 'firewallState')
      problems.add('error', line, 1, `<${name}> after <${this.roots.at(-1)}>: two dumps in one file, both are read as one`);
    this.roots.push(name);
  }

  node(node: XmlNode, path: readonly string[]): void {
    const list = path.at(-1);
    const { context } = this;
    const item = node.name === 'item';
    if (list === 'item' && node.name === 'layer') this.layer(readLayer(node, context));
    else if (item && list === 'filters') this.filters.push(readFilter(node, context));
    else if (item && list === 'callouts') this.callouts.push(readCallout(node, context));
    else if (item && list === 'providers') this.providers.push(readProvider(node, context));
    else if (item && list === 'subLayers') this.subLayers.push(readSubLayer(node, context));
    else if (item && list === 'sessions') this.sessions.push(readSession(node, context));
    else if (item && list === 'providerContexts') this.providerContexts.push(readProviderContext(node, context));
    else if (item && list === 'aleConnectedEndpoints') this.endpoints.push(readEndpoint(node, context));
    else if (node.name === 'netEvent' || (item && (list === 'netEvents' || list === 'events')))
      this.netEvents.push(readNetEvent(node, context));
    else if (node.name === 'timeStamp' && this.timeStamp === undefined) this.timeStamp = context.keep.text(node.text);
    else this.other.push({ path: [...path, node.name].join('/'), node: keptNode(node, context.keep) });
  }

  private layer(layer: Layer): void {
    this.layerKey = layer.layerKey;
    this.layers.push(layer);
  }

  result(source: string): Dump {
    const { problems } = this.context;
    const state = this.roots.some(root => root === 'wfpstate' || root === 'wfpState') || this.sections.has('subLayers');
    const kind = state ? 'state' : this.sections.has('filters') ? 'filters' : 'events';
    if (problems.errors === 0 && this.roots.length > 0) {
      if (this.roots.every(root => root === 'firewallState'))
        problems.add('error', 1, 1, 'there is no <wfpstate>: the first half of the dump is missing');
      else if (
        kind === 'events' &&
        this.netEvents.length === 0 &&
        !this.sections.has('netEvents') &&
        !this.sections.has('events')
      )
        problems.add('error', 1, 1, `<${this.roots[0]}> holds no filters and no net events: this is no complete dump`);
      else if (state && !this.sections.has('layers'))
        problems.add('error', 1, 1, 'there is no <layers> in the dump, so it holds no filters: it is not complete');
      if (this.roots.length === 1 && this.roots[0] === 'wfpstate')
        problems.add('warning', 0, 0, 'there is no <firewallState>, which netsh writes last: the end of the file may be missing');
    }
    duplicateIds(this.filters, this.context);
    return {
      kind,
      source,
      ...(this.timeStamp === undefined ? undefined : { timeStamp: this.timeStamp }),
      filters: withOrigins(this.filters, this.providerContexts),
      providers: this.providers,
      subLayers: this.sections.has('subLayers') ? this.subLayers : inferSubLayers(this.filters),
      callouts: this.callouts,
      layers: this.layers,
      sessions: this.sessions,
      providerContexts: this.providerContexts,
      netEvents: this.netEvents,
      endpoints: this.endpoints,
      other: this.other,
      names: this.context.keys.unknown,
      tellsCallouts: this.sections.has('callouts'),
      problems: problems.list,
      errors: problems.errors,
      warnings: problems.warnings,
    };
  }
}

/** filterId is unique in a dump; of two with one id, arbitration and every table by id can only keep the last. */
function duplicateIds(filters: readonly DumpFilter[], context: ReadContext): void {
  const seen = new Set<bigint>();
  let first: DumpFilter | undefined;
  for (const filter of filters) {
    if (seen.has(filter.filterId)) first ??= filter;
    else seen.add(filter.filterId);
  }
  if (!first) return;
  const times = filters.length - seen.size;
  context.problems.add(
    'warning',
    first.line,
    first.column,
    `filterId ${first.filterId} stands here a second time (${times} such filters): the dump was put together by hand, questions are answered by the last of them`,
  );
}

/** Joins filters to the provider context that says which rule made them. */
function withOrigins(filters: readonly DumpFilter[], contexts: readonly DumpProviderContext[]): readonly DumpFilter[] {
  if (contexts.length === 0) return filters;
  const origins = new Map<string, string>();
  for (const each of contexts) {
    if (each.type !== 'FWPM_GENERAL_CONTEXT' || each.dataBuffer.length < 4) continue;
    const text = utf16(each.dataBuffer);
    if (/^[\x20-\x7e\u00a0-\uffef]+$/.test(text)) origins.set(each.providerContextKey, text);
  }
  return filters.map(filter => {
    const origin = filter.providerContextKey && origins.get(filter.providerContextKey);
    return origin ? { ...filter, origin } : filter;
  });
}

/** Reads a dump from its bytes, in pieces of any size. Damage is in `problems`; nothing is thrown for it. */
export async function readDump(
  source: string,
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: ReadOptions = {},
): Promise<Dump> {
  const builder = new DumpBuilder(options);
  let some = false;
  try {
    for await (const piece of pieces) {
      some = true;
      await builder.reader.write(piece);
      if (builder.reader.stopped) break;
    }
  } catch (error) {
    // What came before the damage is worth having.
    if (!(error instanceof UnreadableError) || !some) throw error;
    builder.reader.fail(error.reason);
  }
  await builder.reader.end();
  return builder.result(source);
}

/** Reads a dump from a file. @throws UnreadableError when the file cannot be read at all */
export const readDumpFile = (path: string, options: ReadOptions = {}): Promise<Dump> => readDump(path, fileChunks(path), options);
