import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const root = new URL('../..', import.meta.url).pathname;
const { scripts } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { scripts: Record<string, string> };
const needy = Object.entries(scripts).flatMap(([name, script]) => {
  const needs = /^node (\.config\/needs\.mjs [a-z ]+) &&/.exec(script)?.[1];
  return needs ? [[name, needs.split(' ')] as const] : [];
});

test('scripts that need compilers or Wine ask for them first', () => {
  expect(needy.map(([name]) => name).sort()).toEqual(['dist', 'driver:fuzz', 'driver:test', 'windows:build', 'windows:lab']);
});

test.each(needy)('%s says in one sentence what is missing and what to type', (name, needs) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, needs, {
    cwd: root,
    env: { PATH: '/nonexistent', npm_lifecycle_event: name },
    encoding: 'utf8',
  });
  expect([status, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(
    new RegExp(`^${name} needs what is not here: make.*\\. Type as root: \\.ci/install-packages [a-z ]+\n$`),
  );
});

test('a tool that nobody knows is not silently there', () => {
  const { status, stderr } = spawnSync(process.execPath, ['.config/needs.mjs', 'nothing'], { cwd: root, encoding: 'utf8' });
  expect([status, stderr]).toEqual([1, expect.stringContaining("'nothing'")]);
});
