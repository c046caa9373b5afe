import type { DumpFilter } from '../../engine/dumps/dump.ts';
import { type Flow, FlowError, parseShortFlow } from '../../engine/explain/flow.ts';
import type { Machine } from '../../engine/explain/machine.ts';
import { netEventFlow } from '../../engine/explain/net-event-flow.ts';
import type { KeyPress } from '../keys/read-keys.ts';
import type { Line } from '../text/paint.ts';
import type { DrawnLine } from '../views/layout.ts';
import { drawBrowser } from './browser-view.ts';
import { calloutItems, eventItems, filterDetail, type ListItem, providerItems, sessionItems } from './describe-objects.ts';
import { type Facet, type Facets, FilterTree, type TreeRow } from './filter-tree.ts';
import { FIELDS, type FlowTexts, flowOf, type Stage, stagesOf, textsOf } from './what-if.ts';

export const VIEWS = ['filters', 'providers', 'callouts', 'sessions', 'events'] as const;
type View = (typeof VIEWS)[number];
const FACET_KEY: Readonly<Record<string, Facet>> = { p: 'provider', a: 'action', l: 'layer', g: 'flag' };

/** What is asked, what came of it, and where the person looks. */
export interface Why {
  base: Flow;
  texts: FlowTexts;
  field: number;
  stages: readonly Stage[];
  stage: number;
  scroll: number;
  all: boolean;
  problem?: string;
}

/** State and keys of the inspector; draws lines, knows nothing of React. */
export class Browser {
  /** The person wants to leave. */
  done = false;
  readonly machine: Machine;
  readonly tree: FilterTree;
  readonly items: Partial<Record<View, readonly ListItem[]>> = {};
  view: View = 'filters';
  readonly cursor: Record<View, number> = { filters: 0, providers: 0, callouts: 0, sessions: 0, events: 0 };
  query = '';
  facets: Facets = {};
  found: { readonly rows: readonly TreeRow[]; readonly filters: number };
  detail: { lines: readonly Line[]; scroll: number } | undefined;
  why: Why | undefined;
  typing: { kind: 'search' | 'flow' | 'field'; text: string } | undefined;
  message = '';
  page = 10;

  constructor(machine: Machine) {
    this.machine = machine;
    this.tree = new FilterTree(machine);
    this.found = this.tree.rows('', {});
    if (machine.dump.filters.length === 0 && machine.dump.netEvents.length > 0) this.view = 'events';
  }

  /** Does a little work ahead of time; true while there is more. */
  prepare(): boolean {
    return this.tree.prepare(200);
  }

  press({ name }: KeyPress): void {
    this.message = '';
    if (this.typing) this.typed(name);
    else if (name === 'ctrl-c' || (name === 'q' && !this.why && !this.detail)) this.done = true;
    else if (this.why) this.pressWhy(this.why, name);
    else if (this.detail) this.pressDetail(this.detail, name);
    else this.pressList(name);
  }

  /** Pasted text goes where text is typed, on one line. */
  paste(text: string): void {
    if (!this.typing) return;
    this.typing.text += text.replace(/[\u0000-\u001f\u007f]+/g, ' ').slice(0, 400);
    this.narrow();
  }

  typed(name: string): void {
    const typing = this.typing!;
    if (name === 'escape') {
      this.typing = undefined;
      if (typing.kind === 'search') this.search('');
      return;
    }
    if (name === 'enter') {
      this.enter(typing);
      return;
    }
    if (name === 'backspace') typing.text = typing.text.slice(0, -1);
    else if (name === 'ctrl-u') typing.text = '';
    else if (name === 'space') typing.text += ' ';
    else if ([...name].length === 1) typing.text += name;
    this.narrow();
  }

  narrow(): void {
    if (this.typing?.kind === 'search') this.search(this.typing.text);
  }

  enter({ kind, text }: NonNullable<typeof this.typing>): void {
    this.typing = undefined;
    if (kind === 'search') return;
    try {
      if (kind === 'flow') this.ask({ ...parseShortFlow(text), newConnection: true });
      else if (this.why) this.change(this.why, { ...this.why.texts, [FIELDS[this.why.field]!]: text.trim() });
    } catch (error) {
      if (!(error instanceof FlowError)) throw error;
      this.message = error.message;
    }
  }

