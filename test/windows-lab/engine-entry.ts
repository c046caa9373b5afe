import { writeFileSync } from 'node:fs';
import koffi from 'koffi';
import { createNetEventSource } from '../../driver/windows/net-event-source.ts';
import type { SourceEvent } from '../../engine/model/attempt.ts';
import { WfpError } from '../../engine/model/error.ts';
import type { ObjectChange } from '../../engine/model/filter-engine.ts';
import { CONDITION_KEY, LAYER_KEY } from '../../engine/model/keys.ts';
import type { FilterInput } from '../../engine/model/objects.ts';
import { appIdFromFileName } from '../../engine/windows/app-id.ts';
import { openWindowsEngine } from '../../engine/windows/engine.ts';
import type { NetEvent } from '../../engine/windows/net-events.ts';
import { PROGRAM_FILTER, PROVIDER, SUBLAYER } from './fixtures.ts';
import { equal, report, until } from './report.ts';

/** Runs under Wine: what the engine does on Windows beyond the shared contract. The argument names the part. */

async function install(): Promise<void> {
  await report('a provider, a sublayer and a filter are installed for good', async () => {
    const engine = await openWindowsEngine();
    await engine.transaction(async () => {
      await engine.providerAdd(PROVIDER);
      await engine.subLayerAdd(SUBLAYER);
      const { filterKey } = await engine.filterAdd(PROGRAM_FILTER);
      equal('key', filterKey, PROGRAM_FILTER.filterKey);
    });
    const passing: FilterInput = {
      ...PROGRAM_FILTER,
      filterKey: undefined,
      flags: 0,
      displayData: { name: 'until restart' },
    } as FilterInput;
    await engine.filterAdd(passing);
    equal('both are there', (await engine.filterEnum({ layerKey: LAYER_KEY.ALE_AUTH_CONNECT_V4 })).length, 2);
    await engine.close();
  });
}

async function readBack(): Promise<void> {
  await report('after a restart the persistent ones are there as they were, the others are not', async () => {
    const engine = await openWindowsEngine();
    const filters = await engine.filterEnum({ layerKey: LAYER_KEY.ALE_AUTH_CONNECT_V4 });
    equal(
      'names',
      filters.map(filter => filter.displayData.name),
      [PROGRAM_FILTER.displayData.name],
    );
    const { filterId, effectiveWeight, ...kept } = filters[0]!;
    const plain = (value: object) => Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
    equal('filter', plain(kept), plain(PROGRAM_FILTER));
    equal('weight', effectiveWeight, PROGRAM_FILTER.weight?.type === 'FWP_UINT64' ? PROGRAM_FILTER.weight.value : 0n);
    equal('id', filterId > 0n, true);
    equal('provider', await engine.providerGetByKey(PROVIDER.providerKey), PROVIDER);
    await engine.transaction(async () => {
      await engine.filterDeleteByKey(filters[0]!.filterKey);
      await engine.subLayerDeleteByKey(SUBLAYER.subLayerKey);
      await engine.providerDeleteByKey(PROVIDER.providerKey);
    });
    await engine.close();
  });
}

async function stopped(): Promise<void> {
  await report('a stopped service is told in one sentence', async () => {
    const error = await openWindowsEngine().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    equal('class', error instanceof WfpError, true);
    equal('message', (error as Error).message.includes('the Base Filtering Engine is not running yet; type: sc start BFE'), true);
  });
}

async function changes(): Promise<void> {
  await report('changes arrive while calls run, and ending a subscription does not hang', async () => {
    const [watcher, writer] = [await openWindowsEngine(), await openWindowsEngine({ dynamic: true })];
    const seen: ObjectChange[] = [];
    const end = await watcher.subscribeChanges(change => seen.push(change));
    const adds = Array.from({ length: 200 }, (_, index) =>
      writer.filterAdd({
        displayData: { name: `filter ${index}` },
        layerKey: LAYER_KEY.ALE_AUTH_CONNECT_V4,
        filterCondition: [
          {
            fieldKey: CONDITION_KEY.IP_REMOTE_PORT,
            matchType: 'FWP_MATCH_EQUAL',
            conditionValue: { type: 'FWP_UINT16', value: index },
          },
        ],
        action: { type: 'FWP_ACTION_BLOCK' },
      }),
    );
    await Promise.all(adds);
    await until('all adds are told', () => seen.length === 200);
    await writer.close();
    await until('all deletes are told', () => seen.filter(change => change.change === 'delete').length === 200);
    await end();
    await watcher.close();
  });

  await report('enumeration over several pages frees everything', async () => {
    const engine = await openWindowsEngine({ dynamic: true });
    for (let port = 0; port < 700; port++) {
      await engine.filterAdd({
        displayData: { name: `port ${port}` },
        layerKey: LAYER_KEY.ALE_AUTH_CONNECT_V6,
        filterCondition: [],
        action: { type: 'FWP_ACTION_PERMIT' },
        weight: { type: 'FWP_UINT64', value: BigInt(port) },
      });
    }
    const filters = await engine.filterEnum({ layerKey: LAYER_KEY.ALE_AUTH_CONNECT_V6, flags: 2 });
    equal(
      'sorted',
      filters.map(filter => Number(filter.effectiveWeight)),
      Array.from({ length: 700 }, (_, index) => 699 - index),
    );
    await engine.close();
  });

  await report('the application id of a file is its device path in lower case with NUL', async () => {
    writeFileSync('C:\\Lab Client.EXE', '');
    const blob = await appIdFromFileName('C:\\Lab Client.EXE');
    equal('blob', Buffer.from(blob).toString('utf16le'), '\\device\\harddiskvolume3\\lab client.exe\0');
    const missing = await appIdFromFileName('C:\\nothing.exe').then(
      () => undefined,
      (error: Error) => error.name,
    );
    equal('a missing file', missing, 'WfpError');
  });
}

