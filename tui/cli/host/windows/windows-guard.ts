import { processFacts } from '../../../../driver/windows/process-facts.ts';
import type { ConnectionSource } from '../../../../engine/model/attempt.ts';
import { decideAttempt } from '../../../../engine/rules/attempt-values.ts';
import { createGuard } from '../../../../machines/guard.ts';
import type { GuardHost } from '../../../../machines/guard-host.ts';
import { Failure } from '../../exit.ts';
import { realClock } from '../clock.ts';
import { idleSource } from '../idle-source.ts';
import { addRunRules, explainDeciding, type GuardSession, guardOptions, historyOf, type OpenOptions } from '../opening.ts';
import { processAlive } from '../process-alive.ts';
import { type Bfe, openBfe } from './bfe.ts';
import { findDriver } from './find-driver.ts';
import { type AskingSource, driverSource, netEventSource } from './sources.ts';

/** What a guard on Windows works with: `driver` holds, or, where it is not loaded, net events tell of drops; `net-events` always. */
export type WindowsMode = 'driver' | 'net-events' | 'idle';

export interface WindowsOptions extends OpenOptions {
  /**
   * When this program dies. `closed`: what asks stays in the engine, so what no rule permits fails, until a guard begins again, the filters
   * are taken away or the machine starts anew. `open`: it goes, and only rules decide.
   */
  readonly fail: 'closed' | 'open';
  /** Gets the source and gives the one to use, which may write down what happens. */
  readonly recorded?: (source: ConnectionSource) => ConnectionSource;
}

const WITHOUT_DRIVER =
  'the callout driver is not loaded, so nothing can be held: connections are dropped and asked about afterwards (sc start sallyport loads it)';

/** Chooses before anything is changed in the engine. @throws Failure when there is a driver that cannot be used */
async function chooseSource(bfe: Bfe, mode: WindowsMode, options: WindowsOptions): Promise<AskingSource | undefined> {
  if (mode === 'idle') return undefined;
  if (mode === 'net-events') return netEventSource(bfe, options.fail);
  const driver = await findDriver();
  if (driver.kind === 'unusable') throw new Failure(`${driver.why}; without the driver: sallyport guard --net-events`);
  if (driver.kind === 'usable' && driver.deciderAttached)
    throw new Failure('another Sallyport guards this machine already; end it first');
  if (driver.kind === 'usable') return driverSource(bfe, options.settings.timeout, options.fail);
  options.tell(WITHOUT_DRIVER);
  return netEventSource(bfe, options.fail);
}

/** Without a driver an unanswered question stays what it is, a drop: it cannot be permitted by default, and nothing runs out. */
function settingsFor(source: AskingSource | undefined, options: WindowsOptions): WindowsOptions {
  if (source?.source.kind !== 'net-events') return options;
  if (options.settings.defaultVerdict === 'permit')
    options.tell('without the driver the default can only be block: what nobody answers stays dropped');
  return { ...options, settings: { ...options.settings, defaultVerdict: 'block', timeout: null } };
}

/** Whether the process with this id is the one that began then. */
function windowsProcessAlive(pid: number, startTime?: number): boolean {
  if (startTime === undefined) return processAlive(pid);
  return processFacts(pid)?.startTime === startTime;
}

/**
 * Puts a guard of this machine together: the Base Filtering Engine for the objects, the driver or net events for what is asked.
 * @throws WfpError without the service or rights, Failure when the driver cannot be used; nothing is changed and nothing stays open then
 */
export async function openWindowsGuard(given: WindowsOptions, mode: WindowsMode): Promise<GuardSession> {
  let tell: (error: unknown) => void = () => {};
  const bfe = await openBfe(error => tell(error));
  try {
    const chosen = await chooseSource(bfe, mode, given);
    const options = settingsFor(chosen, given);
    await addRunRules(bfe.engine, bfe.dynamic, options.rules);
    const history = historyOf(options);
    const { mirror } = bfe;
    const decide: GuardHost['decide'] = attempt => decideAttempt((key, values) => mirror.classify(key, values), attempt);
    const host: GuardHost = {
      engine: bfe.engine,
      dynamic: bfe.dynamic,
      source: chosen ? (options.recorded?.(chosen.source) ?? chosen.source) : idleSource(),
      asking: chosen?.asking ?? 'nothing',
      history,
      decide,
      explain: attempt => explainDeciding(attempt, decide, (key, values) => mirror.explain(key, values)),
      published: () => mirror.refresh(),
      processAlive: windowsProcessAlive,
      clock: realClock,
    };
    let told = '';
    tell = error => {
      const message = `the engine's filters could not be read: ${(error as Error).message}`;
      if (message !== told) options.tell(message);
      told = message;
    };
    const guard = createGuard(host, guardOptions(options));
    let closing: Promise<void> | undefined;
    const close = async () => {
      await guard.stop();
      history.close();
      await bfe.close();
    };
    return {
      guard,
      close: () => {
        closing ??= close();
        return closing;
      },
    };
  } catch (error) {
    await bfe.close();
    throw error;
  }
}