  search(text: string): void {
    this.query = text;
    this.found = this.tree.rows(text, this.facets);
    this.cursor[this.view] = 0;
    this.toFirstFilter();
  }

  pressList(name: string): void {
    const views: Readonly<Record<string, View>> = Object.fromEntries(VIEWS.map((view, at) => [String(at + 1), view]));
    const facet = FACET_KEY[name];
    if (views[name]) this.view = views[name];
    else if (facet && this.view === 'filters') this.cycle(facet);
    else if (name === '/') this.typing = { kind: 'search', text: this.query };
    else if (name === 'f') this.typing = { kind: 'flow', text: '' };
    else if (name === 'escape') {
      this.facets = {};
      this.search('');
    } else if (name === 'enter' || name === 'right') this.open();
    else if (name === 'w') this.askSelected();
    else if (name === 'e' && this.selectedFilter()) this.eventsOf(this.selectedFilter()!);
    else if (name === 'd' && this.view === 'events') this.decider();
    else this.move(name);
  }

  /** From a filter to all events that it decided. */
  eventsOf(filter: DumpFilter): void {
    this.view = 'events';
    this.query = `filter ${filter.filterId}`;
    this.cursor.events = 0;
  }

  /** From an event to the filter that decided it. */
  decider(): void {
    const id = this.list()[this.cursor.events]?.event?.filterId;
    const filter = id === undefined ? undefined : this.machine.filter(id);
    if (filter) this.detail = { lines: filterDetail(this.machine, filter), scroll: 0 };
    else
      this.message =
        id === undefined ? 'the event names no filter' : `filter ${id} is not in this file: ids are given anew at each start`;
  }

  move(name: string): void {
    const length = this.length();
    const at = this.cursor[this.view];
    const to: Readonly<Record<string, number>> = {
      up: at - 1,
      k: at - 1,
      down: at + 1,
      j: at + 1,
      'page-up': at - this.page,
      'page-down': at + this.page,
      home: 0,
      end: length - 1,
      G: length - 1,
    };
    const next = to[name];
    if (next !== undefined) this.cursor[this.view] = Math.max(0, Math.min(length - 1, next));
  }

  /** From the headings on to the first filter. */
  toFirstFilter(): void {
    this.cursor.filters = Math.max(
      0,
      this.found.rows.findIndex(row => row.kind === 'filter'),
    );
  }

  cycle(facet: Facet): void {
    const choices = this.tree.choices(facet);
    const next = choices[choices.indexOf(this.facets[facet] ?? '') + 1];
    const { [facet]: _, ...others } = this.facets;
    this.facets = next === undefined ? others : { ...others, [facet]: next };
    this.search(this.query);
  }

  list(): readonly ListItem[] {
    const { view, machine } = this;
    this.items[view] ??=
      view === 'providers'
        ? providerItems(machine)
        : view === 'callouts'
          ? calloutItems(machine)
          : view === 'sessions'
            ? sessionItems(machine.dump)
            : eventItems(machine);
    const wanted = this.query.toLowerCase();
    const all = this.items[view] ?? [];
    return wanted === '' ? all : all.filter(each => each.text.includes(wanted));
  }

  length(): number {
    return this.view === 'filters' ? this.found.rows.length : this.list().length;
  }

  selectedFilter(): DumpFilter | undefined {
    const row = this.view === 'filters' ? this.found.rows[this.cursor.filters] : undefined;
    return row?.kind === 'filter' ? row.filter : undefined;
  }

  open(): void {
    const filter = this.selectedFilter();
    const item = this.view === 'filters' ? undefined : this.list()[this.cursor[this.view]];
    if (filter) this.detail = { lines: filterDetail(this.machine, filter), scroll: 0 };
    else if (item) this.detail = { lines: item.detail(), scroll: 0 };
  }

  /** Why: an event's traffic, or traffic that the selected filter is asked about. */
  askSelected(): void {
    const event = this.view === 'events' ? this.list()[this.cursor.events]?.event : undefined;
    const filter = this.selectedFilter();
    try {
      if (event) this.ask(netEventFlow(event, this.machine));
      else if (filter) this.ask(this.flowFor(filter));
      else this.message = 'choose a filter or an event, or type a flow with f';
    } catch (error) {
      if (!(error instanceof FlowError)) throw error;
      this.message = error.message;
    }
  }

