import { newGuid } from '../../../engine/model/guid.ts';
import { parseCommandArgs } from '../args.ts';
import { COMMANDS, type CommandContext } from '../commands.ts';
import { Failure, UsageError } from '../exit.ts';
import { openGuardSession } from '../host/guard-session.ts';
import { holdFacts } from '../host/hold-facts.ts';
import { canRun, type HoldProbe, labCommand, labRules, startLabServers } from '../lab/lab.ts';
import { preparePaths } from '../prepare.ts';
import { attend } from './attend.ts';
import { exitCodeOf } from './exit-code.ts';
import { playRecording } from './recorded-command.ts';
import { recorded } from './recording.ts';
import { attendOptions } from './run-options.ts';

/** The lab holds a command of its own, which Windows cannot: there, the whole machine is held or nothing. */
const labFacts = async (): Promise<HoldProbe> =>
  process.platform === 'win32' ? { ok: false, detail: 'on Windows no single command can be held' } : holdFacts();

/** `sallyport lab`: live where the kernel can hold calls, else the lab's own recording. */
export async function labCommandMain(context: CommandContext): Promise<number> {
  const args = parseCommandArgs('lab', context.args, COMMANDS.find(c => c.name === 'lab')?.options ?? []);
  if (args.positionals.length > 0) throw new UsageError(`unexpected '${args.positionals[0]}'; the lab brings its own programs`);
  const options = await attendOptions(args, preparePaths(context));
  const decision = canRun(await labFacts());
  if (decision.kind === 'none') throw new Failure(decision.message);
  if (decision.kind === 'recorded') {
    context.stderr.write(`sallyport: ${decision.message}\n`);
    return playRecording(context, decision.path, undefined, options);
  }
  const { linuxRunSource } = await import('../host/run-source.ts');
  const servers = await startLabServers();
  try {
    const now = Date.now();
    const rules = labRules(servers.ports).map(rule => ({ ...rule, id: newGuid(), createdAt: now }));
    const exit = await attend(context, {
      ...options,
      rules: [...(options.rules ?? []), ...rules],
      open: opening =>
        openGuardSession({
          ...opening,
          source: replica =>
            recorded(
              linuxRunSource({ ...labCommand(servers.ports), stdio: 'pipe', blockErrno: 'EACCES' }, replica),
              args.text['record'],
            ),
        }),
    });
    return exitCodeOf(exit);
  } finally {
    await servers.stop();
  }
}
