import type { OptionSpec } from './args.ts';
import { INSPECT_OPTIONS } from './inspect/options.ts';

/** What every command gets from the process. */
export interface CommandContext {
  readonly args: readonly string[];
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly env: NodeJS.ProcessEnv;
}

/** A command's module: resolves to the exit code. */
export type CommandMain = (context: CommandContext) => Promise<number>;

export interface CommandSpec {
  readonly name: string;
  readonly usage: string;
  readonly summary: string;
  readonly options: readonly OptionSpec[];
  /** Further usage lines: subcommands and arguments. */
  readonly details?: readonly string[];
  readonly examples: readonly string[];
  readonly load: () => Promise<CommandMain>;
}

const json: OptionSpec = { name: 'json', summary: 'stable JSON on standard output' };
const runOptions: readonly OptionSpec[] = [
  { name: 'default', value: 'block|permit', summary: 'what answers when nobody does (setting: defaultVerdict)' },
  { name: 'timeout', value: 'S', summary: 'seconds until the default answers (setting: timeout)' },
  { name: 'rules', value: 'FILE', summary: 'rules for this run only, from a YAML or JSON export' },
  { name: 'refuse', summary: 'blocked calls fail with ECONNREFUSED instead of EACCES' },
  { name: 'record', value: 'FILE', summary: 'also write everything that happens to a recording' },
  { name: 'line', summary: 'one line per event even on a terminal' },
  { name: 'theme', value: 'NAME', summary: 'dark, light, high-contrast or mono, this time only' },
  json,
];
const scopeOptions: readonly OptionSpec[] = [
  { name: 'app', value: 'PATH', summary: 'program; absent: any program' },
  { name: 'user', value: 'NAME', summary: 'user name or id; absent: any user' },
  { name: 'remote', value: 'ADDRESS|CIDR|NAME', summary: 'remote side; *.NAME for every name below; absent: any' },
  { name: 'port', value: 'N|N-M', summary: 'remote port for out, local port for in; absent: any' },
  { name: 'protocol', value: 'tcp|udp|N', summary: 'absent: any' },
  { name: 'direction', value: 'out|in', summary: 'default out' },
  { name: 'for', value: '15m', summary: 'lifetime: 30s, 15m, 2h, 7d' },
  { name: 'permanent', summary: 'lifetime: for ever (the default)' },
  { name: 'note', value: 'TEXT', summary: 'why, for whoever reads it later' },
];

/** Inspect commands parse their own options: they belong to the readers of other machines' filters. */
const inspect = (name: string) => async (): Promise<CommandMain> => (await import('./inspect-command.ts')).inspectCommand(name);

