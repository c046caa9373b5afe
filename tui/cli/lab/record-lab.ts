import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openRecording } from '../../../driver/recorded/recording.ts';

/**
 * Makes `lab-recording.jsonl` anew: runs the built program's lab on this machine, every request permitted after a moment, and keeps
 * the recording when it can be played. Run it where connections can be held: `npm run build && node tui/cli/lab/record-lab.ts`.
 */
const root = fileURLToPath(new URL('../../..', import.meta.url)).replace(/[\\/]$/, '');
const target = fileURLToPath(new URL('./lab-recording.jsonl', import.meta.url));
const program = join(root, 'dist', 'cli.mjs');
/** Seconds that a request is held: long enough for all to wait side by side when it is played. */
const HELD = '4';

type Line = { attempt?: { names: { name: string; kind: string }[] } };

/** Leaves out where this checkout lies and what else this machine calls itself in /etc/hosts. */
function shareable(text: string): string {
  if (text === '') return '';
  const line: Line = JSON.parse(text.replaceAll(root, '/opt/sallyport'));
  if (!line.attempt) return JSON.stringify(line);
  const names = line.attempt.names.filter(name => name.kind !== 'hosts' || name.name === 'localhost');
  return JSON.stringify({ ...line, attempt: { ...line.attempt, names } });
}

if (!existsSync(program)) throw new Error(`${program} is not there: npm run build`);
const folder = mkdtempSync(join(tmpdir(), 'sallyport-lab-'));
try {
  const file = join(folder, 'lab.jsonl');
  const args = ['lab', '--record', file, '--default', 'permit', '--timeout', HELD, '--line'];
  const { status } = spawnSync(process.execPath, [program, ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, SALLYPORT_HOME: join(folder, 'home') },
  });
  if (status !== 0) throw new Error(`the lab ended with ${status}`);
  const text = readFileSync(file, 'utf8').split('\n').map(shareable).join('\n');
  writeFileSync(`${target}.new`, text);
  const { source } = await openRecording(`${target}.new`);
  await source.stop();
  renameSync(`${target}.new`, target);
  process.stdout.write(`${target}: ${text.split('\n').length - 1} lines\n`);
} finally {
  rmSync(folder, { recursive: true });
}
