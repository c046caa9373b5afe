import { describe, expect, test } from 'vitest';
import { layerByName } from '../model/layers.ts';
import { auditConditions, MatchTexts, splitConditions } from './audit-conditions.ts';
import { parseAuditLine } from './audit-event.ts';
import { readAuditLog } from './audit-reader.ts';
import { Keeper, utf16 } from './keep.ts';

const read = (text: string) =>
  readAuditLog(
    'x.jsonl',
    (async function* () {
      yield Buffer.from(text);
    })(),
  );

describe('shapes of events', () => {
  test.each([
    ['NXLog', { EventID: 5156, RecordNumber: 9, Hostname: 'h', EventTime: 't', FilterRTID: '65' }],
    [
      'winlogbeat before 7',
      { event_id: 5156, record_number: '9', computer_name: 'h', '@timestamp': 't', event_data: { FilterRTID: '65' } },
    ],
    [
      'winlogbeat',
      { winlog: { event_id: 5156, record_id: 9, computer_name: 'h', event_data: { FilterRTID: '65' } }, '@timestamp': 't' },
    ],
    [
      'evtx_dump',
      {
        Event: {
          System: { EventID: 5156, EventRecordID: 9, Computer: 'h', TimeCreated: { '#attributes': { SystemTime: 't' } } },
          EventData: { FilterRTID: 65 },
        },
      },
    ],
  ])('%s', (_, shape) => {
    const event = parseAuditLine(JSON.stringify(shape), 1);
    expect(event).toMatchObject({ id: 5156, recordNumber: 9, host: 'h', time: 't' });
    expect(event?.fields['FilterRTID']).toBe('65');
  });
  test('a weight written as a number keeps its 64 bits', () => {
    expect(parseAuditLine('{"EventID":5447,"Weight":10376293542535364544}', 1)?.fields['Weight']).toBe('10376293542535364544');
  });
});

describe('a log', () => {
  test('events are put into the order of their numbers, and that is told', async () => {
    const log = await read(
      '{"EventID":5158,"RecordNumber":2}\n{"EventID":5156,"RecordNumber":1}\n{"EventID":4624,"RecordNumber":3}',
    );
    expect(log.events.map(each => each.recordNumber)).toEqual([1, 2]);
    expect(log).toMatchObject({ lines: 3, errors: 0, warnings: 1 });
  });
  test.each([
    ['a truncated last line', '{"EventID":5158}\n{"EventID":51', 2, /truncated/],
    ['no JSON', 'hello\n', 1, /no JSON object/],
    ['nothing', '', 0, /empty/],
    ['no WFP event', '{"EventID":4624}', 0, /none of the 1 events/],
  ])('%s is told', async (_, text, line, message) => {
    const log = await read(text);
    expect(log.errors).toBe(1);
    expect(log.problems[0]).toMatchObject({ line, message: expect.stringMatching(message) });
  });
});

describe('conditions', () => {
  const block = (id: string, match: string, value: string) =>
    `\n\tCondition ID:\t{${id}}\n\tMatch value:\t${match}\n\tCondition value:\t${value}\n`;
  const layer = layerByName('ALE_AUTH_CONNECT_V4');
  const APP = 'd78e1e87-8644-4ea5-9437-d809ecefc971';
  const PROTOCOL = '3971ef2b-623e-4f9a-8cb1-6e79b806b9a7';
  const REMOTE = 'b235ae9a-1d64-49b8-a44c-5ff3d9095045';
  const PORT = 'c35a604d-d22b-4e1a-91b4-68f674ee674b';
  const PACKAGE = '71bc78fa-f17c-4997-a602-6abb261f351c';
  const one = (match: string, id: string, value: string, texts = new MatchTexts()) =>
    auditConditions(splitConditions(block(id, match, value)), layer, texts, new Keeper())[0];

  test.each([
    [PROTOCOL, 'Equal to', '0x11', { type: 'FWP_UINT8', value: 17 }],
    [
      PORT,
      'In range',
      '0x1388 - 0x139c',
      { type: 'FWP_RANGE_TYPE', value: { low: { type: 'FWP_UINT16', value: 5000 }, high: { type: 'FWP_UINT16', value: 5020 } } },
    ],
    [
      REMOTE,
      'In range',
      '0xe0000000 - 0xefffffff',
      {
        type: 'FWP_RANGE_TYPE',
        value: { low: { type: 'FWP_UINT32', value: 0xe0000000 }, high: { type: 'FWP_UINT32', value: 0xefffffff } },
      },
    ],
    [
      REMOTE,
      'Equal to',
      '168.63.129.16/255.255.255.255',
      { type: 'FWP_V4_ADDR_MASK', value: { addr: 0xa83f8110, mask: 0xffffffff } },
    ],
    [PACKAGE, 'Not equal to', '-', { type: 'FWP_SID', value: 'S-1-0-0' }],
  ])('%s %s %s', (id, match, value, expected) => expect(one(match, id, value)?.conditionValue).toEqual(expected));

  test('a hex dump is a program', () => {
    const dump = '\n    00000000  53 00 79 00 73 00 74 00-65 00 6d 00 00 00        S.y.s.t.e.m...\n';
    const value = one('Equal to', APP, dump)?.conditionValue;
    expect(value?.type === 'FWP_BYTE_BLOB_TYPE' && utf16(value.value)).toBe('System');
  });

  test('words of another language are learned where they leave no choice, and unknown where they do', () => {
    const texts = new MatchTexts();
    texts.learn(splitConditions(block(PROTOCOL, 'Gleich', '0x6') + block(PORT, 'Im Bereich', '0x1 - 0x2')));
    expect(one('Gleich', PORT, '0x50', texts)).toMatchObject({ matchType: 'FWP_MATCH_EQUAL' });
    expect(one('Im Bereich', PORT, '0x50 - 0x51', texts)).toMatchObject({ matchType: 'FWP_MATCH_RANGE' });
    expect(one('Ungleich', PACKAGE, '-', texts)?.asFound).toBe('Ungleich -');
  });
});
