import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import type { SourceEvent } from '../../engine/model/attempt.ts';
import { RecordingError } from './error.ts';
import { MAX_LINE } from './read-lines.ts';
import { openRecording } from './recording.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-recording-'));
afterAll(() => rmSync(folder, { recursive: true }));
let count = 0;
const file = (content: string | Uint8Array): string => {
  const path = join(folder, `${count++}.jsonl`);
  writeFileSync(path, content);
  return path;
};

const header = { 'sallyport-recording': 1, startedAt: '2026-01-01T00:00:00.000Z', title: 'run: x', platform: 'linux' };
const pended = (id: number) => ({
  t: id,
  type: 'pended',
  attempt: {
    id,
    layer: 'ALE_AUTH_CONNECT',
    family: 'v4',
    protocol: 6,
    remote: { address: '192.0.2.1', port: 443 },
    identity: { pid: 1, parents: [] },
    names: [],
    at: id,
  },
});
const lines = (...records: readonly unknown[]) => records.map(r => (typeof r === 'string' ? r : JSON.stringify(r))).join('\n');
const sysmon = {
  EventID: 3,
  SourceName: 'Microsoft-Windows-Sysmon',
  UtcTime: '2020-08-06 06:26:44.872',
  Image: 'C:\\a.exe',
  ProcessId: '5',
  Protocol: 'tcp',
  Initiated: 'true',
  SourceIp: '10.0.0.1',
  SourcePort: '50000',
  DestinationIp: '192.0.2.1',
  DestinationPort: '443',
};

/** Plays all of it without pauses, permitting everything. */
async function play(path: string): Promise<SourceEvent[]> {
  const { source } = await openRecording(path, { speed: Number.POSITIVE_INFINITY });
  const events: SourceEvent[] = [];
  await new Promise<void>(resolve => {
    void source.start(event => {
      events.push(event);
      if (event.type === 'pended') queueMicrotask(() => source.complete(event.attempt.id, 'permit'));
      if (event.type === 'exited' || event.type === 'failed') resolve();
    });
  });
  await source.stop();
  return events;
}
const types = (events: readonly SourceEvent[]) => events.map(e => e.type);

describe('opens', () => {
  test('a recording of our own, and says what it is', async () => {
    const path = file(lines(header, pended(1)));
    const { info, source } = await openRecording(path);
    expect(info).toEqual({ format: 'sallyport', path, startedAt: Date.parse(header.startedAt), recorded: 'run: x' });
    expect(source).toMatchObject({
      kind: 'recorded',
      failPolicy: 'none',
      title: expect.stringMatching(/^recorded: nothing is enforced/),
    });
    await source.stop();
  });

  test.each([
    ['plain', (text: string) => text],
    ['packed, whatever its name', (text: string) => gzipSync(text)],
    ['with CRLF and a byte order mark', (text: string) => `\uFEFF${text.replaceAll('\n', '\r\n')}\r\n`],
    ['with empty lines', (text: string) => `${text.replaceAll('\n', '\n\n')}\n\n`],
  ])('%s', async (_, shape) => {
    expect(types(await play(file(shape(lines(header, pended(1), pended(2))))))).toEqual(['pended', 'pended', 'exited']);
    expect(types(await play(file(shape(lines(sysmon, sysmon)))))).toEqual(['pended', 'pended', 'exited']);
  });
});

describe('refuses in one sentence', () => {
  const missing = join(folder, 'absent.jsonl');
  const nested = join(folder, 'folder');
  mkdirSync(nested);
  const loop = join(folder, 'loop');
  symlinkSync(loop, loop);
  test.each([
    ['what is not there', missing, 'there is no such file'],
    ['a folder', nested, 'is a folder'],
    ['a link to itself', loop, 'too many symbolic links'],
    ['a device', '/dev/null', 'no regular file'],
    ['an empty file', file(''), 'is empty'],
    ['white space', file(' \n\n'), 'is no recording'],
    ['text', file('hello\nworld\n'), 'is no recording (line 1: it is no JSON object)'],
    ['bytes', file(Buffer.from(Array.from({ length: 4096 }, (_, i) => i % 251))), 'is no recording'],
    ['a JSON list', file('[1,2]'), 'is no recording'],
    ['a log without connections', file(lines({ EventID: 1, SourceName: 'x' }, { EventID: 4624 })), 'tells of no connection'],
    ['a newer version', file(lines({ ...header, 'sallyport-recording': 2 })), 'of version 2'],
    ['a damaged header', file(lines({ ...header, startedAt: 'yesterday' })), 'damaged first line'],
    ['gzip that ends early', file(gzipSync(lines(sysmon)).subarray(0, 30)), 'damaged or ends early'],
    ['gzip of nothing', file(gzipSync('')), 'is no recording'],
  ])('%s', async (_, path, sentence) => {
    const error = await openRecording(path).then(
      () => undefined,
      e => e,
    );
    expect(error).toBeInstanceOf(RecordingError);
    expect(error.message).toContain(sentence);
    expect(error.message).toContain(path);
    expect(error.message).toMatch(/^[^\n]*\.$/);
  });

  test('a long file of nonsense after a bounded look at it', async () => {
    await expect(openRecording(file('x\n'.repeat(100_000)))).rejects.toThrow('is no recording');
  });
});

