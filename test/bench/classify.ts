import { pathToFileURL } from 'node:url';
import { Classifier } from '../../engine/embedded/classifier.ts';
import { automaticWeight } from '../../engine/embedded/weight.ts';
import type { ClassifyValues } from '../../engine/model/classify.ts';
import { CONDITION_KEY, LAYER_KEY } from '../../engine/model/keys.ts';
import { layerByKey } from '../../engine/model/layers.ts';
import type { Filter, FilterCondition, SubLayer } from '../../engine/model/objects.ts';
import type { FwpConditionValue, MatchType } from '../../engine/model/value.ts';

export interface ClassifyBench {
  readonly filters: number;
  readonly medianNs: number;
  readonly p99Ns: number;
}

const LAYER = LAYER_KEY.ALE_AUTH_CONNECT_V4;
const SUBLAYER: SubLayer = {
  subLayerKey: '5a11f001-0000-4000-8000-000000000001',
  displayData: { name: 'bench' },
  flags: 0,
  weight: 0xffff,
};
const ASK = '5a11f001-0000-4000-8000-0000000000ca';

/** A small generator of its own, so that every run measures the same filters. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return below => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 0x1_0000_0000) * below);
  };
}

const appId = (name: string) => new Uint8Array(Buffer.from(`${name}\0`, 'utf16le'));
const condition = (
  field: keyof typeof CONDITION_KEY,
  matchType: MatchType,
  conditionValue: FwpConditionValue,
): FilterCondition => ({
  fieldKey: CONDITION_KEY[field],
  matchType,
  conditionValue,
});
const app = (number: number) =>
  condition('ALE_APP_ID', 'FWP_MATCH_EQUAL', {
    type: 'FWP_BYTE_BLOB_TYPE',
    value: appId(`/opt/programs/vendor-${number}/bin/program-${number}`),
  });
const host = (addr: number) => condition('IP_REMOTE_ADDRESS', 'FWP_MATCH_EQUAL', { type: 'FWP_UINT32', value: addr });
const port = (number: number) => condition('IP_REMOTE_PORT', 'FWP_MATCH_EQUAL', { type: 'FWP_UINT16', value: number });
const tcp = condition('IP_PROTOCOL', 'FWP_MATCH_EQUAL', { type: 'FWP_UINT8', value: 6 });
const user = (uid: number) =>
  condition('ALE_USER_ID', 'FWP_MATCH_EQUAL', {
    type: 'FWP_SECURITY_DESCRIPTOR_TYPE',
    value: `O:SYG:SYD:(A;;CC;;;S-1-22-1-${uid})`,
  });
function network(addr: number, prefix: number): FilterCondition {
  const mask = (0xffffffff << (32 - prefix)) >>> 0;
  return condition('IP_REMOTE_ADDRESS', 'FWP_MATCH_EQUAL', {
    type: 'FWP_V4_ADDR_MASK',
    value: { addr: (addr & mask) >>> 0, mask },
  });
}
function ports(low: number, high: number): FilterCondition {
  const value = { low: { type: 'FWP_UINT16', value: low }, high: { type: 'FWP_UINT16', value: high } } as const;
  return condition('IP_REMOTE_PORT', 'FWP_MATCH_RANGE', { type: 'FWP_RANGE_TYPE', value });
}

/** What people and lists make: mostly program and remote end, then addresses, networks and ports; few rules by user alone. */
function conditionsOf(kind: number, random: (below: number) => number, programs: number): readonly FilterCondition[] {
  const program = app(random(programs));
  const remote = 0x0b000000 + random(0x40000000);
  if (kind < 25) return [program, host(remote), port(443), tcp];
  if (kind < 40) return [program, host(remote)];
  if (kind < 48) return [program, port([53, 80, 123, 443, 853, 993][random(6)]!), tcp];
  if (kind < 52) return [program];
  if (kind < 54) return [program, user(1000 + random(20)), port(443)];
  if (kind < 74) return [host(remote)];
  if (kind < 88) return [network(remote, 12 + random(18))];
  if (kind < 95) return [host(remote), port(random(65536)), tcp];
  if (kind < 97) return [network(remote, 16), ports(8000, 8000 + random(100)), tcp];
  const low = 20_000 + random(40_000);
  return kind < 99 ? [program, ports(low, low + random(400))] : [port(random(1024)), tcp];
}

