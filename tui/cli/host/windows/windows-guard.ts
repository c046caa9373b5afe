import { processStartTime } from '../../../../driver/windows/process-facts.ts';
import type { ConnectionSource } from '../../../../engine/model/attempt.ts';
import { decideAttempt } from '../../../../engine/rules/attempt-values.ts';
import { takeGuardsPlace } from '../../../../engine/rules/guards-place.ts';
import { renewPrograms } from '../../../../engine/rules/moved-programs.ts';
import type { Rule } from '../../../../engine/rules/rule.ts';
import type { RuleStore } from '../../../../engine/rules/write-rules.ts';
import { createGuard } from '../../../../machines/guard.ts';
import type { GuardHost, HistoryStore } from '../../../../machines/guard-host.ts';
import { Failure } from '../../exit.ts';
import { realClock } from '../clock.ts';
import { followResolvers } from '../follow-resolvers.ts';
import { idleSource } from '../idle-source.ts';
import { addRunRules, explainDeciding, type GuardSession, guardOptions, historyOf, type OpenOptions } from '../opening.ts';
import { windowsForm } from './app-ids.ts';
import { type Bfe, openBfe } from './bfe.ts';
import { findDriver } from './find-driver.ts';
import { type AskingSource, driverSource, LONGEST_TIMEOUT_S, netEventSource } from './sources.ts';

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

const ANOTHER = 'another Sallyport guards this machine already; end it first';
const WITHOUT_DRIVER =
  'the callout driver is not loaded, so nothing can be held: connections are dropped and asked about afterwards (sc start sallyport loads it)';

/** Chooses before anything is changed in the engine. @throws Failure when there is a driver that cannot be used */
async function chooseMode(mode: WindowsMode, tell: WindowsOptions['tell']): Promise<WindowsMode> {
  if (mode !== 'driver') return mode;
  const driver = await findDriver();
  if (driver.kind === 'unusable') throw new Failure(`${driver.why}; without it: sallyport guard --net-events`);
  if (driver.kind === 'usable' && driver.deciderAttached) throw new Failure(ANOTHER);
  if (driver.kind === 'usable') return 'driver';
  tell(WITHOUT_DRIVER);
  return 'net-events';
}

/**
 * What can hold here bounds what can be promised. Without a driver an unanswered question stays what it is, a drop: it cannot be permitted by
 * default, and nothing runs out. With it nothing waits longer than the driver holds.
 */
function settingsFor(mode: WindowsMode, { settings, asksPerson, tell }: WindowsOptions): WindowsOptions['settings'] {
  if (mode === 'net-events') {
    if (settings.defaultVerdict === 'permit')
      tell('without the driver the default can only be block: what nobody answers stays dropped');
    return { ...settings, defaultVerdict: 'block', timeout: null };
  }
  if (mode === 'driver' && asksPerson && (settings.timeout ?? Number.POSITIVE_INFINITY) > LONGEST_TIMEOUT_S) {
    if (settings.timeout !== null)
      tell(`the driver holds a connection for an hour at most: the timeout is ${LONGEST_TIMEOUT_S} s`);
    return { ...settings, timeout: LONGEST_TIMEOUT_S };
  }
  return settings;
}

function sourceFor(bfe: Bfe, mode: WindowsMode, { settings, fail }: WindowsOptions): AskingSource | undefined {
  if (mode === 'idle') return undefined;
  const { timeout, defaultVerdict } = settings;
  const coreNetworking = settings.coreNetworking === 'permit';
  if (mode === 'net-events') return netEventSource(bfe, { fail, coreNetworking });
  return driverSource(bfe, { timeoutSeconds: timeout ?? LONGEST_TIMEOUT_S, defaultVerdict, fail, coreNetworking });
}

/** Whether the process with this id is the one that began then. One that may not be known about is taken to run: its rule stays. */
function windowsProcessAlive(pid: number, startTime?: number): boolean {
  const began = processStartTime(pid);
  return began !== 'gone' && (began === undefined || startTime === undefined || began === startTime);
}

/** The rules as this machine names programs today. */
async function renewRules(store: RuleStore, tell: WindowsOptions['tell']): Promise<void> {
  const { moved, lost } = await renewPrograms(store);
  const rules = (found: readonly Rule[]) => `${found.length} rule${found.length === 1 ? '' : 's'}`;
  if (moved.length > 0) tell(`a volume of this machine has another number now: the filters of ${rules(moved)} were written anew`);
  const names = lost.slice(0, 3).map(rule => rule.scope.app);
  if (lost.length > 0)
    tell(`${rules(lost)} for programs on drives that are not there now (${names.join(', ')}) may match nothing`);
}

/** The source, through which sentences become the guard's notices once it is started. */
function saying(source: ConnectionSource, use: (notice: (message: string) => void) => void): ConnectionSource {
  return {
    kind: source.kind,
    failPolicy: source.failPolicy,
    title: source.title,
    start: async listener => {
      use(message => listener({ type: 'warning', message }));
      await source.start(listener);
    },
    complete: (id, verdict) => source.complete(id, verdict),
    stop: () => source.stop(),
  };
}

/**
 * Puts a guard of this machine together: the Base Filtering Engine for the objects, the driver or net events for what is asked.
 * @throws WfpError without the service or rights, Failure when the driver cannot be used; nothing is changed and nothing stays open then
 */
export async function openWindowsGuard(given: WindowsOptions, mode: WindowsMode): Promise<GuardSession> {
  // Until the guard runs, beside the screen; from then on what is wrong is a notice on it.
  let say = given.tell;
  const bfe = await openBfe(message => say(message));
  let history: HistoryStore | undefined;
  try {
    const chosenMode = await chooseMode(mode, given.tell);
    const options = { ...given, settings: settingsFor(chosenMode, given) };
    history = historyOf(options);
    const chosen = sourceFor(bfe, chosenMode, options);
    const source = saying(chosen ? (options.recorded?.(chosen.source) ?? chosen.source) : idleSource(), notice => {
      say = notice;
    });
    if (chosen && !(await takeGuardsPlace(bfe.dynamic))) throw new Failure(ANOTHER);
    const { engine, dynamic, mirror } = bfe;
    const form = windowsForm();
    if (chosen) await renewRules({ engine, ...form }, given.tell);
    await addRunRules({ engine, dynamic, ...form }, options.rules);
    const decide: GuardHost['decide'] = attempt => decideAttempt((key, values) => mirror.classify(key, values), attempt);
    const host: GuardHost = {
      engine,
      dynamic,
      ...form,
      source,
      asking: chosen?.asking ?? 'nothing',
      history,
      decide,
      explain: attempt => explainDeciding(attempt, decide, (key, values) => mirror.explain(key, values)),
      published: () => mirror.refresh(),
      processAlive: windowsProcessAlive,
      clock: realClock,
    };
    const opened = guardOptions(options);
    const guard = createGuard(host, opened);
    const unfollow = followResolvers({ dynamic, first: chosen && opened.nameLookups, form });
    let closing: Promise<void> | undefined;
    const close = async () => {
      await unfollow();
      await guard.stop();
      history?.close();
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
    history?.close();
    await bfe.close();
    throw error;
  }
}
