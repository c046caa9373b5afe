/**
 * Says in one sentence what an npm script needs and this machine has not, before make or a compiler does it in theirs:
 * `node .config/needs.mjs TOOL…`. Exit code 1 when something is missing.
 */
import { spawnSync } from 'node:child_process';

const runs = (command, ...args) => spawnSync(command, args, { stdio: 'ignore' }).status === 0;

/** A program links with both sanitizers and libFuzzer: their libraries come in a package of their own. */
const links = () =>
  spawnSync('clang', ['-x', 'c', '-fsanitize=fuzzer,address,undefined', '-o', '/dev/null', '-'], {
    input: 'int LLVMFuzzerTestOneInput(const unsigned char *data, unsigned long size) { return data && size ? 0 : 0; }',
    stdio: ['pipe', 'ignore', 'ignore'],
  }).status === 0;

/** What a tool is, whether it is here, and the part of .ci/install-packages that brings it. */
const TOOLS = {
  make: ['make', () => runs('make', '--version'), 'driver'],
  clang: ['clang with its sanitizers', links, 'driver'],
  llvm: ['llvm-cov and llvm-profdata', () => runs('llvm-cov', '--version') && runs('llvm-profdata', 'show', '--help'), 'driver'],
  mingw: ['mingw-w64', () => runs('x86_64-w64-mingw32-gcc', '--version'), 'windows'],
  wine: ['Wine', () => runs('wine', '--version'), 'windows'],
};

const missing = process.argv
  .slice(2)
  .map(name => TOOLS[name] ?? [`'${name}', which needs.mjs does not know`, () => false, 'driver'])
  .filter(([, here]) => !here());
if (missing.length > 0) {
  const names = missing.map(([name]) => name).join(', ');
  const parts = [...new Set(missing.map(([, , part]) => part))].join(' ');
  console.error(
    `${process.env['npm_lifecycle_event'] ?? 'this'} needs what is not here: ${names}. Type as root: .ci/install-packages ${parts}`,
  );
  process.exitCode = 1;
}
