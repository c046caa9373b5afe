import type { Facts } from './facts.ts';
import { fixes } from './fixes.ts';

/** `ok`; `note`: works, with something to know; `missing`: something does not work until it is fixed. */
export type CheckStatus = 'ok' | 'note' | 'missing';

export interface Check {
  /** Stable, for programs: `node`, `koffi`, `hold`, … */
  readonly id: string;
  readonly title: string;
  readonly status: CheckStatus;
  readonly detail: string;
  /** What to type or do, one line. */
  readonly fix?: string;
}

/** What `doctor --json` prints; members are only ever added. */
export interface DoctorReport {
  readonly version: 1;
  readonly sallyport: string;
  /** What holds connections on this platform. */
  readonly command: 'run' | 'guard';
  /** That command works here. */
  readonly run: boolean;
  readonly checks: readonly Check[];
}

/** The oldest Node that has what Sallyport uses: node:sqlite without a flag. */
const OLDEST_NODE = [22, 13] as const;
/** The smallest screen that shows everything needed to answer. */
const SMALLEST = { columns: 60, rows: 20 };
/** Checks without which the command cannot work. */
const NEEDED = new Set(['node', 'koffi', 'hold', 'folders', 'store', 'history']);

type Finding = Omit<Check, 'id' | 'title'>;
const ok = (detail: string): Finding => ({ status: 'ok', detail });
const note = (detail: string, fix?: string): Finding => ({ status: 'note', detail, ...(fix && { fix }) });
const missing = (detail: string, fix?: string): Finding => ({ status: 'missing', detail, ...(fix && { fix }) });

/** Judges the facts. Pure. */
export function doctorReport(facts: Facts): DoctorReport {
  const windows = facts.platform === 'win32';
  const checks: Check[] = [
    { id: 'node', title: 'Node', ...node(facts) },
    { id: 'koffi', title: 'system calls', ...koffi(facts) },
    { id: 'hold', title: 'holding connections', ...hold(facts) },
    ...(facts.yamaScope === undefined ? [] : [{ id: 'yama', title: 'Yama', ...yama(facts.yamaScope) }]),
    ...(facts.container === undefined ? [] : [{ id: 'container', title: 'container', ...container(facts) }]),
    { id: 'folders', title: 'folders', ...folders(facts) },
    // Windows keeps them itself, in the Base Filtering Engine.
    ...(windows ? [] : [{ id: 'store', title: 'rules and filters', ...database(facts.platform, facts.store) }]),
    { id: 'history', title: 'history', ...database(facts.platform, facts.history) },
    { id: 'settings', title: 'settings', ...settings(facts) },
    { id: 'terminal', title: 'terminal', ...terminal(facts) },
    { id: 'colours', title: 'colours', ...colours(facts) },
    { id: 'text', title: 'text', ...text(facts) },
    ...(facts.tmux || facts.ssh ? [{ id: 'session', title: 'session', ...session(facts) }] : []),
  ];
  const run = checks.every(check => check.status !== 'missing' || !NEEDED.has(check.id));
  return { version: 1, sallyport: facts.sallyport, command: windows ? 'guard' : 'run', run, checks };
}

/** 0 when the command works, else 1. */
export const doctorExitCode = (report: DoctorReport): 0 | 1 => (report.run ? 0 : 1);

function node({ platform, node: { version, path } }: Facts): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const enough = major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
  if (enough) return ok(`${version} (${path})`);
  return missing(`${version} is older than ${OLDEST_NODE.join('.')}`, fixes(platform).node);
}

function koffi({ platform, koffi: { problem, version } }: Facts): Finding {
  const library = platform === 'win32' ? 'kernel32.dll' : 'the C library';
  if (problem === undefined) return ok(`koffi ${version} calls ${library}`);
  return missing(`koffi cannot call ${library}: ${problem}`, fixes(platform).install);
}

const hold = ({ hold: { ok: works, detail, fix, goesWithout } }: Facts): Finding =>
  works ? ok(detail) : goesWithout ? note(detail, fix) : missing(detail, fix);

/** Yama's ptrace_scope decides who may take a descriptor out of a process. Source: kernel Documentation/admin-guide/LSM/Yama.rst */
function yama(scope: number): Finding {
  if (scope <= 1) return ok(`ptrace_scope ${scope}: a parent may reach its own children`);
  if (scope === 2) return note('ptrace_scope 2: only root may reach other processes', 'sudo sysctl kernel.yama.ptrace_scope=1');
  return note(
    `ptrace_scope ${scope}: no process may reach another until the next start`,
    'set kernel.yama.ptrace_scope=1 in /etc/sysctl.d and restart',
  );
}

function container({ container: kind, hold: { ok: works } }: Facts): Finding {
  if (works) return note(`inside ${kind}: connections of commands in here can be held`);
  return note(
    `inside ${kind}: its own seccomp profile may be in the way`,
    'start it with a profile that allows seccomp and pidfd_getfd, or run outside',
  );
}

const folders = ({ folders: { home, problem } }: Facts): Finding => (problem ? missing(problem) : ok(home));

function database(platform: NodeJS.Platform, { path, state, detail }: Facts['store']): Finding {
  if (state === 'absent') return ok(`${path} is made at the first run`);
  if (state === 'ok') return ok(`${path}, sound`);
  if (state === 'busy') return note(`${path} is in use and could not be checked`, 'try again when no other Sallyport writes');
  const how = { unreadable: 'cannot be opened', unwritable: 'cannot be written', damaged: 'is damaged' }[state];
  const fix = state === 'damaged' ? fixes(platform).moveAside : fixes(platform).makeWritable;
  return missing(`${path} ${how}${detail ? `: ${detail}` : ''}`, fix(path));
}

function settings({ settings: { path, problems } }: Facts): Finding {
  return problems.length === 0 ? ok(path) : note(problems.join(' '), 'sallyport settings');
}

function terminal({ platform, terminal: t }: Facts): Finding {
  if (!t.tty) return note('none: events are printed a line each, and the default answers');
  if (t.term === 'dumb') return note('TERM=dumb: events are printed a line each', fixes(platform).terminalType);
  const size = `${t.columns}×${t.rows}`;
  if (t.columns < SMALLEST.columns || t.rows < SMALLEST.rows) {
    return note(`${size} is small`, `make it at least ${SMALLEST.columns}×${SMALLEST.rows}`);
  }
  return ok(`${t.term ?? 'unnamed'}, ${size}`);
}

function colours({ platform, terminal: t }: Facts): Finding {
  if (!t.tty) return ok('none are needed without a terminal');
  if (t.noColor) return note('none: NO_COLOR is set');
  if (t.colourBits <= 1) return note('none: the terminal announces no colours', fixes(platform).terminalType);
  return ok({ 4: '16', 8: '256', 24: '16 million' }[t.colourBits] ?? `${2 ** t.colourBits}`);
}

const text = ({ terminal: t }: Facts): Finding =>
  t.utf8
    ? ok(t.locale ? `UTF-8 (${t.locale})` : 'UTF-8')
    : note(`the locale ${t.locale || '(none set)'} is not UTF-8: borders are ASCII`, 'export LANG=C.UTF-8');

function session({ tmux, ssh }: Facts): Finding {
  return ok([tmux && 'inside tmux', ssh && 'over SSH'].filter(Boolean).join(', '));
}
