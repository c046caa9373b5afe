import { expect, test } from 'vitest';
import { readAuditLog } from '../dumps/audit-reader.ts';
import { auditDump } from './audit-dump.ts';
import { explainFlow } from './explain.ts';
import { Machine } from './machine.ts';
import { netEventFlow } from './net-event-flow.ts';

const filter = {
  EventID: 5447,
  Hostname: 'pc',
  ChangeType: '%%16384',
  FilterId: '70001',
  FilterKey: '{00000000-0000-4000-8000-000000000001}',
  FilterName: 'Block web',
  FilterType: '%%16388',
  LayerKey: '{e1cd9fe7-f4b5-4273-96c0-592e487b8650}',
  ProviderKey: '{decc16ca-3f33-4346-be1e-8fb4ae0f3d62}',
  Action: '%%16389',
  Weight: '9',
  Conditions: '\n\tCondition ID:\t{0c1ba1af-5765-453f-af22-a8f791ac775b}\n\tMatch value:\tEqual to\n\tCondition value:\t0x0050\n',
};
const drop = {
  EventID: 5157,
  EventTime: '2020-09-14 08:06:08',
  Hostname: 'pc',
  FilterRTID: '70001',
  LayerRTID: '44',
  Direction: '%%14592',
  Protocol: '6',
  SourceAddress: '192.0.2.7',
  SourcePort: '50000',
  DestAddress: '10.0.0.1',
  DestPort: '80',
  Application: 'System',
};
const bind = {
  EventID: 5158,
  Hostname: 'pc',
  FilterRTID: '0',
  LayerRTID: '36',
  SourceAddress: '0.0.0.0',
  SourcePort: '53',
  Protocol: '17',
};
const read = async (events: readonly object[]) =>
  auditDump(
    await readAuditLog(
      'x',
      (async function* () {
        yield Buffer.from(events.map(each => JSON.stringify(each)).join('\n'));
      })(),
    ),
  );

test('decisions of a log are net events that can be explained', async () => {
  const dump = await read([filter, drop, bind]);
  expect(dump.netEvents).toMatchObject([
    {
      type: 'SECURITY_5157_DROP',
      timeStamp: '2020-09-14 08:06:08',
      direction: 'in',
      localAddress: '10.0.0.1',
      localPort: 80,
      remoteAddress: '192.0.2.7',
      remotePort: 50000,
      ipProtocol: 6,
      appId: 'System',
      filterId: 70001n,
      layerId: 44,
      line: 2,
    },
    { type: 'SECURITY_5158_ALLOW', localPort: 53, layerId: 36 },
  ]);
  expect(dump.netEvents[0]?.asFound).toContainEqual(['FilterRTID', '70001']);
  expect(dump.netEvents[1]).not.toHaveProperty('filterId');
  const machine = new Machine(dump);
  expect(explainFlow(machine, netEventFlow(dump.netEvents[0]!, machine))).toMatchObject({
    verdict: 'block',
    filter: { filterId: '70001' },
  });
});

test('a log of decisions alone keeps them, of one host as of several', async () => {
  expect((await read([drop])).netEvents).toHaveLength(1);
  const two = await read([filter, drop, { ...drop, Hostname: 'other' }]);
  expect(two.netEvents).toHaveLength(1);
  expect(two.problems.map(each => each.message)).toEqual(['the log is of 2 hosts; filters and events are those of pc']);
});
