import { existsSync, readFileSync } from 'node:fs';
import { loadSettings, lookAtFolders, type Paths } from '../settings/settings.ts';
import { checkDatabase, type DatabaseFacts } from './database.ts';

/** Whether calls can be held here. */
export interface HoldFacts {
  readonly ok: boolean;
  /** One clause: what holds, or why nothing does. */
  readonly detail: string;
  readonly fix?: string;
  /** Nothing can be held, and the command works all the same in a lesser way, which `detail` tells. */
  readonly goesWithout?: boolean;
}

export interface TerminalFacts {
  /** Both standard input and output are a terminal. */
  readonly tty: boolean;
  readonly columns: number;
  readonly rows: number;
  readonly term?: string;
  /** 1, 4, 8 or 24. */
  readonly colourBits: number;
  readonly noColor: boolean;
  readonly locale: string;
  readonly utf8: boolean;
}

/** Everything that the report is made from. */
export interface Facts {
  readonly sallyport: string;
  readonly platform: NodeJS.Platform;
  readonly node: { readonly version: string; readonly path: string };
  readonly koffi: { readonly version?: string; readonly problem?: string };
  readonly hold: HoldFacts;
  /** /proc/sys/kernel/yama/ptrace_scope; absent where there is no Yama. */
  readonly yamaScope?: number;
  /** What kind of container this is, when it is one. */
  readonly container?: string;
  readonly folders: { readonly home: string; readonly problem?: string };
  readonly store: DatabaseFacts;
  readonly history: DatabaseFacts;
  readonly settings: { readonly path: string; readonly problems: readonly string[] };
  readonly terminal: TerminalFacts;
  readonly tmux: boolean;
  readonly ssh: boolean;
}

export interface FactSources {
  /** The program's version. */
  readonly sallyport: string;
  readonly paths: Paths;
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: Pick<NodeJS.ReadStream, 'isTTY'>;
  readonly stdout: Pick<NodeJS.WriteStream, 'isTTY'> & Partial<Pick<NodeJS.WriteStream, 'columns' | 'rows' | 'getColorDepth'>>;
  /** The driver's own probe: tries what `run` needs. A rejection counts as "no". */
  readonly probeHold: () => Promise<HoldFacts>;
  /** Where the kernel's files are; a test gives a folder of its own. */
  readonly root?: string;
  /** Where this runs; a test says another. */
  readonly platform?: NodeJS.Platform;
}

/** Gathers the facts; makes and changes nothing. */
export async function gatherFacts(sources: FactSources): Promise<Facts> {
  const { env, paths, root = '', platform = process.platform } = sources;
  const [koffi, hold, store, history] = await Promise.all([
    koffiFacts(),
    sources.probeHold().catch((error: unknown) => ({ ok: false, detail: `the probe failed: ${(error as Error).message}` })),
    checkDatabase(paths.store),
    checkDatabase(paths.history),
  ]);
  // On Windows such a path would be looked for on whatever drive is the current one.
  const posix = platform !== 'win32';
  const scope = posix ? Number.parseInt(readText(`${root}/proc/sys/kernel/yama/ptrace_scope`) ?? '', 10) : Number.NaN;
  const container = posix ? containerKind(env, root) : undefined;
  const problem = lookAtFolders(paths);
  return {
    sallyport: sources.sallyport,
    platform,
    node: { version: process.versions.node, path: process.execPath },
    koffi,
    hold,
    ...(Number.isInteger(scope) && { yamaScope: scope }),
    ...(container && { container }),
    folders: { home: paths.home, ...(problem && { problem }) },
    store,
    history,
    settings: { path: paths.settings, problems: loadSettings(paths).problems },
    terminal: terminalFacts(sources),
    tmux: Boolean(env['TMUX']),
    ssh: Boolean(env['SSH_CONNECTION'] ?? env['SSH_TTY']),
  };
}

/** Loads koffi and makes a call whose answer is known. */
async function koffiFacts(): Promise<Facts['koffi']> {
  try {
    const { default: koffi } = await import('koffi');
    const library = process.platform === 'win32' ? 'kernel32.dll' : null;
    const declaration = process.platform === 'win32' ? 'uint32_t GetCurrentProcessId()' : 'int getpid()';
    const pid: unknown = koffi.load(library).func(declaration)();
    return pid === process.pid ? { version: koffi.version } : { problem: 'a test call gave a wrong answer' };
  } catch (error) {
    return { problem: (error as Error).message.split('\n')[0] ?? 'unknown error' };
  }
}

function terminalFacts({ env, stdin, stdout }: FactSources): TerminalFacts {
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '';
  const term = env['TERM'];
  return {
    tty: Boolean(stdin.isTTY && stdout.isTTY),
    columns: stdout.columns ?? 0,
    rows: stdout.rows ?? 0,
    ...(term && { term }),
    colourBits: stdout.isTTY ? (stdout.getColorDepth?.(env) ?? 1) : 1,
    noColor: Boolean(env['NO_COLOR']),
    locale,
    utf8: process.platform === 'win32' || /utf-?8/i.test(locale),
  };
}

/** Which container, by the marks that the common ones leave. */
function containerKind(env: NodeJS.ProcessEnv, root: string): string | undefined {
  if (existsSync(`${root}/.dockerenv`)) return 'Docker';
  if (existsSync(`${root}/run/.containerenv`)) return 'Podman';
  if (env['KUBERNETES_SERVICE_HOST']) return 'Kubernetes';
  if (env['container']) return env['container'].slice(0, 32);
  return readText(`${root}/run/systemd/container`)?.trim().slice(0, 32) || undefined;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
