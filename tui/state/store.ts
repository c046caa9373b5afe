import { type Actor, type ActorOptions, createActor } from 'xstate';
import type { GuardClient, GuardCommand, GuardSnapshot } from '../../machines/guard-client.ts';
import type { promptMachine } from '../../machines/prompt-machine.ts';
import { type Sentence, scopeOf } from '../../machines/sentence.ts';
import { type Overlay, shellMachine, type ViewName } from '../../machines/shell-machine.ts';
import { again, type Trace } from '../inspect/trace-state.ts';
import type { Keymap } from '../keymap.ts';
import type { Mode } from '../keys/commands.ts';
import type { FilterIndex } from '../select/filter-index.ts';
import { EVERYTHING, type FilterPick } from '../select/select-filters.ts';
import { groupRequests, type InboxGroup, type InboxRow, inboxRows } from '../select/select-inbox.ts';
import { Lists } from '../select/select-list.ts';
import { firstDeadline } from '../select/select-status.ts';
import { type SourceWords, wordsOf } from '../select/source-words.ts';
import { commandText, targetText } from '../select/words.ts';
import type { Painter } from '../text/paint.ts';
import { type Cursor, HOME, settle } from './cursor.ts';
import { screenPrompt } from './prompt-words.ts';

/** What the app lets the store do to the terminal. */
export interface TerminalActions {
  suspend(): void;
  redraw(): void;
  exit(): void;
}

export interface StoreOptions {
  readonly client: GuardClient;
  readonly keymap: Keymap;
  readonly painter: Painter;
  readonly view?: ViewName;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  /** Clock of the machines, for tests. */
  readonly clock?: ActorOptions<typeof promptMachine>['clock'];
  /** Called when the person quits; the screen is left when it resolves. Default: tells the guard to stop. */
  readonly onQuit?: () => Promise<unknown> | unknown;
}

export interface Message {
  readonly text: string;
  readonly level: 'info' | 'warning' | 'error';
}

/** Something is lost when the screen is left: a command that runs, or questions. */
const wouldLose = ({ status, requests }: GuardSnapshot): boolean =>
  (requests.length > 0 && wordsOf(status.kind).leaving(requests.length, status) !== '') ||
  (status.kind === 'run' && (status.phase === 'starting' || status.phase === 'running'));

/**
 * All state of one screen and nothing of drawing: the guard's snapshot, the prompt and shell machines, where each list stands, the size.
 * Components read it and are told when it changed. A second-tick runs only while something waits with a deadline.
 */
export class Store {
  readonly client: GuardClient;
  readonly keymap: Keymap;
  readonly painter: Painter;
  readonly lists = new Lists();
  readonly now: () => number;
  readonly prompt: Actor<typeof promptMachine>;
  readonly shell: Actor<typeof shellMachine>;
  snapshot: GuardSnapshot;
  /** Columns, and rows that are drawn: one less than the terminal has, so that its last row is never written. */
  size = { columns: 80, rows: 23, terminalRows: 24 };
  terminal: TerminalActions = { suspend() {}, redraw() {}, exit() {} };
  message: Message | undefined;
  folded: ReadonlySet<string> = new Set();
  /** Which filters are listed, beside what is searched for. */
  pick: FilterPick = EVERYTHING;
  /** The decision that `why` is about. */
  trace: Trace | undefined;
  /** A part of its traffic while it is typed. */
  typing: { readonly text: string; readonly before: Trace } | undefined;
  /** Lines scrolled away in `why`, `about` and `help`. */
  scroll = 0;
  /** Text of the note being written, and the chosen completion of the palette. */
  note = '';
  choice = 0;
  /** True once quitting began. */
  quitting = false;
  version = 0;
  inboxTop = 0;
  /** Rows of the list as they were drawn last: what a page is. */
  page = 10;
  readonly cursors: Record<ViewName, Cursor> = { inbox: HOME, activity: HOME, rules: HOME, filters: HOME, output: HOME };
  readonly #onQuit: () => Promise<unknown> | unknown;
  #noticed: number;
  #promptMessage: unknown;
  #tick: ReturnType<typeof setTimeout> | undefined;
  #unsubscribe = () => {};
  readonly #listeners = new Set<() => void>();
  #groups: { requests: unknown; query: string; groups: readonly InboxGroup[] } | undefined;
  #rows: { groups: unknown; folded: unknown; rows: readonly InboxRow[] } | undefined;
  #pick: { pick: FilterPick; query: string; whole: FilterPick } | undefined;
  #preview: { revision: number; scope: string; result: ReturnType<GuardClient['preview']> } | undefined;

