import { openRecording } from '../../../driver/recorded/recording.ts';
import { parseCommandArgs } from '../args.ts';
import { COMMANDS, type CommandContext } from '../commands.ts';
import { EXIT, Failure, UsageError } from '../exit.ts';
import { type GuardSessionOptions, openGuardSession } from '../host/guard-session.ts';
import { preparePaths } from '../prepare.ts';
import { type AttendOptions, attend } from './attend.ts';
import { attendOptions } from './run-options.ts';

function parseSpeed(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const speed = Number(text);
  if (!(speed > 0 && speed <= 1_000_000)) throw new UsageError(`--speed takes a number above 0, got '${text}'`);
  return speed;
}

/** Plays a recording behind the same screen or line mode as a live source. */
export async function playRecording(
  context: CommandContext,
  file: string,
  speed: number | undefined,
  options: Omit<AttendOptions, 'open'>,
): Promise<number> {
  // What the recording was made with decides what it was asked; the rules of today decide what is asked now, or, on Windows, where what
  // filters is no place to play in, those made while it plays.
  const inMemory = process.platform === 'win32';
  let decide: Parameters<GuardSessionOptions['source']>[1] | undefined;
  const { source } = await openRecording(file, {
    ...(speed === undefined ? {} : { speed }),
    decide: attempt => (decide ? decide(attempt) : { action: 'ask' }),
  }).catch((error: Error) => {
    throw error.name === 'RecordingError' ? new Failure(error.message) : error;
  });
  const exit = await attend(context, {
    ...options,
    open: opening => {
      if (inMemory) opening.tell('a recording plays apart from this machine: rules made here end with it');
      return openGuardSession({
        ...opening,
        inMemory,
        source: (_, live) => {
          decide = live;
          return source;
        },
      });
    },
  });
  // What was recorded ended as it did then; playing it is done when it was played.
  return exit.failure === undefined ? EXIT.ok : EXIT.failure;
}

/** `sallyport recorded FILE`. */
export async function recordedCommand(context: CommandContext): Promise<number> {
  const args = parseCommandArgs('recorded', context.args, COMMANDS.find(c => c.name === 'recorded')?.options ?? []);
  const [file, more] = args.positionals;
  if (file === undefined) throw new UsageError('name the recording: sallyport recorded FILE');
  if (more !== undefined) throw new UsageError(`unexpected '${more}'; one recording is played at a time`);
  return playRecording(context, file, parseSpeed(args.text['speed']), await attendOptions(args, preparePaths(context)));
}
