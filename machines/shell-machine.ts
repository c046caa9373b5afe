import { assertEvent, assign, emit, setup } from 'xstate';

/** The views in the order of their numbers, 1 to 5. */
export const VIEWS = ['inbox', 'activity', 'rules', 'filters', 'output'] as const;
export type ViewName = (typeof VIEWS)[number];

/** A screen over the view: what it is about is plain data that the overlay understands (the id of a request, a rule, a filter). */
export interface Overlay {
  readonly name: string;
  readonly about?: string;
}

export interface ShellContext {
  readonly view: ViewName;
  /** What each view's list is filtered by; empty: nothing. */
  readonly filters: Readonly<Record<ViewName, string>>;
  /** The filter as it was before it was edited. */
  readonly filterBefore: string;
  /** What stands in the command line after `:`. */
  readonly command: string;
  /** Overlays from the bottom up; the last one is seen. */
  readonly overlays: readonly Overlay[];
  /** A supervised command runs: leaving ends it. */
  readonly isRunning: boolean;
}

export type ShellEvent =
  | { readonly type: 'view.to'; readonly view: ViewName }
  | { readonly type: 'view.next' | 'view.previous' }
  | { readonly type: 'filter.open' | 'filter.accept' | 'filter.cancel' | 'filter.clear' }
  | { readonly type: 'filter.changed'; readonly text: string }
  | { readonly type: 'command.open' | 'command.accept' | 'command.cancel' }
  | { readonly type: 'command.changed'; readonly text: string }
  | { readonly type: 'help.toggle' }
  | { readonly type: 'overlay.open'; readonly overlay: Overlay }
  | { readonly type: 'overlay.close' }
  | { readonly type: 'quit' | 'quit.confirm' | 'quit.cancel' }
  | { readonly type: 'guard.changed'; readonly isRunning: boolean };

export type ShellEmitted =
  /** A command line was accepted: run the command of this name. */
  { readonly type: 'command'; readonly text: string } | { readonly type: 'leave' };

/** How long the question whether to leave stands open; then everything stays. */
export const QUIT_MS = 30_000;
/** Longest text that a filter or a command line takes. */
export const TEXT_MAX = 200;

const turned = (view: ViewName, by: 1 | -1): ViewName => VIEWS[(VIEWS.indexOf(view) + by + VIEWS.length) % VIEWS.length] ?? view;

/**
 * What stands on the screen around the views. It exists so that a key always has one meaning: while text is typed it is text, while
 * something lies over the view it goes there, and nobody leaves a running command by accident.
 */
export const shellMachine = setup({
  types: {
    context: {} as ShellContext,
    events: {} as ShellEvent,
    emitted: {} as ShellEmitted,
    input: {} as { readonly view?: ViewName },
  },
  delays: { 'quit patience': QUIT_MS },
  guards: {
    'a command runs': ({ context }) => context.isRunning,
    'something lies over it': ({ context }) => context.overlays.length > 0,
    'the command has ended': ({ event }) => event.type === 'guard.changed' && !event.isRunning,
    'command is empty': ({ context }) => context.command.trim() === '',
  },
  actions: {
    'assign view': assign(({ context, event }) => {
      if (event.type === 'view.to') return { view: event.view };
      return { view: turned(context.view, event.type === 'view.next' ? 1 : -1) };
    }),
    'remember filter': assign(({ context }) => ({ filterBefore: context.filters[context.view] })),
    'assign filter': assign(({ context, event }) => {
      assertEvent(event, 'filter.changed');
      return { filters: { ...context.filters, [context.view]: event.text.slice(0, TEXT_MAX) } };
    }),
    'restore filter': assign(({ context }) => ({ filters: { ...context.filters, [context.view]: context.filterBefore } })),
    'clear filter': assign(({ context }) => ({ filters: { ...context.filters, [context.view]: '' } })),
    'assign command': assign(({ event }) => {
      assertEvent(event, 'command.changed');
      return { command: event.text.slice(0, TEXT_MAX) };
    }),
    'drop command': assign({ command: '' }),
    'tell command': emit(({ context }) => ({ type: 'command' as const, text: context.command.trim() })),
    'push overlay': assign(({ context, event }) => {
      assertEvent(event, 'overlay.open');
      return { overlays: [...context.overlays, event.overlay] };
    }),
    'pop overlay': assign(({ context }) => ({ overlays: context.overlays.slice(0, -1) })),
    'drop overlays': assign({ overlays: [] }),
    'assign running': assign(({ event }) => {
      assertEvent(event, 'guard.changed');
      return { isRunning: event.isRunning };
    }),
    'tell leave': emit({ type: 'leave' as const }),
  },
}).createMachine({
  id: 'shell',
  context: ({ input }) => ({
    view: input?.view ?? 'inbox',
    filters: { inbox: '', activity: '', rules: '', filters: '', output: '' },
    filterBefore: '',
    command: '',
    overlays: [],
    isRunning: false,
  }),
  initial: 'browsing',
  on: { 'guard.changed': { actions: 'assign running' } },
  states: {
    browsing: {
      on: {
        'view.*': { actions: 'assign view' },
        'filter.open': { target: 'filtering', actions: 'remember filter' },
        'filter.clear': { actions: 'clear filter' },
        'command.open': { target: 'commanding', actions: 'drop command' },
        'help.toggle': 'helping',
        'overlay.open': { target: 'overlaid', actions: 'push overlay' },
        quit: [{ guard: 'a command runs', target: 'quitting' }, { target: 'leaving' }],
      },
    },
    filtering: {
      on: {
        'filter.changed': { actions: 'assign filter' },
        'filter.accept': 'browsing',
        'filter.cancel': { target: 'browsing', actions: 'restore filter' },
      },
    },
    commanding: {
      on: {
        'command.changed': { actions: 'assign command' },
        'command.accept': [
          { guard: 'command is empty', target: 'browsing' },
          { target: 'browsing', actions: ['tell command', 'drop command'] },
        ],
        'command.cancel': { target: 'browsing', actions: 'drop command' },
      },
    },
    helping: { on: { 'help.toggle': 'browsing', 'overlay.close': 'browsing', quit: 'browsing' } },
    overlaid: {
      on: {
        'overlay.open': { actions: 'push overlay' },
        'overlay.close': { target: 'uncovering', actions: 'pop overlay' },
        'view.*': { target: 'browsing', actions: ['drop overlays', 'assign view'] },
        quit: { target: 'uncovering', actions: 'pop overlay' },
      },
    },
    uncovering: { always: [{ guard: 'something lies over it', target: 'overlaid' }, { target: 'browsing' }] },
    quitting: {
      on: {
        'quit.confirm': 'leaving',
        'quit.cancel': 'browsing',
        'guard.changed': [
          { guard: 'the command has ended', target: 'browsing', actions: 'assign running' },
          { actions: 'assign running' },
        ],
      },
      after: { 'quit patience': 'browsing' },
    },
    leaving: { entry: 'tell leave', type: 'final' },
  },
});