  /** Traffic that a filter's own conditions describe, as far as they name single values. */
  flowFor(filter: DumpFilter): Flow {
    const values = new Map(
      filter.filterCondition
        .filter(each => each.matchType === 'FWP_MATCH_EQUAL')
        .map(each => [this.machine.fieldName(each.fieldKey), each.conditionValue]),
    );
    const number = (name: string) => {
      const value = values.get(name);
      return value && 'value' in value && typeof value.value === 'number' ? value.value : undefined;
    };
    const app = this.machine.conditionsText(filter).match(/program is (.*?)(?:, | or |$)/)?.[1];
    const [protocol, remotePort, localPort] = [number('IP_PROTOCOL'), number('IP_REMOTE_PORT'), number('IP_LOCAL_PORT')];
    return {
      layer: this.machine.layerName(filter.layerKey),
      ...(app === undefined ? undefined : { app }),
      ...(protocol === undefined ? undefined : { protocol }),
      ...(remotePort === undefined ? undefined : { remotePort }),
      ...(localPort === undefined ? undefined : { localPort }),
      newConnection: true,
    };
  }

  ask(flow: Flow): void {
    const stages = stagesOf(this.machine, flow);
    const stage = Math.max(
      0,
      stages.findIndex(each => each.layer === flow.layer.toUpperCase()),
    );
    this.why = { base: flow, texts: textsOf(flow), field: 1, stages, stage, scroll: 0, all: false };
  }

  /** "What if": another value of one field, and the verdict anew. */
  change(why: Why, texts: FlowTexts): void {
    const flow = flowOf(texts, why.base);
    const stages = stagesOf(this.machine, flow);
    why.texts = texts;
    why.stages = stages;
    why.stage = Math.min(why.stage, stages.length - 1);
    why.scroll = 0;
  }

  pressWhy(why: Why, name: string): void {
    if (name === 'escape' || name === 'q') this.why = undefined;
    else if (name === 'up') why.field = (why.field + FIELDS.length - 1) % FIELDS.length;
    else if (name === 'down' || name === 'tab') why.field = (why.field + 1) % FIELDS.length;
    else if (name === 'left') why.stage = Math.max(0, why.stage - 1);
    else if (name === 'right') why.stage = Math.min(why.stages.length - 1, why.stage + 1);
    else if (name === 'page-down') why.scroll += this.page;
    else if (name === 'page-up') why.scroll = Math.max(0, why.scroll - this.page);
    else if (name === 'm') why.all = !why.all;
    else if (name === 'enter' || name === 'e') this.typing = { kind: 'field', text: why.texts[FIELDS[why.field]!] };
    else if (name === 'delete' || name === 'backspace') this.enterField(why, '');
    else if (name === 'd') {
      const id = why.stages[why.stage]?.report.filter?.filterId;
      const filter = id === undefined ? undefined : this.machine.filter(BigInt(id));
      if (filter) {
        this.why = undefined;
        this.detail = { lines: filterDetail(this.machine, filter), scroll: 0 };
      } else this.message = 'no single filter decides here';
    }
  }

  enterField(why: Why, text: string): void {
    this.why = why;
    this.enter({ kind: 'field', text });
  }

  pressDetail(detail: { lines: readonly Line[]; scroll: number }, name: string): void {
    const by: Readonly<Record<string, number>> = {
      up: -1,
      down: 1,
      'page-up': -this.page,
      'page-down': this.page,
      home: -1e9,
      end: 1e9,
    };
    if (by[name] !== undefined) detail.scroll = Math.max(0, Math.min(detail.lines.length - 1, detail.scroll + by[name]));
    else if (name === 'w') {
      this.detail = undefined;
      this.askSelected();
    } else if (['escape', 'q', 'left', 'enter'].includes(name)) this.detail = undefined;
  }

  /** The whole screen. Only the rows that are seen are built. */
  lines(columns: number, rows: number): readonly DrawnLine[] {
    return drawBrowser(this, columns, rows);
  }
}