  constructor(options: StoreOptions) {
    const { client, clock } = options;
    this.client = client;
    this.keymap = options.keymap;
    this.painter = options.painter;
    this.now = options.now ?? Date.now;
    this.#onQuit = options.onQuit ?? (() => client.send({ type: 'stop' }));
    this.snapshot = client.snapshot();
    const withClock = clock ? { clock } : {};
    this.prompt = createActor(
      screenPrompt(client, this.now, () => this.words),
      withClock,
    );
    const view = options.view ?? (this.snapshot.status.kind === 'idle' ? 'rules' : 'inbox');
    this.shell = createActor(shellMachine, { ...withClock, input: { view } });
    this.#noticed = this.snapshot.notices.at(-1)?.seq ?? 0;
    this.message = this.snapshot.notices.at(-1);
  }

  start(): void {
    this.prompt.subscribe(({ context }) => {
      if (context.message && context.message !== this.#promptMessage) this.message = context.message;
      this.#promptMessage = context.message;
      this.changed();
    });
    this.shell.subscribe(() => this.changed());
    this.shell.on('leave', () => void this.quit());
    this.prompt.start();
    this.shell.start();
    this.#unsubscribe = this.client.subscribe(snapshot => this.#take(snapshot));
  }

  stop(): void {
    this.#unsubscribe();
    if (this.#tick) clearTimeout(this.#tick);
    this.#tick = undefined;
    this.prompt.stop();
    this.shell.stop();
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly changed = (): void => {
    this.version++;
    for (const listener of this.#listeners) listener();
  };

  #take(snapshot: GuardSnapshot): void {
    const before = this.snapshot;
    this.snapshot = snapshot;
    if (before.requests !== snapshot.requests || this.prompt.getSnapshot().context.requests.length === 0)
      this.prompt.send({ type: 'requests.changed', requests: snapshot.requests });
    // What it says is true now: asked again when the filters changed.
    if (this.trace && before.filters !== snapshot.filters) this.trace = this.#asked(this.trace);
    const isRunning = wouldLose(snapshot);
    if (this.shell.getSnapshot().context.isRunning !== isRunning) this.shell.send({ type: 'guard.changed', isRunning });
    const latest = snapshot.notices.at(-1);
    if (latest && latest.seq > this.#noticed) {
      this.#noticed = latest.seq;
      this.message = latest;
    }
    this.#schedule();
    this.changed();
  }

  #asked(trace: Trace): Trace | undefined {
    try {
      return again(trace);
    } catch {
      return undefined;
    }
  }

  /** Wakes at the next full second before the first deadline, and only then. */
  #schedule(): void {
    const deadline = firstDeadline(this.snapshot);
    if (this.#tick) clearTimeout(this.#tick);
    this.#tick = undefined;
    if (deadline === undefined) return;
    const left = deadline - this.now();
    if (left <= 0) return;
    this.#tick = setTimeout(
      () => {
        this.#schedule();
        this.changed();
      },
      (left % 1000) + 1,
    );
  }

  /** True while ages and countdowns are kept true every second. */
  get ticking(): boolean {
    return this.#tick !== undefined;
  }

  resize(columns: number, rows: number): void {
    this.size = { columns, rows: Math.max(1, rows - 1), terminalRows: rows };
    this.changed();
  }

  get view(): ViewName {
    return this.shell.getSnapshot().context.view;
  }

  get overlay(): Overlay | undefined {
    return this.shell.getSnapshot().context.overlays.at(-1);
  }

  /** What text is being typed for, if any. */
  get entry(): 'filter' | 'palette' | 'note' | 'field' | undefined {
    const state = this.shell.getSnapshot();
    if (this.typing && state.matches('overlaid') && this.overlay?.name === 'why') return 'field';
    if (state.matches('filtering')) return 'filter';
    if (state.matches('commanding')) return 'palette';
    return state.matches('overlaid') && this.overlay?.name === 'note' ? 'note' : undefined;
  }

  /** Where keys go now. */
  get mode(): Mode {
    const shell = this.shell.getSnapshot();
    if (shell.matches('helping')) return 'help';
    if (shell.matches('quitting')) return 'confirm';
    if (this.entry) return 'entry';
    if (shell.matches('overlaid'))
      return this.overlay!.name === 'why' ? 'why' : this.overlay!.name === 'confirm' ? 'confirm' : 'about';
    if (this.view !== 'inbox') return this.view;
    const prompt = this.prompt.getSnapshot();
    if (prompt.matches({ answer: 'confirming' })) return 'confirm';
    return prompt.matches({ answer: 'editing' }) ? 'edit' : 'inbox';
  }

  get query(): string {
    return this.shell.getSnapshot().context.filters[this.view];
  }

  /** How the guard's source is spoken of. */
  get words(): SourceWords {
    return wordsOf(this.snapshot.status.kind);
  }

  get index(): FilterIndex {
    return this.lists.index(this.snapshot);
  }

  /** The pick with what is searched for. */
  get filterPick(): FilterPick {
    const query = this.shell.getSnapshot().context.filters.filters;
    if (this.#pick?.pick !== this.pick || this.#pick.query !== query)
      this.#pick = { pick: this.pick, query, whole: { ...this.pick, query } };
    return this.#pick.whole;
  }

  get sentence(): Sentence | undefined {
    return this.prompt.getSnapshot().context.sentence;
  }

  get selected(): number | undefined {
    return this.prompt.getSnapshot().context.selected;
  }

  say(text: string, level: Message['level'] = 'info'): void {
    this.message = { text, level };
    this.changed();
  }

  /** Takes back what was said: called when the next key comes. */
  quiet(): void {
    if (!this.message) return;
    this.message = undefined;
    this.changed();
  }

  /** Tells the guard; says what came of it. */
  async send(command: GuardCommand, done: string): Promise<void> {
    try {
      const result = await this.client.send(command);
      if (result.ok) this.say(done);
      else this.say(result.message, 'error');
    } catch (error) {
      this.say(`The guard did not answer: ${error instanceof Error ? error.message : String(error)}`, 'error');
    }
  }

  /** Ends what runs, then leaves the screen. Asked a second time it leaves at once. */
  async quit(): Promise<void> {
    if (this.quitting) return this.terminal.exit();
    this.quitting = true;
    this.say('Stopping…');
    try {
      await this.#onQuit();
    } finally {
      this.terminal.exit();
    }
  }

  get groups(): readonly InboxGroup[] {
    const { requests } = this.snapshot;
    const query = this.shell.getSnapshot().context.filters.inbox.toLowerCase();
    if (this.#groups?.requests !== requests || this.#groups.query !== query) {
      const holds = ({ attempt }: GuardSnapshot['requests'][number]) =>
        `${attempt.identity.path} ${commandText(attempt.identity)} ${targetText(attempt)}`.toLowerCase().includes(query);
      this.#groups = { requests, query, groups: groupRequests(query ? requests.filter(holds) : requests) };
    }
    return this.#groups.groups;
  }

  get inboxRows(): readonly InboxRow[] {
    const { groups, folded } = this;
    if (this.#rows?.groups !== groups || this.#rows.folded !== folded)
      this.#rows = { groups, folded, rows: inboxRows(groups, folded) };
    return this.#rows.rows;
  }

  /** The guard's preview of the rule as the sentence says it now. */
  preview(sentence: Sentence): ReturnType<GuardClient['preview']> {
    const scope = scopeOf(sentence);
    const key = JSON.stringify(scope);
    const { revision } = this.snapshot;
    if (this.#preview?.revision !== revision || this.#preview.scope !== key)
      this.#preview = { revision, scope: key, result: this.client.preview(scope) };
    return this.#preview.result;
  }

  /** The list of a view with its cursor on an existing row. */
  list(view: Exclude<ViewName, 'inbox'>) {
    const model = this.lists.of(view, this.snapshot, this.shell.getSnapshot().context.filters[view], this.pick);
    const cursor = settle(this.cursors[view], model.keys);
    this.cursors[view] = cursor;
    return { model, cursor };
  }
}