/** As many filters as asked for, the last of them the one that asks. */
export function benchFilters(count: number): readonly Filter[] {
  const random = numbers(count);
  const layer = layerByKey(LAYER)!;
  const programs = Math.max(4, count >> 4);
  return Array.from({ length: count }, (_, index): Filter => {
    const last = index === count - 1;
    // A tenth of a hundred kinds apart, so that ten filters already have several kinds.
    const conditions = last ? [] : conditionsOf((index * 37) % 100, random, programs);
    return {
      filterKey: `5a11f001-0000-4000-8001-${index.toString(16).padStart(12, '0')}`,
      displayData: { name: 'bench' },
      flags: 0,
      layerKey: LAYER,
      subLayerKey: SUBLAYER.subLayerKey,
      weight: { type: 'FWP_UINT8', value: last ? 0 : 8 },
      filterCondition: conditions,
      action: last
        ? { type: 'FWP_ACTION_CALLOUT_TERMINATING', calloutKey: ASK }
        : { type: random(3) === 0 ? 'FWP_ACTION_BLOCK' : 'FWP_ACTION_PERMIT' },
      filterId: BigInt(index + 1),
      effectiveWeight: ((last ? 0n : 8n) << 60n) | automaticWeight(layer, conditions),
    };
  });
}

function traffic(program: number, addr: number, remotePort: number): ClassifyValues {
  return {
    // Fresh bytes every time, as a source makes them.
    ALE_APP_ID: { type: 'FWP_BYTE_BLOB_TYPE', value: appId(`/opt/programs/vendor-${program}/bin/program-${program}`) },
    ALE_USER_ID: { type: 'FWP_TOKEN_ACCESS_INFORMATION_TYPE', value: { sids: ['S-1-22-1-1000', 'S-1-22-2-1000'] } },
    IP_PROTOCOL: { type: 'FWP_UINT8', value: 6 },
    IP_REMOTE_ADDRESS: { type: 'FWP_UINT32', value: addr },
    IP_REMOTE_PORT: { type: 'FWP_UINT16', value: remotePort },
    IP_LOCAL_PORT: { type: 'FWP_UINT16', value: 40_000 },
  };
}

/** Half of it is decided by a rule, half falls through to the filter that asks. */
function trafficFor(filters: readonly Filter[], samples: number): readonly ClassifyValues[] {
  const random = numbers(7);
  const programs = Math.max(4, filters.length >> 4);
  const hosts = filters.flatMap(({ filterCondition }) => {
    const address = filterCondition.find(({ fieldKey }) => fieldKey === CONDITION_KEY.IP_REMOTE_ADDRESS)?.conditionValue;
    return address?.type === 'FWP_UINT32' ? [address.value] : [];
  });
  return Array.from({ length: samples }, (_, index) => {
    const known = index % 2 === 0 && hosts.length > 0;
    const addr = known ? hosts[random(hosts.length)]! : 0xc6120000 + random(0x20000);
    return traffic(known ? random(programs) : 1_000_000 + random(1000), addr, known ? 443 : 1025 + random(1000));
  });
}

const BATCH = 20;
const FLOWS = 1000;
/** In each round a size is gone through this many times, the first time unmeasured: the others left the caches full of theirs. */
const PASSES = 5;

/**
 * Time of one classify at ALE_AUTH_CONNECT_V4 for 10, 1,000, 10,000 and 100,000 filters, measured by turns in one run, over 1,000 different
 * flows. Each sample is a batch of 20 classifications, divided; the clock is too coarse for one.
 */
export function benchClassify(sizes: readonly number[] = [10, 1_000, 10_000, 100_000], rounds = 40): ClassifyBench[] {
  const cases = sizes.map(count => {
    const filters = benchFilters(count);
    const classifier = new Classifier({ filters, subLayers: [SUBLAYER] });
    classifier.registerCallout(ASK, () => ({ action: 'block', pend: true }));
    return { count, classifier, traffic: trafficFor(filters, FLOWS), samples: [] as number[] };
  });
  let decided = 0;
  for (let round = 0; round < rounds; round++) {
    for (const { classifier, traffic, samples } of cases) {
      for (let pass = 0; pass < PASSES; pass++) {
        for (let from = 0; from < traffic.length; from += BATCH) {
          const start = process.hrtime.bigint();
          for (let at = from; at < from + BATCH; at++) if (!classifier.classify(LAYER, traffic[at]!).pend) decided++;
          const time = Number(process.hrtime.bigint() - start) / BATCH;
          // The first rounds compile.
          if (pass > 0 && round >= rounds / 4) samples.push(time);
        }
      }
    }
  }
  if (decided === 0) throw new Error('bench: no traffic was decided by a rule');
  return cases.map(({ count, samples }) => {
    samples.sort((a, b) => a - b);
    const at = (share: number) => Math.round(samples[Math.floor(samples.length * share)]!);
    return { filters: count, medianNs: at(0.5), p99Ns: at(0.99) };
  });
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href)
  console.log(JSON.stringify(benchClassify(), undefined, 2));
