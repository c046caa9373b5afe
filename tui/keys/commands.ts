/** Where a key is valid. Views, then what may lie over them. */
export const MODES = [
  'inbox',
  'edit',
  'activity',
  'rules',
  'filters',
  'output',
  'why',
  'about',
  'help',
  'confirm',
  'entry',
  'dump-filters',
  'dump-events',
  'dump-objects',
  'dump-about',
  'trace',
] as const;
export type Mode = (typeof MODES)[number];

const views: readonly Mode[] = ['inbox', 'activity', 'rules', 'filters', 'output'];
const screens: readonly Mode[] = [...views, 'why', 'about', 'help'];
/** Lists of `sallyport inspect`, and what may lie over them. */
const dumps: readonly Mode[] = ['dump-filters', 'dump-events', 'dump-objects'];
const dumpScreens: readonly Mode[] = [...dumps, 'dump-about', 'trace'];
const lists: readonly Mode[] = ['activity', 'rules', 'filters', 'output', 'why', 'about', 'help', ...dumpScreens];
/** Where filters are listed, and where a decision is traced. */
const tables: readonly Mode[] = ['filters', 'dump-filters'];
const traces: readonly Mode[] = ['why', 'trace'];

export interface CommandInfo {
  /** Keys by name; the first is the one shown. */
  readonly keys: readonly string[];
  /** One line for help, palette and documentation. */
  readonly title: string;
  /** One or two words for the footer. */
  readonly short: string;
  readonly where: readonly Mode[];
  /** Rank in the footer per mode, 1 first; absent: not in the footer. */
  readonly footer?: Partial<Record<Mode, number>>;
  /** True when the command gives a verdict: refused for bursts, held keys and unarmed prompts. */
  readonly verdict?: boolean;
  /** False: not offered by `:`. */
  readonly palette?: false;
}

/**
 * Every command of the screen. Handling, footer, help, palette, documentation and tests read this table and nothing else;
 * `when.ts` says in which situation a command is refused and why.
 */
