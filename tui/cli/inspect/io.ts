import { UnreadableError } from '../../../engine/dumps/problem.ts';
import { FlowError } from '../../../engine/explain/flow.ts';
import { Failure, UsageError } from '../exit.ts';
import { canDraw } from '../terminal.ts';

/** What an inspect command takes from the world. A CommandContext of the command line fits. */
export interface InspectIo {
  readonly stdout: { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: { write(text: string): unknown };
  readonly stdin: AsyncIterable<Uint8Array | string>;
  readonly env: NodeJS.ProcessEnv;
}

/** A command: resolves to the exit code; every failure has been told in one sentence on standard error. */
export type InspectCommand = (args: readonly string[], io: InspectIo) => Promise<number>;

/** Wraps a command so that what goes wrong becomes a sentence and an exit code: 2 for a wrong question, 1 for the rest. */
export function command(body: InspectCommand): InspectCommand {
  return async (args, io) => {
    try {
      return await body(args, io);
    } catch (error) {
      const wrong = error instanceof UsageError || error instanceof FlowError;
      if (!wrong && !(error instanceof Failure) && !(error instanceof UnreadableError)) throw error;
      io.stderr.write(`sallyport: ${(error as Error).message}\n`);
      return wrong ? 2 : error instanceof Failure ? error.exitCode : 1;
    }
  };
}

/** Whether a full screen may be drawn. */
export const drawsScreen = (io: InspectIo): boolean =>
  canDraw(io.stdin as NodeJS.ReadStream, io.stdout as NodeJS.WriteStream, io.env);

/** Stable JSON: 64-bit numbers and bytes never reach it, they are text already. */
export const json = (io: InspectIo, value: unknown): void => void io.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
