/**
 * Makes dist-windows/sallyport-VERSION-win-x64.zip and SHA256SUMS: Sallyport for Windows, run without installation. `--out DIR` puts
 * them elsewhere.
 *
 * A small sallyport.exe starts an unchanged node.exe beside the bundle. It is no single executable application: tried under Wine,
 * Node 22 takes one CommonJS script only (of an ES module it says "Failed to load"), so no lazily loaded chunks and no worker entries;
 * koffi's addon would have to be unpacked into a temporary folder at every start; and node.exe loses its publisher's signature.
 *
 * Same inputs, same bytes: every time is SOURCE_DATE_EPOCH or the commit's, packages come by hash, compilers write no time.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { rolldown } from 'rolldown';
import { locked, NODE, NODE_LICENCE, packageFile } from './dist-fetch.mjs';
import { licences, licenceText } from './dist-licences.mjs';
import { zip } from './dist-zip.mjs';
import config from './rolldown.config.mjs';

process.on('uncaughtException', error => {
  // A command that failed has said why on our standard error; the last line of its message is the reason in short.
  console.error(`dist: ${error.message.trim().split('\n').at(-1)}`);
  process.exit(1);
});
const { values } = parseArgs({ options: { out: { type: 'string' } } });
const given = values.out === undefined ? undefined : resolve(values.out);
process.chdir(new URL('..', import.meta.url).pathname);
const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
const KOFFI = '@koromix/koffi-win32-x64';
const own = path => readFileSync(path);

/** As Windows' own programs write it: cmd.exe needs it in scripts, and every editor shows it. */
const lines = bytes => Buffer.from(bytes.toString().replaceAll(/\r?\n/g, '\r\n'));

/** Seconds since 1970 that every file in the zip carries. */
function epoch() {
  const given = process.env['SOURCE_DATE_EPOCH'];
  if (given !== undefined) {
    if (!/^\d{1,11}$/.test(given)) throw new Error(`SOURCE_DATE_EPOCH is '${given}', not a number of seconds`);
    return Number(given);
  }
  return Number(execFileSync('git', ['log', '-1', '--format=%ct'], { encoding: 'utf8' }));
}

/** The same entries and options as dist/: what the tests ran is what is packed. */
async function bundle() {
  const { output, ...input } = config;
  const build = await rolldown({ ...input, logLevel: 'warn' });
  const { output: chunks } = await build.generate(output);
  await build.close();
  return chunks;
}

/** Compiles the launcher; mingw-w64 writes the time of day into the header unless it is told not to. */
function launcher() {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-dist-'));
  const flags = ['-O2', '-s', '-municode', '-std=gnu11', '-Wall', '-Wextra', '-Werror', '-static', '-Wl,--no-insert-timestamp'];
  const output = join(folder, 'sallyport.exe');
  try {
    execFileSync('x86_64-w64-mingw32-gcc', [...flags, '-o', output, 'driver/windows/package/sallyport.c'], { stdio: 'inherit' });
    return own(output);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Whether a PE file carries a signature: size of the certificate table, the fifth data directory of a PE32+ header. */
function isSigned(bytes) {
  const header = bytes.readUInt32LE(0x3c) + 24;
  return bytes.readUInt32LE(header + 112 + 4 * 8 + 4) > 0;
}

/** The driver as it lies in its build folder, after bringing it up to date; a signed one that is up to date stays signed. */
function driver() {
  execFileSync('make', ['-s', '-C', 'driver/callout', 'all'], { stdio: ['ignore', 'ignore', 'inherit'] });
  const bytes = own('driver/callout/build/sallyport.sys');
  const signed = isSigned(bytes);
  const files = { 'driver/sallyport.sys': bytes };
  if (signed) files['driver/sallyport-test.cer'] = own('driver/callout/build/sallyport-test.cer');
  return { signed, files };
}

/** koffi as it is installed, with the addon for Windows beside it where its loader looks. */
function koffi() {
  const { name, version, type, main, exports } = JSON.parse(readFileSync('node_modules/koffi/package.json', 'utf8'));
  const modules = 'app/node_modules';
  return {
    [`${modules}/koffi/package.json`]: Buffer.from(`${JSON.stringify({ name, version, type, main, exports }, null, 2)}\n`),
    [`${modules}/koffi/index.js`]: own('node_modules/koffi/index.js'),
    ...Object.fromEntries(
      ['index.js', 'src/static.js'].map(path => [
        `${modules}/koffi/src/koffi/${path}`,
        own(`node_modules/koffi/src/koffi/${path}`),
      ]),
    ),
    ...Object.fromEntries(
      ['package.json', 'index.js', 'win32_x64/koffi.node'].map(path => [
        `${modules}/${KOFFI}/${path}`,
        packageFile(locked(KOFFI), path),
      ]),
    ),
  };
}

function readme(signed) {
  const state = signed
    ? 'signed with a test certificate (sallyport-test.cer)'
    : 'NOT signed: sign it before step 3 (scripts/sign.sh in the sources, or signtool)';
  return own('driver/windows/package/README.txt')
    .toString()
    .replaceAll(/@(VERSION|NODE|SIGNED)@/g, (_, name) => ({ VERSION: version, NODE: NODE.version, SIGNED: state })[name]);
}

const out = given ?? 'dist-windows';
const chunks = await bundle();
const { signed, files: driverFiles } = driver();
const text = path => lines(own(path));
const files = {
  'sallyport.exe': launcher(),
  'README.txt': lines(Buffer.from(readme(signed))),
  'LICENSE.txt': text('LICENSE'),
  'THIRD-PARTY.txt': lines(
    Buffer.from(
      licenceText(
        licences(
          chunks.flatMap(chunk => Object.keys(chunk.modules ?? {})),
          ['koffi'],
        ),
      ),
    ),
  ),
  ...Object.fromEntries(chunks.map(chunk => [`app/${chunk.fileName}`, Buffer.from(chunk.code ?? chunk.source)])),
  // `lab` plays it where no command can be held, which is everywhere on Windows.
  'app/lab-recording.jsonl': own('tui/cli/lab/lab-recording.jsonl'),
  ...koffi(),
  'node/node.exe': packageFile(NODE, 'bin/node.exe'),
  'node/LICENSE.txt': lines(packageFile(NODE_LICENCE, 'LICENSE')),
  ...driverFiles,
  'driver/sallyport.inf': text('driver/callout/sallyport.inf'),
  'driver/install.cmd': text('driver/callout/scripts/install.cmd'),
  'driver/uninstall.cmd': text('driver/callout/scripts/uninstall.cmd'),
};
const folder = `sallyport-${version}-win-x64`;
const names = Object.keys(files).sort();
const bytes = zip(
  names.map(name => ({ name: `${folder}/${name}`, bytes: files[name] })),
  epoch(),
);
const sum = createHash('sha256').update(bytes).digest('hex');
mkdirSync(out, { recursive: true });
writeFileSync(join(out, `${folder}.zip`), bytes);
writeFileSync(join(out, 'SHA256SUMS'), `${sum}  ${folder}.zip\n`);
console.log(`${join(out, `${folder}.zip`)}: ${names.length} files, ${(bytes.length / 2 ** 20).toFixed(1)} MiB`);
console.log(`sha256 ${sum}`);
console.log(`Node ${NODE.version}; driver ${signed ? 'signed with the test certificate' : 'unsigned'}`);