export const COMMANDS = {
  permit: {
    keys: ['a'],
    title: 'Allow, as the answer line says',
    short: 'allow',
    where: ['inbox', 'edit'],
    footer: { inbox: 1, edit: 4 },
    verdict: true,
  },
  block: {
    keys: ['b'],
    title: 'Block, as the answer line says',
    short: 'block',
    where: ['inbox', 'edit'],
    footer: { inbox: 2, edit: 5 },
    verdict: true,
  },
  'permit-program': {
    keys: ['A'],
    title: 'Allow the whole program for ever (asks once more)',
    short: 'allow program',
    where: ['inbox', 'edit'],
    verdict: true,
  },
  'block-program': {
    keys: ['B'],
    title: 'Block the whole program for ever (asks once more)',
    short: 'block program',
    where: ['inbox', 'edit'],
    verdict: true,
  },
  'part-next': {
    keys: ['tab'],
    title: 'Edit the answer: go to the next part',
    short: 'part',
    where: ['inbox', 'edit'],
    footer: { inbox: 3, edit: 1 },
  },
  'part-previous': {
    keys: ['shift-tab'],
    title: 'Edit the answer: go to the part before',
    short: 'part before',
    where: ['inbox', 'edit'],
  },
  wider: {
    keys: ['up', '+'],
    title: 'Widen the part: this address, this name, any address',
    short: 'wider',
    where: ['edit'],
    footer: { edit: 2 },
  },
  narrower: { keys: ['down', '-'], title: 'Narrow the part', short: 'narrower', where: ['edit'], footer: { edit: 3 } },
  lifetime: {
    keys: ['t'],
    title: 'Change the lifetime: once, 15 min, until the program exits, until restart, for ever',
    short: 'lifetime',
    where: ['inbox', 'edit', 'rules'],
    footer: { inbox: 4, edit: 6, rules: 3 },
  },
  mark: {
    keys: ['space'],
    title: 'Mark the request; the answer then covers all marked ones',
    short: 'mark',
    where: ['inbox'],
    footer: { inbox: 7 },
  },
  fold: { keys: ['enter', 'left', 'right', 'h', 'l'], title: 'Fold or unfold the program', short: 'fold', where: ['inbox'] },
  why: {
    keys: ['w'],
    title: 'Why: every sublayer and filter considered',
    short: 'why',
    where: ['inbox', 'activity', 'dump-filters', 'dump-events'],
    footer: { inbox: 5, activity: 1, 'dump-filters': 2, 'dump-events': 1 },
  },
  open: {
    keys: ['enter'],
    title: 'Open: everything that is known of it',
    short: 'open',
    where: ['filters', 'rules', 'activity', ...dumps],
    footer: { filters: 1, 'dump-filters': 1, 'dump-events': 2, 'dump-objects': 1 },
  },
  decider: {
    keys: ['f'],
    title: 'Go to the filter that decided',
    short: 'its filter',
    where: ['activity', 'why', 'dump-events', 'trace', 'dump-about'],
    footer: { activity: 4, why: 5, 'dump-events': 3, trace: 5 },
  },
  decided: {
    keys: ['e'],
    title: 'All events that this filter decided',
    short: 'events',
    where: [...tables, 'about', 'dump-about'],
    footer: { filters: 4, 'dump-filters': 5 },
  },
  'its-filters': {
    keys: ['f'],
    title: 'The filters of this provider, sublayer or callout',
    short: 'its filters',
    where: ['dump-objects'],
    footer: { 'dump-objects': 2 },
  },
  ask: {
    keys: ['x'],
    title: 'Explain traffic typed by hand: chrome.exe -> 1.1.1.1:443/tcp',
    short: 'ask',
    where: dumps,
    footer: { 'dump-filters': 3, 'dump-events': 4, 'dump-objects': 4 },
  },
  'field-next': {
    keys: ['tab'],
    title: 'What if: go to the next part of the traffic',
    short: 'part',
    where: traces,
    footer: { why: 2, trace: 1 },
  },
  'field-previous': { keys: ['shift-tab'], title: 'What if: the part before', short: 'part before', where: traces },
  'field-change': {
    keys: ['x', 'enter'],
    title: 'What if: change the part and see the verdict change',
    short: 'change',
    where: traces,
    footer: { why: 3, trace: 2 },
  },
  'field-restore': {
    keys: ['r'],
    title: 'What if: the traffic as it was',
    short: 'as it was',
    where: traces,
    footer: { why: 6, trace: 6 },
  },
  'stage-next': {
    keys: ['right'],
    title: 'The next layer on the path',
    short: 'next layer',
    where: traces,
    footer: { trace: 3 },
  },
  'stage-previous': { keys: ['left'], title: 'The layer before on the path', short: 'layer before', where: traces },
  'all-filters': {
    keys: ['v'],
    title: 'Show or hide filters that do not match',
    short: 'all',
    where: traces,
    footer: { why: 4, trace: 4 },
  },
  'facet-provider': { keys: ['p'], title: 'Only one provider; again: the next one', short: 'provider', where: tables },
  'facet-action': { keys: ['a'], title: 'Only one action; again: the next one', short: 'action', where: tables },
  'facet-layer': { keys: ['l'], title: 'Only one layer; again: the next one', short: 'layer', where: tables },
  'facet-flag': { keys: ['t'], title: 'Only one flag; again: the next one', short: 'flag', where: tables },
  'facet-clear': {
    keys: ['c'],
    title: 'Show all filters again',
    short: 'show all',
    where: tables,
    footer: { filters: 5, 'dump-filters': 6 },
  },
  'layer-next': { keys: ['}'], title: 'The next layer', short: 'next layer', where: tables, palette: false },
  'layer-previous': { keys: ['{'], title: 'The layer before', short: 'layer before', where: tables, palette: false },
  delete: { keys: ['d', 'delete'], title: 'Delete the rule', short: 'delete', where: ['rules'], footer: { rules: 1 } },
  enable: { keys: ['e', 'space'], title: 'Enable or disable the rule', short: 'on/off', where: ['rules'], footer: { rules: 2 } },
  verdict: {
    keys: ['v'],
    title: 'Turn the rule round: permit or block (asks first)',
    short: 'verdict',
    where: ['rules'],
    footer: { rules: 4 },
  },
  note: { keys: ['n'], title: 'Write a note on the rule', short: 'note', where: ['rules'], footer: { rules: 5 } },
  undo: {
    keys: ['u'],
    title: 'Undo the last decision (deletes its rule)',
    short: 'undo',
    where: ['inbox', 'activity', 'rules'],
    footer: { inbox: 6, activity: 3, rules: 6 },
  },
  stop: {
    keys: ['x'],
    title: 'Interrupt the command (SIGINT, asks first)',
    short: 'interrupt',
    where: ['inbox', 'activity', 'output'],
    footer: { output: 2 },
  },
  terminate: { keys: [], title: 'Terminate the command (SIGTERM, asks first)', short: 'terminate', where: views },
  kill: { keys: [], title: 'Kill the command (SIGKILL, asks first)', short: 'kill', where: views },
  filter: {
    keys: ['/'],
    title: 'Filter the list as you type',
    short: 'filter',
    where: ['inbox', 'activity', 'rules', 'filters', 'output', ...dumps],
    footer: {
      activity: 2,
      filters: 2,
      rules: 7,
      output: 1,
      'dump-filters': 4,
      'dump-events': 5,
      'dump-objects': 3,
    },
  },
  down: { keys: ['j', 'down'], title: 'Down', short: 'down', where: ['inbox', ...lists], palette: false },
  up: { keys: ['k', 'up'], title: 'Up', short: 'up', where: ['inbox', ...lists], palette: false },
  'edit-down': { keys: ['j'], title: 'Next request', short: 'down', where: ['edit'], palette: false },
  'edit-up': { keys: ['k'], title: 'Request before', short: 'up', where: ['edit'], palette: false },
  first: { keys: ['g', 'home'], title: 'First line', short: 'first', where: ['inbox', ...lists], palette: false },
  last: { keys: ['G', 'end'], title: 'Last line', short: 'last', where: ['inbox', ...lists], palette: false },
  'page-down': {
    keys: ['page-down', 'ctrl-f'],
    title: 'One page down',
    short: 'page',
    where: ['inbox', ...lists],
    palette: false,
  },
  'page-up': { keys: ['page-up', 'ctrl-b'], title: 'One page up', short: 'page', where: ['inbox', ...lists], palette: false },
  'half-down': { keys: ['ctrl-d'], title: 'Half a page down', short: 'half', where: ['inbox', ...lists], palette: false },
  'half-up': { keys: ['ctrl-u'], title: 'Half a page up', short: 'half', where: ['inbox', ...lists], palette: false },
  inbox: { keys: ['1'], title: 'Inbox: what is to be answered', short: 'inbox', where: ['edit', ...screens] },
  activity: { keys: ['2'], title: 'Activity: what was asked and decided', short: 'activity', where: ['edit', ...screens] },
  rules: { keys: ['3'], title: 'Rules: what a person decided', short: 'rules', where: ['edit', ...screens] },
  filters: { keys: ['4'], title: 'Filters: the engine’s own objects', short: 'filters', where: ['edit', ...screens] },
  output: { keys: ['5'], title: 'Output of the command', short: 'output', where: ['edit', ...screens] },
  'dump-filters': { keys: ['1'], title: 'Filters of the dump', short: 'filters', where: dumpScreens },
  'dump-events': { keys: ['2'], title: 'Net events and connected endpoints', short: 'events', where: dumpScreens },
  'dump-providers': { keys: ['3'], title: 'Providers', short: 'providers', where: dumpScreens },
  'dump-sublayers': { keys: ['4'], title: 'Sublayers by weight', short: 'sublayers', where: dumpScreens },
  'dump-callouts': { keys: ['5'], title: 'Callouts', short: 'callouts', where: dumpScreens },
  'dump-sessions': { keys: ['6'], title: 'Sessions', short: 'sessions', where: dumpScreens },
  'next-view': { keys: [']'], title: 'Next view', short: 'next view', where: [...screens, ...dumpScreens], palette: false },
  'previous-view': {
    keys: ['['],
    title: 'View before',
    short: 'view before',
    where: [...screens, ...dumpScreens],
    palette: false,
  },
  palette: { keys: [':'], title: 'Run a command by its name', short: 'command', where: ['edit', ...screens], palette: false },
  help: {
    keys: ['?'],
    title: 'Help: the keys of this view',
    short: 'help',
    where: ['edit', ...screens, ...dumpScreens],
    footer: {
      inbox: 8,
      edit: 8,
      activity: 8,
      rules: 8,
      filters: 8,
      output: 8,
      why: 8,
      about: 8,
      'dump-filters': 8,
      'dump-events': 8,
      'dump-objects': 8,
      'dump-about': 8,
      trace: 8,
    },
  },
  back: {
    keys: ['escape'],
    title: 'Back: one level out',
    short: 'back',
    palette: false,
    where: ['edit', ...screens, ...dumpScreens],
    footer: { edit: 7, why: 1, about: 1, help: 1, 'dump-about': 1, trace: 7 },
  },
  yes: {
    keys: ['y'],
    title: 'Yes',
    short: 'yes',
    where: ['confirm'],
    footer: { confirm: 1 },
    palette: false,
    verdict: true,
  },
  no: { keys: ['n', 'escape', 'q'], title: 'No', short: 'no', where: ['confirm'], footer: { confirm: 2 }, palette: false },
  accept: { keys: ['enter'], title: 'Take it', short: 'take', where: ['entry'], footer: { entry: 1 }, palette: false },
  complete: {
    keys: ['tab'],
    title: 'Complete the name',
    short: 'complete',
    where: ['entry'],
    footer: { entry: 2 },
    palette: false,
  },
  'choice-down': { keys: ['down', 'ctrl-n'], title: 'Next choice', short: 'next', where: ['entry'], palette: false },
  'choice-up': { keys: ['up', 'ctrl-p'], title: 'Choice before', short: 'before', where: ['entry'], palette: false },
  'erase-char': {
    keys: ['backspace', 'delete'],
    title: 'Erase the last character',
    short: 'erase',
    where: ['entry'],
    palette: false,
  },
  'erase-all': { keys: ['ctrl-u'], title: 'Erase all', short: 'erase all', where: ['entry'], palette: false },
  cancel: {
    keys: ['escape'],
    title: 'Leave without a change',
    short: 'leave',
    where: ['entry'],
    footer: { entry: 3 },
    palette: false,
  },
  redraw: { keys: ['ctrl-l'], title: 'Draw the screen again', short: 'redraw', where: MODES },
  suspend: { keys: ['ctrl-z'], title: 'Suspend Sallyport (fg brings it back)', short: 'suspend', where: MODES },
  quit: {
    keys: ['q'],
    title: 'Quit (asks when something would be lost)',
    short: 'quit',
    where: ['edit', ...screens, ...dumpScreens],
    footer: {
      inbox: 9,
      output: 9,
      filters: 9,
      rules: 9,
      activity: 9,
      'dump-filters': 9,
      'dump-events': 9,
      'dump-objects': 9,
    },
  },
  leave: { keys: ['ctrl-c'], title: 'Quit; a second time without asking', short: 'quit', where: MODES, palette: false },
} as const satisfies Record<string, CommandInfo>;

export type Command = keyof typeof COMMANDS;
export const commandInfo = (command: Command): CommandInfo => COMMANDS[command];
export const commandNames = Object.keys(COMMANDS) as readonly Command[];
