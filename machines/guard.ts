import { createActor, fromPromise } from 'xstate';
import type { ConnectionAttempt, DecidedAttempt, SourceEvent, Verdict } from '../engine/model/attempt.ts';
import { removeAsking } from '../engine/rules/asking.ts';
import { installBase } from '../engine/rules/base.ts';
import type { Scope } from '../engine/rules/rule.ts';
import { canonicalScope, covers } from '../engine/rules/scope.ts';
import { Activity } from './activity.ts';
import { EngineView } from './engine-view.ts';
import type { CommandResult, GuardClient, GuardCommand, GuardSnapshot, GuardStatus, Notice } from './guard-client.ts';
import { notKept, runCommand } from './guard-commands.ts';
import { type GuardEvent, type GuardExit, Listeners } from './guard-events.ts';
import type { GuardHost } from './guard-host.ts';
import { type GuardMachineEvent, guardMachine } from './guard-machine.ts';
import { phaseOf } from './guard-status.ts';
import { OutputLines } from './output-lines.ts';
import { Publisher } from './publisher.ts';
import { decidedBy, RequestDesk } from './request-desk.ts';
import { RuleBook, type RuleNews } from './rule-book.ts';
import { RuleCare } from './rule-care.ts';

export interface GuardOptions {
  readonly defaultVerdict: Verdict;
  /** Seconds until the default answers; undefined: never, while somebody can be asked. */
  readonly timeoutSeconds?: number;
  /** False in line mode without a person: the default answers at once. */
  readonly asksPerson: boolean;
  /** Name servers that every program may ask without a question. */
  readonly nameLookups?: readonly string[];
}

export interface Guard extends GuardClient {
  /** Installs what asking needs and starts the source. Resolves when it runs or has failed (see `exited`, `snapshot().status`). */
  start(): Promise<void>;
  /** Ends the source and writes history. Safe to call at any time, also twice. The sessions stay open: who opened them closes them. */
  stop(): Promise<void>;
  /** Resolves when the supervised command has ended, the source failed, or the guard was stopped. */
  readonly exited: Promise<GuardExit>;
  /** Tells what happens as it happens, for line mode and --json. Returns the unsubscribe function. */
  events(listener: (event: GuardEvent) => void): () => void;
}

