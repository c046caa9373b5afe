import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { requirement } from '../support/requirement.ts';
import { callout, hasClang, hasMingw, make, output } from './make.ts';

/** Our stand-in for the kernel's WFP headers against the reference, value by value; nothing in it stays unchecked. */

type Numbers = Record<string, number>;
type Printed = { types: Numbers; kernel: Numbers; offsets: Numbers; sizes: Numbers };

const reference = join(callout, '..', '..', '..', 'shared', 'reference', 'wfp.md');
const data = join(callout, '..', '..', '..', 'shared', 'data', 'wfp-constants.json');
const ready = hasClang && requirement('the WFP reference', existsSync(reference), `put the reference at ${reference}`);

let printed: Printed = { types: {}, kernel: {}, offsets: {}, sizes: {} };
let text = '';

beforeAll(() => {
  if (!ready) return;
  text = readFileSync(reference, 'utf8');
  make('', 'build/constants');
  printed = JSON.parse(output(join(callout, 'build', 'constants'))) as Printed;
});

/** `NAME 0x10, NAME 3` in a sentence of the reference. */
function pairs(sentence: string): Numbers {
  return Object.fromEntries(
    [...sentence.matchAll(/(\w+)(?:\(\w+(?: \w+)*\))? (0x[0-9a-f]+|\d+)/gi)].map(found => [found[1]!, Number(found[2])]),
  );
}

const line = (start: string): string => text.split('\n').find(candidate => candidate.includes(start)) ?? '';

/** Layer → field → run-time index, from the list of fields per layer. */
function fields(layer: string): string[] {
  const list = /^- \*\*.*?\*\* \(\d+\): (.*)$/.exec(line(`- **${layer}** (`))?.[1] ?? '';
  return list.split('·').map(field =>
    field
      .trim()
      .split(' ')[1]!
      .replace(/†?:.*$/, '')
      .replace('†', ''),
  );
}

const taken = (prefix: string): [string, number][] =>
  Object.entries(printed.kernel)
    .filter(([name]) => name.startsWith(prefix))
    .map(([name, value]) => [name.slice(prefix.length), value]);

/** Named in sentences that are no list of pairs; the section of the reference says which. */
const stated: Numbers = {
  // 2.3
  FWPS_RIGHT_ACTION_WRITE: 1,
  FWPS_CLASSIFY_OUT_FLAG_ABSORB: 1,
  FWPS_CLASSIFY_OUT_FLAG_BUFFER_LIMIT_REACHED: 2,
  FWPS_CLASSIFY_OUT_FLAG_NO_MORE_DATA: 4,
  FWPS_FILTER_FLAG_CLEAR_ACTION_RIGHT: 1,
  FWPS_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED: 2,
  FWPS_FILTER_FLAG_OR_CONDITIONS: 4,
  // 3.2, 3.8
  FWPS_PACKET_NOT_INJECTED: 0,
  FWPS_PACKET_INJECTED_BY_SELF: 1,
  FWPS_PACKET_INJECTED_BY_OTHER: 2,
  FWPS_PACKET_PREVIOUSLY_INJECTED_BY_SELF: 3,
  FWPS_CALLOUT_NOTIFY_ADD_FILTER: 0,
  FWPS_CALLOUT_NOTIFY_DELETE_FILTER: 1,
  FWPS_CALLOUT_NOTIFY_ADD_FILTER_POST_COMMIT: 2,
  // fwpsk.h: FWPS_INJECTION_TYPE_ and FWPS_PACKET_LIST_INFORMATION_QUERY_
  FWPS_INJECTION_TYPE_TRANSPORT: 2,
  FWPS_CLASSIFY_FLAG_REAUTHORIZE_IF_MODIFIED_BY_OTHERS: 1,
  FWPS_PACKET_LIST_INFORMATION_QUERY_INBOUND: 1,
  FWPS_PACKET_LIST_INFORMATION_QUERY_IPSEC: 4,
  // 7.1, in the order of FWPS_CONNECTION_REDIRECT_STATE
  FWPS_CONNECTION_NOT_REDIRECTED: 0,
  FWPS_CONNECTION_REDIRECTED_BY_SELF: 1,
  FWPS_CONNECTION_REDIRECTED_BY_OTHER: 2,
  FWPS_CONNECTION_PREVIOUSLY_REDIRECTED_BY_SELF: 3,
  // 7.2
  FWPS_STREAM_FLAG_RECEIVE: 1,
  FWPS_STREAM_FLAG_RECEIVE_DISCONNECT: 4,
  FWPS_STREAM_FLAG_RECEIVE_ABORT: 8,
  FWPS_STREAM_FLAG_SEND: 0x10000,
  FWPS_STREAM_FLAG_SEND_DISCONNECT: 0x80000,
  FWPS_STREAM_FLAG_SEND_ABORT: 0x100000,
  FWPS_STREAM_ACTION_NONE: 0,
  FWPS_STREAM_ACTION_NEED_MORE_DATA: 1,
  FWPS_STREAM_ACTION_DROP_CONNECTION: 2,
  FWPS_STREAM_ACTION_DEFER: 3,
  FWPS_STREAM_ACTION_ALLOW_CONNECTION: 4,
};

