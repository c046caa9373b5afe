import { version } from '../../package.json' with { type: 'json' };
import { parseCommandArgs } from './args.ts';
import { COMMANDS, type CommandContext } from './commands.ts';
import { doctor } from './doctor/doctor.ts';
import { holdFacts } from './host/hold-facts.ts';
import { paths } from './settings/settings.ts';

/** `sallyport doctor`. Changes nothing: folders are looked at, not made. */
export async function doctorCommand({ args, env, stdin, stdout }: CommandContext): Promise<number> {
  const { flags } = parseCommandArgs('doctor', args, COMMANDS.find(c => c.name === 'doctor')?.options ?? []);
  const { output, exitCode } = await doctor(
    { sallyport: version, paths: paths(env), env, stdin, stdout, probeHold: holdFacts },
    flags.has('json'),
  );
  stdout.write(output);
  return exitCode;
}
