import type { KeyPress } from '../keys/read-keys.ts';
import { clean } from '../text/clean.ts';
import type { Line } from '../text/paint.ts';
import { splitCommand } from './split-command.ts';

/** What the person wants to do, chosen on the start screen. */
export type StartChoice =
  | { readonly kind: 'run'; readonly command: readonly string[] }
  | { readonly kind: 'guard' | 'lab' | 'rules' | 'filters' | 'doctor' | 'quit' };

interface Entry {
  readonly kind: StartChoice['kind'];
  readonly key: string;
  readonly title: string;
  readonly note: string;
}

/** One command is held where system calls are, the whole machine where WFP is. */
const GUARD: Entry = { kind: 'run', key: 'g', title: 'Guard a command', note: 'its connections are held until you answer' };
const GUARD_WINDOWS: Entry = { kind: 'guard', key: 'g', title: 'Guard machine', note: 'what no rule decides is asked about' };
const OTHERS: readonly Entry[] = [
  { kind: 'lab', key: 'l', title: 'Lab', note: 'real programs on loopback, to try it out' },
  { kind: 'rules', key: 'r', title: 'Rules', note: 'what was decided so far' },
  { kind: 'filters', key: 'f', title: 'Filters', note: 'the engine’s own objects' },
  { kind: 'doctor', key: 'd', title: 'Doctor', note: 'what this machine can do and what is missing' },
  { kind: 'quit', key: 'q', title: 'Quit', note: '' },
];

/** State of the start screen: a menu, and the command line under its first entry. */
export class StartMenu {
  at = 0;
  /** The command line while it is typed. */
  text: string | undefined;
  problem = '';
  choice: StartChoice | undefined;
  readonly #entries: readonly Entry[];

  constructor(platform: NodeJS.Platform = process.platform) {
    this.#entries = [platform === 'win32' ? GUARD_WINDOWS : GUARD, ...OTHERS];
  }

  press({ name }: KeyPress): void {
    if (name === 'ctrl-c') this.choice = { kind: 'quit' };
    else if (this.text === undefined) this.#menu(name);
    else this.#type(name);
  }

  paste(text: string): void {
    if (this.text !== undefined) this.text += clean(text.replace(/\s+/g, ' '));
  }

  #menu(name: string): void {
    const byKey = this.#entries.findIndex((entry, i) => entry.key === name || String(i + 1) === name);
    if (name === 'down' || name === 'j') this.at = Math.min(this.at + 1, this.#entries.length - 1);
    else if (name === 'up' || name === 'k') this.at = Math.max(this.at - 1, 0);
    else if (name === 'escape') this.choice = { kind: 'quit' };
    else if (byKey >= 0) this.#take(byKey);
    else if (name === 'enter') this.#take(this.at);
  }

  #take(index: number): void {
    this.at = index;
    const { kind } = this.#entries[index]!;
    if (kind === 'run') this.text = '';
    else this.choice = { kind };
  }

  #type(name: string): void {
    this.problem = '';
    if (name === 'escape') this.text = undefined;
    else if (name === 'backspace') this.text = [...this.text!].slice(0, -1).join('');
    else if (name === 'ctrl-u') this.text = '';
    else if (name === 'enter') {
      const words = splitCommand(this.text!);
      if (typeof words === 'string') this.problem = words;
      else this.choice = { kind: 'run', command: words };
    } else if (name === 'space') this.text += ' ';
    else if ([...name].length === 1) this.text += clean(name);
  }

  lines(): readonly Line[] {
    const menu = this.#entries.map(
      (entry, i): Line => [
        [i === this.at ? ' ▌ ' : '   ', 'text'],
        [entry.key, 'key'],
        ['  '],
        [entry.title.padEnd(18), i === this.at ? 'tabActive' : 'text'],
        [entry.note, 'muted'],
      ],
    );
    const entry: readonly Line[] =
      this.text === undefined
        ? [[], [], [[' j k choose   Enter take   q quit', 'muted']]]
        : [
            [[' Command  ', 'heading'], [this.text], [' ', 'partActive']],
            [[this.problem ? ` ! ${this.problem}` : '', 'warning']],
            [[' Enter starts it   Esc back', 'muted']],
          ];
    return [
      [
        [' sallyport', 'title'],
        ['  an interactive firewall for the terminal', 'muted'],
      ],
      [],
      ...menu,
      [],
      ...entry,
    ];
  }
}
