#!/usr/bin/env node
import { version } from '../../package.json' with { type: 'json' };
import { COMMANDS, type CommandContext } from './commands.ts';
import { enablePrivateCompileCache } from './compile-cache.ts';
import { EXIT, Failure, UsageError } from './exit.ts';
import { commandHelp, mainHelp } from './help.ts';

/** Errors of the engines and of the driver whose message is one sentence for people. */
const SENTENCES: ReadonlySet<string | undefined> = new Set([
  'StoreError',
  'HistoryError',
  'WfpError',
  'DriverError',
  'BrokenStructureError',
]);

/** node:sqlite, and what else the program is made of, came with this version. */
const LEAST_NODE = [22, 13] as const;

/** Finds and runs the command. Only this file writes the sentence for an error and chooses the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  const { stdin, stdout, stderr, env } = process;
  const context = (own: readonly string[]): CommandContext => ({ args: own, stdin, stdout, stderr, env });
  if (name === '--help' || name === '-h' || name === 'help') {
    const about = name === 'help' && rest[0] !== undefined ? COMMANDS.find(c => c.name === rest[0]) : undefined;
    stdout.write(about ? commandHelp(about) : mainHelp());
    return EXIT.ok;
  }
  if (name === '--version' || name === '-V') {
    stdout.write(`sallyport ${version}\n`);
    return EXIT.ok;
  }
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < LEAST_NODE[0] || (major === LEAST_NODE[0] && minor < LEAST_NODE[1]))
    throw new Failure(
      `Node ${LEAST_NODE.join('.')} or newer is needed, this is ${process.versions.node}; in the project's folder: npm run sallyport`,
    );
  if (name?.startsWith('-')) throw new UsageError(`unknown option ${name}; see: sallyport --help`);
  if (name === undefined) {
    enablePrivateCompileCache(env);
    return (await import('./start-command.ts')).startCommand(context([]));
  }
  const command = COMMANDS.find(c => c.name === name);
  if (!command) throw new UsageError(`unknown command '${name}'; commands: ${COMMANDS.map(c => c.name).join(', ')}`);
  const cut = rest.indexOf('--');
  if (rest.slice(0, cut < 0 ? undefined : cut).some(a => a === '--help' || a === '-h')) {
    stdout.write(commandHelp(command));
    return EXIT.ok;
  }
  enablePrivateCompileCache(env);
  return (await command.load())(context(rest));
}

/** Waits until what was written has left the process, so that exiting cannot cut a pipe's last lines. */
const drained = (stream: NodeJS.WriteStream) => new Promise<void>(done => stream.write('', () => done()));

for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.ok);
  });

main(process.argv.slice(2))
  .catch((error: unknown) => {
    if (error instanceof UsageError || error instanceof Failure) {
      process.stderr.write(`sallyport: ${error.message}\n`);
      return error instanceof Failure ? error.exitCode : EXIT.usage;
    }
    const known = error as { name?: string; message?: string; stack?: string };
    if (SENTENCES.has(known.name)) process.stderr.write(`sallyport: ${known.message}\n`);
    else process.stderr.write(`sallyport: this is a bug in sallyport, please report it: ${known.stack ?? String(error)}\n`);
    return EXIT.failure;
  })
  .then(async code => {
    await Promise.all([drained(process.stdout), drained(process.stderr)]);
    process.exit(code);
  });