/** Attempts that `preview` counts matches in. */
const PREVIEW_OF = 500;
const NOTICES_KEEP = 50;
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The running whole: a host's source, the requests that wait, the rules and history. One guard per source; it starts once. */
export function createGuard(host: GuardHost, options: GuardOptions): Guard {
  const { clock, source } = host;
  const { defaultVerdict, timeoutSeconds, asksPerson } = options;
  const events = new Listeners<GuardEvent>();
  const output = new OutputLines();
  const exit = Promise.withResolvers<GuardExit>();
  let notices: readonly Notice[] = [];
  let decided = 0;
  let running = false;
  let preparing: Promise<void> | undefined;
  let unsubscribe: (() => Promise<void>) | undefined;

  const notice = (level: Notice['level'], text: string) => {
    notices = [...notices, { seq: (notices.at(-1)?.seq ?? 0) + 1, level, text }].slice(-NOTICES_KEEP);
    events.tell({ type: 'notice', at: clock.now(), level, text });
    publisher.touch('notices');
  };

  const view = new EngineView(host.engine, () => publisher.touch('filters', 'subLayers', 'layers'));
  const refresh = () =>
    view.refresh().catch(error => notice('error', `The engine's filters could not be read: ${messageOf(error)}`));
  const activity = new Activity(host.history, message => notice('error', message));

  const onRules = (news: readonly RuleNews[]) => {
    for (const item of news) events.tell({ type: 'rule', at: clock.now(), ...item });
    publisher.touch('rules', 'canUndo');
    care.plan();
    void refresh();
  };
  const book = new RuleBook(host, onRules, filters => view.note(filters));

  const desk = new RequestDesk(
    host,
    { defaultVerdict, asksPerson, ...(timeoutSeconds === undefined ? {} : { timeoutMs: timeoutSeconds * 1000 }) },
    {
      changed: () => publisher.touch('requests', 'canUndo'),
      held: (request, attempt) => {
        const deadline = request.deadline === undefined ? {} : { deadline: request.deadline };
        events.tell({ type: 'held', at: clock.now(), request: request.id, attempt, ...deadline });
      },
      decided: (attempt, outcome, waited) => {
        const { verdict, by, ruleId, filterId } = outcome;
        const at = clock.now();
        const made = { verdict, by, waited, ...(ruleId ? { ruleId } : {}), ...(filterId ? { filterId } : {}) };
        activity.add({ at, attempt, ...made });
        events.tell({ type: 'decided', at, attempt, ...made });
        publisher.touch('activity');
      },
      withdrawn: (attempt, reason, waited) => {
        const at = clock.now();
        activity.add({ at, attempt, verdict: 'withdrawn', by: { kind: 'no-match' }, waited });
        events.tell({ type: 'withdrawn', at, attempt, reason, waited });
        publisher.touch('activity');
      },
      recordFailed: (_, outcome) => notice('error', `${notKept(source)}: ${outcome.recordFailure}`),
      problem: message => notice('error', message),
    },
  );

  const care = new RuleCare(host, book, {
    sweepIn: ms => tell({ type: 'sweep.in', ...(ms === undefined ? {} : { ms }) }),
    warning: text => notice('warning', text),
    error: text => notice('error', text),
    engineChanged: () => void refresh(),
    rulesChanged: () => {
      publisher.touch('rules');
      void desk.redecideAll();
    },
  });

  const prepare = async () => {
    const { asking = {} } = host;
    if (asking !== 'nothing') {
      await installBase(host.engine, host.dynamic, {
        failPolicy: source.failPolicy,
        ...asking,
        form: host,
        ...(options.nameLookups ? { nameLookups: options.nameLookups } : {}),
      });
    }
    await care.begin();
    activity.load();
    await refresh();
    publisher.touch('rules', 'activity');
    unsubscribe = await host.engine.subscribeChanges(care.onEngineChange);
    await host.published();
  };

  /** A guard that ends takes its asking filters with it; one whose source failed leaves them where they are meant to outlive it. */
  const removeWhatAsks = async () => {
    if (host.asking === 'nothing' || !host.asking?.outlives || !preparing) return;
    if (running && machine.getSnapshot().context.failure !== undefined)
      return notice('warning', 'What no rule permits goes on failing: begin again, or end it with sallyport guard --off.');
    await removeAsking(host.engine).catch(error => notice('error', `The filters that ask are still there: ${messageOf(error)}`));
  };

  const onDecided = (attempt: DecidedAttempt) => {
    decided++;
    const filterId = attempt.filterId === undefined ? undefined : String(attempt.filterId);
    const ruleId = view.ruleOf(attempt.filterId);
    const { filterId: _, filterKey: __, verdict, ...plainAttempt } = attempt;
    const made = {
      verdict,
      by: decidedBy(filterId, ruleId),
      waited: 0,
      ...(ruleId ? { ruleId } : {}),
      ...(filterId ? { filterId } : {}),
    };
    activity.add({ at: attempt.at, attempt: plainAttempt, ...made });
    if (events.size > 0) events.tell({ type: 'decided', at: attempt.at, attempt: plainAttempt, ...made });
    publisher.touch('activity', 'status');
  };

  const onSource = (event: SourceEvent): void => {
    switch (event.type) {
      case 'pended':
        desk.hold(event.attempt);
        break;
      case 'decided':
        onDecided(event.attempt);
        break;
      case 'withdrawn':
        desk.withdraw(event.id, event.reason);
        break;
      case 'completed':
        if (activity.complete(event.id, event.result)) publisher.touch('activity');
        events.tell({ type: 'completed', at: clock.now(), id: event.id, result: event.result });
        break;
      case 'named':
        desk.learn(event.address, event.evidence);
        break;
      case 'output':
        output.push(event.stream, event.data);
        publisher.touch('output');
        events.tell(event);
        break;
      case 'warning':
        notice('warning', event.message);
        break;
      case 'exited':
        desk.close();
        tell({ type: 'source.exited', code: event.code, signal: event.signal });
        events.tell({ type: 'exited', at: clock.now(), code: event.code, signal: event.signal });
        break;
      case 'failed':
        tell({ type: 'source.failed', message: event.message });
    }
  };

  const machine = createActor(
    guardMachine.provide({
      actors: {
        prepare: fromPromise(() => {
          preparing = prepare();
          return preparing;
        }),
        open: fromPromise(async () => {
          await source.start(onSource);
          running = true;
        }),
        close: fromPromise(async () => {
          desk.close();
          // What is under way may still add filters.
          await preparing?.catch(() => undefined);
          // First the source: what it lets go is classified once more, and the filters must still be there to say what the policy says.
          await Promise.allSettled([source.stop(), unsubscribe?.()]);
          await removeWhatAsks();
          activity.flush();
        }),
      },
      actions: { sweep: () => void care.sweep() },
    }),
    { clock },
  );

  /** To the machine, while it lives: a late event of the source or the second `stop` has nobody to go to. */
  const tell = (event: GuardMachineEvent) => {
    if (machine.getSnapshot().status === 'active') machine.send(event);
  };

  const status = (): GuardStatus => ({
    kind: source.kind,
    title: source.title,
    failPolicy: source.failPolicy,
    defaultVerdict,
    ...(timeoutSeconds === undefined ? {} : { timeout: timeoutSeconds }),
    ...phaseOf(machine.getSnapshot()),
    decided,
  });

  const publisher = new Publisher(clock, {
    status,
    requests: () => desk.table.list(),
    activity: () => activity.list(),
    rules: () => book.list(),
    filters: () => view.filters,
    subLayers: () => view.subLayers,
    layers: () => view.layers,
    output: () => output.list(),
    notices: () => notices,
    canUndo: () => book.canUndo,
  });

  const settled = Promise.withResolvers<void>();
  const stopped = Promise.withResolvers<void>();
  machine.subscribe(({ value, context }) => {
    publisher.touch('status');
    if (typeof value === 'object' || value === 'failed' || value === 'stopped') settled.resolve();
    if (context.failure) {
      if (value === 'failed') events.tell({ type: 'failed', at: clock.now(), message: context.failure });
      exit.resolve({ code: null, signal: null, failure: context.failure });
    } else if (context.exit) exit.resolve(context.exit);
    if (value === 'stopped') {
      exit.resolve({ code: null, signal: null });
      publisher.flush();
      stopped.resolve();
    }
  });
  machine.start();

  const stop = () => {
    tell({ type: 'stop' });
    return stopped.promise;
  };

  return {
    exited: exit.promise,
    start: () => {
      tell({ type: 'start' });
      return settled.promise;
    },
    stop,
    events: listener => events.add(listener),
    subscribe: listener => publisher.subscribe(listener),
    snapshot: (): GuardSnapshot => publisher.snapshot(),
    send: (command: GuardCommand): Promise<CommandResult> => runCommand({ host, desk, book, stop }, command),
    preview: (scope: Scope, verdict: Verdict = 'permit') => {
      const canonical = canonicalScope(scope);
      const requests = desk.table
        .list()
        .filter(request => desk.canAnswer(request.id) && covers(canonical, request.attempt, verdict));
      const recent = activity.recent(PREVIEW_OF);
      return {
        settles: requests.map(request => request.id),
        matched: recent.filter(attempt => covers(canonical, attempt, verdict)).length,
        of: recent.length,
      };
    },
    explain: (attempt: ConnectionAttempt) => host.explain(attempt),
  };
}