/** Every command, as data: dispatch, help and the README's table read it. */
export const COMMANDS: readonly CommandSpec[] = [
  {
    name: 'run',
    usage: 'run [OPTIONS] -- COMMAND…',
    summary: 'hold every connection of a command until it is answered',
    options: runOptions,
    examples: [
      'sallyport run -- npm ci',
      'sallyport run --default block --timeout 30 -- ./deploy.sh',
      'sallyport run --json -- curl -s https://registry.example/ | jq',
    ],
    load: async () => (await import('./run/run-command.ts')).runCommand,
  },
  {
    name: 'guard',
    usage: 'guard [OPTIONS]',
    summary: 'on Windows: ask about connections of all programs, held by the driver or dropped first',
    options: [
      ...runOptions.filter(o => o.name !== 'refuse'),
      { name: 'net-events', summary: 'without the driver: drop first, ask afterwards' },
      {
        name: 'fail',
        value: 'closed|open',
        summary: 'if sallyport dies: what no rule permits fails (closed, the default) or passes',
      },
      { name: 'off', summary: 'take away the asking filters that a guard left when it died; rules stay' },
    ],
    examples: [
      'sallyport guard',
      'sallyport guard --default block --timeout 30 --line',
      'sallyport guard --net-events',
      'sallyport guard --off',
    ],
    load: async () => (await import('./run/guard-command.ts')).guardCommand,
  },
  {
    name: 'lab',
    usage: 'lab [--record FILE] [OPTIONS]',
    summary: 'try it: real clients and servers on loopback, held live',
    options: runOptions,
    examples: ['sallyport lab', 'sallyport lab --record mine.jsonl --default permit --line'],
    load: async () => (await import('./run/lab-command.ts')).labCommandMain,
  },
  {
    name: 'recorded',
    usage: 'recorded FILE [OPTIONS]',
    summary: 'play recordings, Sysmon and Security logs; nothing is enforced',
    options: [
      ...runOptions.filter(o => !['record', 'refuse'].includes(o.name)),
      { name: 'speed', value: 'N', summary: 'times as fast as recorded' },
    ],
    examples: ['sallyport recorded lab.jsonl', 'sallyport recorded sysmon.jsonl.gz --speed 20'],
    load: async () => (await import('./run/recorded-command.ts')).recordedCommand,
  },
  {
    name: 'rules',
    usage: 'rules list|add|remove|enable|disable|export|import|plan|apply',
    summary: 'read and change what was decided',
    options: [
      ...scopeOptions,
      { name: 'format', value: 'yaml|json', summary: 'of an export' },
      {
        name: 'from',
        value: 'KIND',
        summary: 'of an import: sallyport, simplewall, windows-firewall, opensnitch, tinywall (default: by content)',
      },
      json,
    ],
    details: [
      'rules list',
      'rules add permit|block [SCOPE] [--for 15m|--permanent] [--note TEXT]',
      'rules remove|enable|disable ID…',
      'rules export [FILE]',
      'rules import FILE',
      'rules plan FILE',
      'rules apply FILE',
    ],
    examples: [
      'sallyport rules list',
      'sallyport rules add permit --app /usr/bin/curl --remote registry.example --port 443',
      'sallyport rules add block --remote 203.0.113.0/24 --for 2h --note "noisy"',
      'sallyport rules export > rules.yaml',
    ],
    load: async () => (await import('./rules/rules-command.ts')).rulesCommand,
  },
  {
    name: 'filters',
    usage: 'filters [FILE] [OPTIONS]',
    summary: "the engine's own objects, live or from a dump",
    options: INSPECT_OPTIONS.filters,
    examples: ['sallyport filters', 'sallyport filters dump.xml --layer ale_auth_connect_v4 --app chrome --json'],
    load: async () => (await import('./filters-command.ts')).filtersCommand,
  },
  {
    name: 'inspect',
    usage: 'inspect FILE|--live [--json]',
    summary: 'read a dump of netsh wfp or an audit log',
    options: INSPECT_OPTIONS.inspect,
    examples: ['sallyport inspect wfpstate.xml'],
    load: inspect('inspect'),
  },
  {
    name: 'explain',
    usage: "explain FILE|--live ['PROGRAM -> ADDRESS:PORT/tcp'] [OPTIONS]",
    summary: 'why is this blocked, and whose filter is it',
    options: INSPECT_OPTIONS.explain,
    examples: [
      "sallyport explain wfpstate.xml 'chrome.exe -> 1.1.1.1:443/tcp'",
      'sallyport explain wfpstate.xml --filter-id 67391',
    ],
    load: inspect('explain'),
  },
  {
    name: 'diff',
    usage: 'diff A B [--json]',
    summary: 'what changed between two dumps',
    options: INSPECT_OPTIONS.diff,
    examples: ['sallyport diff before.xml after.xml'],
    load: inspect('diff'),
  },
  {
    name: 'replay',
    usage: 'replay AUDIT.jsonl [--report FILE] [--json]',
    summary: 'rebuild filters from an audit log and check every decision in it',
    options: INSPECT_OPTIONS.replay,
    examples: ['sallyport replay security.jsonl.gz'],
    load: inspect('replay'),
  },
  {
    name: 'health',
    usage: 'health FILE|--live [--json]',
    summary: 'filters that can never match, orphans, duplicates',
    options: INSPECT_OPTIONS.health,
    examples: ['sallyport health wfpstate.xml'],
    load: inspect('health'),
  },
  {
    name: 'history',
    usage: 'history [--limit N] [--app SUBSTRING] [--verdict V] [--json]',
    summary: 'what was asked and decided',
    options: [
      { name: 'limit', value: 'N', summary: 'newest N (default 50)' },
      { name: 'app', value: 'SUBSTRING', summary: 'only such programs' },
      { name: 'remote', value: 'TEXT', summary: 'only such addresses or names' },
      { name: 'verdict', value: 'V', summary: 'permit, block or withdrawn' },
      { name: 'since', value: '1h', summary: 'not older' },
      json,
    ],
    examples: ['sallyport history', 'sallyport history --verdict block --since 1d --json'],
    load: async () => (await import('./history-command.ts')).historyCommand,
  },
  {
    name: 'settings',
    usage: 'settings [KEY [VALUE]]',
    summary: 'read or change settings',
    options: [json],
    examples: ['sallyport settings', 'sallyport settings theme light'],
    load: async () => (await import('./settings-command.ts')).settingsCommand,
  },
  {
    name: 'doctor',
    usage: 'doctor [--json]',
    summary: 'what this machine can do, and what fixes the rest',
    options: [json],
    examples: ['sallyport doctor'],
    load: async () => (await import('./doctor-command.ts')).doctorCommand,
  },
];
