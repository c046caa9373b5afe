import { FlowError } from '../../engine/explain/flow.ts';
import type { Filter } from '../../engine/model/objects.ts';
import { type FieldName, overall, type Question, type Stage, stageVerdict } from './question.ts';

/** A trace on the screen: traffic as it was, as it is changed now, and what comes of both. */
export interface Trace {
  readonly original: Question;
  readonly before: readonly Stage[];
  readonly question: Question;
  readonly stages: readonly Stage[];
  /** Place in `question.fields`. */
  readonly focus: number;
  /** Which layer of the path is looked at. */
  readonly stage: number;
  /** Filters that do not match are listed too. */
  readonly all: boolean;
  /** Why the last change could not be made. */
  readonly problem?: string;
  /** What was recorded of this traffic, where it is of an event. */
  readonly recorded?: string;
  /** Run-time id that the record names, else of the filter that decides now. */
  readonly filterId?: bigint;
}

/** @throws FlowError when the question makes no sense */
export function openTrace(question: Question, more: Pick<Trace, 'recorded' | 'filterId'> = {}): Trace {
  const stages = question.ask();
  return { original: question, before: stages, question, stages, focus: 0, stage: overall(stages).at, all: false, ...more };
}

const around = (at: number, by: number, length: number) => (length === 0 ? 0 : (at + by + length) % length);

export const focusBy = (trace: Trace, by: number): Trace => ({
  ...trace,
  focus: around(trace.focus, by, trace.question.fields.length),
});

export const stageBy = (trace: Trace, by: number): Trace => ({
  ...trace,
  stage: Math.max(0, Math.min(trace.stages.length - 1, trace.stage + by)),
});

export const focused = (trace: Trace): FieldName => trace.question.fields[trace.focus]!;

/** With one part changed. What can not be is told, and the question stays as it was. */
export function change(trace: Trace, field: FieldName, text: string): Trace {
  const { problem: _, ...rest } = trace;
  try {
    const question = trace.question.with(field, text);
    const stages = question.ask();
    return { ...rest, question, stages, stage: overall(stages).at };
  } catch (error) {
    if (!(error instanceof FlowError)) throw error;
    return { ...rest, problem: error.message };
  }
}

export const restore = (trace: Trace): Trace => {
  const { problem: _, ...rest } = trace;
  return { ...rest, question: rest.original, stages: rest.before, stage: overall(rest.before).at };
};

/** Asked again, because the filters changed. */
export function again(trace: Trace): Trace {
  const before = trace.original.ask();
  return { ...trace, before, stages: trace.question === trace.original ? before : trace.question.ask() };
}

/** Parts that differ from the traffic as it was. */
export const changed = ({ original, question }: Trace): readonly FieldName[] =>
  question.fields.filter(field => question.text(field) !== original.text(field));

/**
 * The filter that decides. Where what is unknown could let one above it decide to the same end, it is the first that decides for sure,
 * and not `certain`.
 */
export function decider(stages: readonly Stage[]): { readonly filter: Filter; readonly certain: boolean } | undefined {
  const trace = stages[overall(stages).at]?.trace;
  if (!trace || trace.action === 'unknown') return undefined;
  if (trace.filter) return { filter: trace.filter, certain: true };
  const sure = trace.subLayers.find(({ yields, decidedBy }) => yields === trace.action && decidedBy !== undefined);
  const found = sure?.filters.find(({ filter }) => filter.filterId === sure.decidedBy);
  return found && { filter: found.filter, certain: false };
}

export { stageVerdict };