describe.runIf(ready)('stand-in headers', () => {
  test('layer ids are those of the identity table', () => {
    const layers = taken('FWPS_LAYER_');
    expect(layers.length).toBe(12);
    for (const [name, id] of layers) expect(line(`| ${id} | ${name} |`), name).not.toBe('');
  });

  test('field indexes are those of the list per layer, V4 and V6', () => {
    const indexes = taken('FWPS_FIELD_');
    expect(indexes.length).toBeGreaterThan(60);
    for (const [name, index] of indexes) {
      const [, layer, field] = /^(.+?)_V[46]_(.+)$/.exec(name)!;
      expect(fields(layer!)[index], name).toBe(field);
    }
  });

  test('metadata bits and offsets', () => {
    const bits = pairs(line('Bits (H:km/fwpsk.h)'));
    const present = taken('FWPS_METADATA_FIELD_');
    expect(present.length).toBeGreaterThan(10);
    for (const [name, value] of present) expect(value, name).toBe(bits[name]);
    const offsets = pairs(line('x64 offsets (compiled with clang from H, size 280)'));
    expect(printed.sizes['FWPS_INCOMING_METADATA_VALUES0']).toBe(280);
    let checked = 0;
    for (const [name, value] of Object.entries(printed.offsets)) {
      const member = /^FWPS_INCOMING_METADATA_VALUES0\.(.+)$/.exec(name)?.[1];
      if (member === undefined || /^padding\d$/.test(member)) continue;
      expect(value, member).toBe(offsets[member]);
      checked++;
    }
    expect(checked).toBeGreaterThan(30);
  });

  test('structures written by the driver', () => {
    const of = (structure: string): Numbers =>
      Object.fromEntries(
        Object.entries(printed.offsets)
          .filter(([name]) => name.startsWith(`${structure}.`))
          .map(([name, value]) => [name.slice(structure.length + 1), value]),
      );
    const { reserved: _, ...out } = of('FWPS_CLASSIFY_OUT0');
    expect(pairs(line('FWPS_CLASSIFY_OUT0 x64:').split('. Flags')[0]!)).toMatchObject({
      ...out,
      size: printed.sizes['FWPS_CLASSIFY_OUT0'],
    });
    expect(line('All FWPS_CALLOUTn are 48 bytes x64: key 0, flags 16, classifyFn 24, notifyFn 32, flowDeleteFn 40')).not.toBe('');
    expect(of('FWPS_CALLOUT2')).toEqual({ calloutKey: 0, flags: 16, classifyFn: 24, notifyFn: 32, flowDeleteFn: 40 });
    expect(printed.sizes['FWPS_CALLOUT2']).toBe(48);
    const request = line('FWPS_CONNECT_REQUEST0 size 312');
    for (const [member, offset] of Object.entries(of('FWPS_CONNECT_REQUEST0'))) {
      expect(request, member).toContain(member === 'localRedirectContextSize' ? `…Size ${offset}` : `${member} ${offset}`);
    }
    expect(printed.sizes).toMatchObject({ FWPS_CONNECT_REQUEST0: 312, SOCKADDR_STORAGE: 128, FWP_VALUE0: 16 });
    const stream = line('FWPS_STREAM_CALLOUT_IO_PACKET0 (40 bytes)').replaceAll('*', '');
    for (const structure of ['FWPS_STREAM_CALLOUT_IO_PACKET0', 'FWPS_STREAM_DATA0']) {
      for (const [member, offset] of Object.entries(of(structure))) expect(stream, member).toContain(`${member} ${offset}`);
    }
    expect(printed.sizes).toMatchObject({ FWPS_STREAM_CALLOUT_IO_PACKET0: 40, FWPS_STREAM_DATA0: 64 });
  });

  test('flags, states and statuses; nothing is left unchecked', () => {
    const statuses: Numbers = {
      STATUS_FWP_CANNOT_PEND: 0xc0220103,
      STATUS_FWP_NULL_POINTER: 0xc022001c,
      STATUS_FWP_TCPIP_NOT_READY: 0xc0220100,
      STATUS_FWP_IN_USE: 0xc022000a,
    };
    for (const name of ['STATUS_FWP_CANNOT_PEND', 'STATUS_FWP_NULL_POINTER', 'STATUS_FWP_TCPIP_NOT_READY']) {
      expect(text).toContain(`${name} 0x${statuses[name]!.toString(16).toUpperCase()}`);
    }
    const covered: Numbers = { ...stated, ...statuses };
    for (const [name, value] of Object.entries(printed.kernel)) {
      if (/^FWPS_(LAYER|FIELD|METADATA_FIELD)_/.test(name)) continue;
      expect(covered[name], `${name} is checked nowhere`).toBe(value);
    }
  });

  test.runIf(requirement('the real constants', existsSync(data), `put them at ${data}`))(
    'user-mode error numbers pair with the kernel statuses',
    () => {
      const { errors } = JSON.parse(readFileSync(data, 'utf8')) as { errors: Record<string, string> };
      // FWP_E_x 0x8032nnnn and STATUS_FWP_x 0xC022nnnn count alike (ntstatus.h, winerror.h) as far as both exist.
      expect(Number(errors['FWP_E_IN_USE']) & 0xffff).toBe(printed.kernel['STATUS_FWP_IN_USE']! & 0xffff);
      expect(Number(errors['FWP_E_NULL_POINTER']) & 0xffff).toBe(printed.kernel['STATUS_FWP_NULL_POINTER']! & 0xffff);
    },
  );

  test.runIf(hasMingw)("shared types equal those of mingw-w64's own headers", () => {
    const asserts = Object.entries(printed.types).map(
      ([name, value]) => `_Static_assert((unsigned)(${name}) == ${value}u, "${name}");`,
    );
    expect(asserts.length).toBeGreaterThan(30);
    const source = `#include <winsock2.h>\n#include <windows.h>\n#include <ntstatus.h>\n#include <fwptypes.h>\n#include <fwpmu.h>\n${asserts.join('\n')}
_Static_assert((unsigned)STATUS_FWP_CANNOT_PEND == ${printed.kernel['STATUS_FWP_CANNOT_PEND']}u, "");
_Static_assert((unsigned)STATUS_FWP_IN_USE == ${printed.kernel['STATUS_FWP_IN_USE']}u, "");
_Static_assert((unsigned)STATUS_FWP_TCPIP_NOT_READY == ${printed.kernel['STATUS_FWP_TCPIP_NOT_READY']}u, "");
_Static_assert(sizeof(FWP_VALUE0) == ${printed.sizes['FWP_VALUE0']}, "FWP_VALUE0");
_Static_assert(sizeof(SOCKADDR_STORAGE) == ${printed.sizes['SOCKADDR_STORAGE']}, "SOCKADDR_STORAGE");\n`;
    execFileSync('x86_64-w64-mingw32-gcc', ['-D_WIN32_WINNT=0x0A00', '-DUMDF_USING_NTSTATUS', '-fsyntax-only', '-x', 'c', '-'], {
      input: source,
    });
  });
});
