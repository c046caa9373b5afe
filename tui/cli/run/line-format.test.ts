import { describe, expect, test } from 'vitest';
import type { ConnectionAttempt } from '../../../engine/model/attempt.ts';
import { attemptText, byText, eventJson, eventLine } from './line-format.ts';
import { banner } from './line-mode.ts';

const attempt: ConnectionAttempt = {
  id: 1,
  layer: 'ALE_AUTH_CONNECT',
  family: 'v4',
  protocol: 6,
  remote: { address: '203.0.113.9', port: 443 },
  identity: { pid: 4242, path: '/usr/bin/curl', parents: [{ pid: 1, commandLine: ['sh', 'postinstall.sh'] }] },
  names: [{ name: 'telemetry.example', kind: 'dns', at: 0 }],
  at: 0,
};

describe('one line per event', () => {
  test.each<[Partial<ConnectionAttempt>, string]>([
    [{}, 'curl(4242) → telemetry.example:443/tcp (203.0.113.9)'],
    [{ names: [] }, 'curl(4242) → 203.0.113.9:443/tcp'],
    [{ names: [], remote: { address: '2001:db8::1', port: 53 }, protocol: 17 }, 'curl(4242) → [2001:db8::1]:53/udp'],
    [
      { layer: 'ALE_AUTH_LISTEN', remote: undefined, local: { address: '0.0.0.0', port: 80 } },
      'curl(4242) listens on 0.0.0.0:80/tcp',
    ],
    [{ layer: 'ALE_RESOURCE_ASSIGNMENT', remote: undefined, local: { address: '::', port: 80 } }, 'curl(4242) binds [::]:80/tcp'],
    [
      { identity: { pid: 0, path: '\\device\\harddiskvolume3\\curl.exe', parents: [] }, names: [] },
      'curl.exe → 203.0.113.9:443/tcp',
    ],
    [{ identity: { pid: 7, parents: [] }, names: [] }, 'program not known(7) → 203.0.113.9:443/tcp'],
  ])('%# says who and where to', (part, text) => expect(attemptText({ ...attempt, ...part })).toBe(text));

  test('what was dropped is never called held', () => {
    const event = { type: 'held', at: 0, request: 1, attempt } as const;
    expect(eventLine(event, 'net-events')).toContain('dropped');
    expect(eventLine(event, 'net-events')).not.toContain('held');
    expect(JSON.parse(eventJson(event, 'net-events'))).toMatchObject({ type: 'dropped', request: 1 });
    expect(JSON.parse(eventJson(event, 'windows-driver'))).toMatchObject({ type: 'held' });
    const status = { title: 'this machine', phase: 'running', defaultVerdict: 'block', decided: 0 } as const;
    for (const [failPolicy, end] of [
      ['closed', 'goes on being dropped'],
      ['open', 'passes'],
    ] as const) {
      const text = banner({ ...status, kind: 'net-events', failPolicy });
      expect(text).toContain('dropped and told afterwards');
      expect(text.endsWith(end)).toBe(true);
      expect(text).not.toMatch(/held|hold|wait/);
    }
  });

  test('a held line names the parent', () => {
    const line = eventLine({ type: 'held', at: 0, request: 1, attempt }, 'run');
    expect(line).toMatch(
      /^\d\d:\d\d:\d\d held {3}curl\(4242\) → telemetry\.example:443\/tcp \(203\.0\.113\.9\) {2}by sh postinstall\.sh$/,
    );
  });

  test('control characters of a stranger never reach the line', () => {
    const hostile = {
      ...attempt,
      names: [],
      identity: { pid: 1, path: '/tmp/a\u001b[2J\nb', parents: [{ pid: 2, commandLine: ['\u001b]0;x\u0007'] }] },
    };
    expect(eventLine({ type: 'held', at: 0, request: 1, attempt: hostile }, 'run')).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
  });

  test.each([
    [{ kind: 'default', reason: 'timeout' } as const, 'nobody answered in 30 s'],
    [{ kind: 'person' } as const, 'you'],
    [{ kind: 'filter', filterId: '41' } as const, 'filter 41'],
  ])('%j in words', (by, text) => expect(byText(by, 30_200)).toBe(text));

  test('JSON is one line and carries big numbers as text', () => {
    const json = eventJson(
      {
        type: 'decided',
        at: 0,
        attempt,
        verdict: 'block',
        by: { kind: 'filter', filterId: '9007199254740993' },
        waited: 0,
      },
      'run',
    );
    expect(json).not.toContain('\n');
    expect(JSON.parse(json)).toMatchObject({
      type: 'decided',
      at: '1970-01-01T00:00:00.000Z',
      verdict: 'block',
      by: { filterId: '9007199254740993' },
    });
  });

  test('output keeps its text', () =>
    expect(JSON.parse(eventJson({ type: 'output', stream: 'stderr', data: Buffer.from('a\nb') }, 'run'))).toEqual({
      type: 'output',
      stream: 'stderr',
      text: 'a\nb',
    }));
});
