import { plain } from '../../../engine/rules/describe.ts';
import type { Guard } from '../../../machines/guard.ts';
import type { GuardStatus } from '../../../machines/guard-client.ts';
import type { GuardExit } from '../../../machines/guard-events.ts';
import type { CommandContext } from '../commands.ts';
import { eventJson, eventLine } from './line-format.ts';

const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGBREAK'] as const;

/** What is guarded, who answers, and what happens when Sallyport dies: said once at the start. */
export function banner({ kind, title, failPolicy, defaultVerdict, timeout }: GuardStatus): string {
  if (kind === 'net-events') {
    const after = failPolicy === 'closed' ? 'goes on being dropped' : 'passes';
    return `sallyport guards ${plain(title).slice(0, 60)}: what no rule permits is dropped and told afterwards; if sallyport dies, it ${after}`;
  }
  const answers = `nobody is asked here: ${defaultVerdict} ${timeout === undefined ? 'at once' : `after ${timeout} s`}`;
  if (failPolicy === 'none') return `sallyport plays ${plain(title).slice(0, 60)}; nothing is enforced; ${answers}`;
  return `sallyport guards ${plain(title).slice(0, 60)}; ${answers}; if sallyport dies, its connections ${failPolicy === 'closed' ? 'fail' : 'pass'}`;
}

/**
 * Runs a guard without a screen: one line per event. Lines go to standard error, so the command's own output stays clean; with `json`,
 * everything goes to standard output as JSON lines, the command's output included. Signals go to the command; the same one twice ends it.
 */
export async function lineMode(guard: Guard, context: CommandContext, json: boolean): Promise<GuardExit> {
  const { stdout, stderr } = context;
  const { kind } = guard.snapshot().status;
  const stop = guard.events(event => {
    if (json) {
      stdout.write(`${eventJson(event, kind)}\n`);
      return;
    }
    if (event.type === 'output') (event.stream === 'stdout' ? stdout : stderr).write(event.data);
    const line = eventLine(event, kind);
    if (line !== undefined) stderr.write(`${line}\n`);
  });
  let interruptedBy: NodeJS.Signals | undefined;
  const seen = new Set<NodeJS.Signals>();
  const handlers = FORWARDED.map(signal => {
    const handler = () => {
      if (guard.snapshot().status.phase === 'starting') {
        // There is no command yet that could take it.
        interruptedBy = signal;
        void guard.stop();
        return;
      }
      if (guard.snapshot().status.kind !== 'run') {
        // There is no command: what is guarded or played goes on without us.
        interruptedBy = signal;
        void guard.stop();
        return;
      }
      // What is typed at a terminal reaches the command from there already: both are in its foreground group.
      if (!json && context.stdin.isTTY && (signal === 'SIGINT' || signal === 'SIGQUIT')) return;
      const again = seen.has(signal);
      seen.add(signal);
      void guard.send({
        type: 'signal',
        signal: again || signal === 'SIGQUIT' ? 'SIGKILL' : signal === 'SIGINT' ? 'SIGINT' : 'SIGTERM',
      });
    };
    process.on(signal, handler);
    return () => process.off(signal, handler);
  });
  try {
    const tellWhat = () => json || stderr.write(`${banner(guard.snapshot().status)}\n`);
    // A command's output begins with the guard, so it is said before; a machine is guarded when it is.
    const first = kind === 'run' || kind === 'recorded';
    if (first) tellWhat();
    await guard.start();
    if (!first && guard.snapshot().status.phase === 'running') tellWhat();
    const exit = await guard.exited;
    return interruptedBy === undefined ? exit : { code: null, signal: interruptedBy };
  } finally {
    for (const off of handlers) off();
    // Events of the stop itself, withdrawn requests for example, still have their line.
    await guard.stop();
    stop();
  }
}