describe('damage', () => {
  test('unreadable lines are passed over, counted, and the first is named', async () => {
    const events = await play(
      file(lines(header, pended(1), '{"t":', 'x'.repeat(MAX_LINE + 1), pended(2), { t: 1, type: 'nonsense' })),
    );
    expect(types(events)).toEqual(['pended', 'pended', 'warning', 'exited']);
    expect(events[2]).toMatchObject({
      message: expect.stringMatching(/3 lines could not be read .* line 3: it is no JSON object\.$/),
    });
  });

  test('gzip that ends early is played up to there and then told as a failure', async () => {
    const random = fc.sample(fc.string({ minLength: 200, maxLength: 200 }), 3000);
    const packed = gzipSync(lines(sysmon, ...random.map(Image => ({ ...sysmon, Image }))));
    const events = await play(file(packed.subarray(0, packed.length - 1000)));
    expect(types(events).filter(t => t === 'pended').length).toBeGreaterThan(100);
    expect(events.at(-1)).toMatchObject({
      type: 'failed',
      message: expect.stringMatching(/cannot be read beyond line \d+: .*ends early/),
    });
  });

  test('stopping lets go of the file even when nothing was played', async () => {
    const { source } = await openRecording(file(lines(header, pended(1))));
    await source.stop();
    await source.stop();
  });
});

describe('whatever the bytes', () => {
  const good = lines(header, pended(1), { t: 2, type: 'completed', id: 1, result: 'ok' }, pended(3), sysmon);
  const log = lines(
    sysmon,
    { ...sysmon, EventID: 22, QueryName: 'a.example', QueryResults: 'type:  5 b;::ffff:192.0.2.1;' },
    sysmon,
  );
  const damage = fc.record({
    text: fc.constantFrom(good, log),
    cuts: fc.array(fc.tuple(fc.nat(), fc.uint8Array({ maxLength: 6 })), { maxLength: 8 }),
    packed: fc.boolean(),
    end: fc.nat(),
  });

  test('it is refused in a sentence or played to its end', async () => {
    await fc.assert(
      fc.asyncProperty(damage, async ({ text, cuts, packed, end }) => {
        let bytes = Buffer.from(text);
        for (const [at, replacement] of cuts) {
          const place = at % bytes.length;
          bytes = Buffer.concat([bytes.subarray(0, place), replacement, bytes.subarray(place + replacement.length)]);
        }
        if (packed) bytes = gzipSync(bytes);
        const path = file(end % 3 === 0 ? bytes.subarray(0, end % bytes.length) : bytes);
        try {
          const events = await play(path);
          expect(['exited', 'failed']).toContain(events.at(-1)?.type);
        } catch (error) {
          expect(error).toBeInstanceOf(RecordingError);
        } finally {
          rmSync(path);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('fields of any kind are read or refused, never thrown over', async () => {
    const names = [
      'EventID',
      'event_id',
      'event_data',
      'winlog',
      'SourceName',
      'LayerName',
      'LayerRTID',
      'Protocol',
      'Direction',
      'UtcTime',
    ];
    const value = fc.oneof(fc.jsonValue(), fc.constantFrom('constructor', '__proto__', 'toString', '-', 5157, '0x1F', '%%14610'));
    const record = fc.dictionary(fc.oneof(fc.constantFrom(...names, ...Object.keys(sysmon)), fc.string()), value);
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          record.map(r => ({ ...sysmon, ...r })),
          { maxLength: 5 },
        ),
        async records => {
          const path = file(lines(sysmon, ...records));
          const events = await play(path);
          expect(events.at(-1)?.type).toBe('exited');
          for (const event of events) {
            if (event.type === 'pended') expect(typeof event.attempt.layer).toBe('string');
          }
          rmSync(path);
        },
      ),
      { numRuns: 200 },
    );
  });
});
