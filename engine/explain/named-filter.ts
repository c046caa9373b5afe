import type { ClassifyTrace, FilterTrace } from '../model/classify.ts';
import type { Filter } from '../model/objects.ts';

/** Which filter an audit event would name. */
export interface Naming {
  /** Every filter that can be the one. */
  readonly filters: readonly Filter[];
  /** There is exactly one, and nothing unknown can change that. */
  readonly certain: boolean;
}

interface Decider {
  readonly filter: Filter;
  readonly actions: readonly ('permit' | 'block')[];
}

function decider(trace: FilterTrace): Decider | undefined {
  if (trace.outcome !== 'matched' && trace.outcome !== 'unknown') return undefined;
  if (trace.yields === 'continue') return undefined;
  return { filter: trace.filter, actions: trace.yields ? [trace.yields] : ['permit', 'block'] };
}

/**
 * The filter that a connection event names: of the sublayers whose verdict is the final one, the heaviest one's terminating filter. (A
 * trace's own `filter` is the one that spoke last among equals, as arbitration carries it.) Checked against recorded decisions:
 * a permit of the service-hardening sublayer is named before the permit of the firewall sublayer below it.
 */
export function namedFilter(trace: ClassifyTrace): Naming {
  const finals = trace.action === 'unknown' ? trace.possible : [trace.action];
  const found = new Set<Filter>();
  let certain = trace.action !== 'unknown';
  for (const final of finals) {
    for (const subLayer of trace.subLayers) {
      let ended = false;
      // Something above may give this sublayer the other verdict; then a sublayer further down is the one that is named.
      let other = false;
      for (const each of subLayer.filters) {
        const can = decider(each);
        if (!can) continue;
        if (can.actions.includes(final)) found.add(can.filter);
        if (each.outcome === 'matched' && each.yields && each.yields !== 'continue') ended = can.actions[0] === final && !other;
        else {
          certain = false;
          other ||= can.actions.some(action => action !== final);
        }
      }
      if (ended) break;
    }
  }
  const filters = [...found];
  return { filters, certain: certain && filters.length === 1 };
}