/** struct lab_event of fwpuclnt/netevent.c. */
const LAB_EVENT = koffi.struct({
  type: 'uint32_t',
  protocol: 'uint32_t',
  local: 'uint32_t',
  remote: 'uint32_t',
  localPort: 'uint32_t',
  remotePort: 'uint32_t',
  direction: 'uint32_t',
  loopback: 'uint32_t',
  filterId: 'uint64_t',
  appId: 'str16',
});

async function netEvents(): Promise<void> {
  const library = koffi.load('C:\\windows\\system32\\fwpuclnt.dll');
  const play = library.func('LabNetEvent', 'uint32_t', [koffi.pointer(LAB_EVENT)]);
  const event = {
    type: 3,
    protocol: 6,
    local: 0xc000020a,
    remote: 0xcb007109,
    localPort: 50123,
    remotePort: 443,
    direction: 0x3901,
    loopback: 0,
    filterId: 2n ** 60n + 1n,
    appId: '\\device\\harddiskvolume3\\windows\\system32\\curl.exe',
  };
  await report('drops and, when asked, permits are told; nothing is before collection is on', async () => {
    equal('off', play(event), 0x80320013);
    const engine = await openWindowsEngine();
    const seen: NetEvent[] = [];
    const end = await engine.netEvents(told => seen.push(told), { allowed: true });
    equal('on', [play(event), play({ ...event, type: 6, direction: 1 })], [0, 0]);
    await until('both are told', () => seen.length === 2);
    const { at, ...drop } = seen[0]!;
    equal('time', Math.abs(at - Date.now()) < 60_000, true);
    equal('drop', drop, {
      type: 'classify-drop',
      family: 'v4',
      protocol: 6,
      local: { address: '192.0.2.10', port: 50123 },
      remote: { address: '203.0.113.9', port: 443 },
      appId: event.appId,
      filterId: event.filterId,
      layerId: 48,
      direction: 'out',
      loopback: false,
    });
    equal('permit', [seen[1]!.type, seen[1]!.direction], ['classify-allow', 'in']);
    equal('kept', await engine.recentNetEvents(), seen);
    await end();
    await engine.close();
  });
}

/** Blocked first, asked afterwards: the answer is a filter, and the retry is recognised. */
async function netEventMode(): Promise<void> {
  const library = koffi.load('C:\\windows\\system32\\fwpuclnt.dll');
  const play = library.func('LabNetEvent', 'uint32_t', [koffi.pointer(LAB_EVENT)]);
  await report('without a driver: dropped, asked, answered, and the retry is seen', async () => {
    const engine = await openWindowsEngine();
    const rules = await openWindowsEngine({ dynamic: true });
    const asking = await rules.filterAdd({
      displayData: { name: 'Blocked until somebody was asked' },
      layerKey: LAYER_KEY.ALE_AUTH_CONNECT_V4,
      filterCondition: [],
      weight: { type: 'FWP_UINT8', value: 0 },
      action: { type: 'FWP_ACTION_BLOCK' },
    });
    const source = createNetEventSource({
      subscribe: listener => engine.netEvents(listener, { allowed: true }),
      isAsking: id => id === asking.filterId,
    });
    const seen: SourceEvent[] = [];
    await source.start(event => seen.push(event));
    const traffic = {
      type: 3,
      protocol: 6,
      local: 0xc000020a,
      remote: 0xcb007109,
      localPort: 50123,
      remotePort: 443,
      direction: 0x3901,
      loopback: 0,
      filterId: asking.filterId,
      appId: '\\device\\harddiskvolume3\\curl.exe',
    };
    equal('dropped', play(traffic), 0);
    await until('it is asked', () => seen.length === 1);
    const [question] = seen;
    equal('question', question?.type, 'pended');
    const rule = await rules.filterAdd({
      ...PROGRAM_FILTER,
      filterKey: undefined,
      flags: 0,
      providerKey: undefined,
      subLayerKey: undefined,
    } as unknown as FilterInput);
    source.complete(question?.type === 'pended' ? question.attempt.id : 0, 'permit');
    equal('retried', play({ ...traffic, type: 6, localPort: 50124, filterId: rule.filterId }), 0);
    await until('the retry is shown', () => seen.length === 3);
    equal(
      'events',
      seen.map(event => event.type),
      ['pended', 'completed', 'decided'],
    );
    await source.stop();
    await rules.close();
    await engine.close();
  });
}

const parts: { readonly [name: string]: () => Promise<void> } = { install, readBack, stopped, changes, netEvents, netEventMode };
await parts[process.argv[2]!]!();
