import { readFileSync, writeFileSync } from 'node:fs';
import { keysTable } from '../keymap.ts';
import { COMMANDS } from './commands.ts';

/**
 * Writes the generated parts of README.md: the table of keys and of commands, from the tables that the program itself uses.
 * `node tui/cli/readme.ts`; with --check it fails when they are stale.
 */
const path = new URL('../../README.md', import.meta.url);

const commandsTable = () =>
  [
    '| command | what it does |',
    '| --- | --- |',
    ...COMMANDS.map(c => `| \`sallyport ${c.usage.replaceAll('|', '\\|')}\` | ${c.summary} |`),
  ].join('\n');

function replaced(text: string, name: string, content: string): string {
  const start = `<!-- ${name}:start -->`;
  const end = `<!-- ${name}:end -->`;
  const from = text.indexOf(start);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`README.md has no part ${start} … ${end}`);
  return `${text.slice(0, from + start.length)}\n${content.trim()}\n${text.slice(to)}`;
}

const current = readFileSync(path, 'utf8');
const wanted = replaced(replaced(current, 'keys', keysTable()), 'commands', commandsTable());
if (process.argv.includes('--check')) {
  if (current !== wanted) {
    console.error('README.md is stale: npm run generate');
    process.exitCode = 1;
  }
} else writeFileSync(path, wanted);
