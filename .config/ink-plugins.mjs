import { readFileSync } from 'node:fs';

const dep = path => new RegExp(`[\\\\/]node_modules[\\\\/]${path.replaceAll('/', '[\\\\/]').replaceAll('.', '\\.')}(\\?|$)`);
const must = (code, from, to) => {
  const out = code.replace(from, to);
  if (out === code) throw new Error(`pattern not found: ${from}`);
  return out;
};
const onFile = (name, path, edit) => {
  const test = dep(path);
  return {
    name,
    enforce: 'pre',
    transform(code, id) {
      return test.test(id) ? { code: edit(code, id), map: null } : undefined;
    },
  };
};

/** ink-table ships CommonJS and require()s ink, whose graph has top-level await. Make it an ES module. */
export const inkTableEsm = () =>
  onFile('ink-table-esm', 'ink-table/dist/index.js', code => {
    const head = [];
    const body = code.replace(/require\("([^"]+)"\)/g, (_, spec) => {
      const local = `__dep${head.length}`;
      head.push(`import ${spec === 'ink' ? '* as ' : ''}${local} from ${JSON.stringify(spec)};`);
      return local;
    });
    return `${head.join('\n')}\nconst exports = {};\n${body}\nexport default Table;\nexport {Header, Cell, Skeleton};\n`;
  });

/** Release bundle only: load Yoga's WebAssembly synchronously, without fetch() of a data: URL. */
export const yogaSync = () => [
  onFile('yoga-sync', 'yoga-layout/dist/src/index.js', (_, id) => {
    const glue = readFileSync(id.replace(/src[\\/]index\.js$/, 'binaries/yoga-wasm-base64-esm.js'), 'utf8');
    const wasm = /base64,([A-Za-z0-9+/=]{1000,})/.exec(glue)[1];
    return `import glue from '../binaries/yoga-wasm-base64-esm.js';
import wrapAssembly from './wrapAssembly.js';
const lib = {instantiateWasm(imports, done) {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from('${wasm}', 'base64')), imports);
  done(instance);
  return instance.exports;
}};
glue(lib);
export default wrapAssembly(lib);
export * from './generated/YGEnums.js';
`;
  }),
  onFile('yoga-glue', 'yoga-layout/dist/binaries/yoga-wasm-base64-esm.js', code =>
    must(code, /(base64,)[A-Za-z0-9+/=]{1000,}/, '$1'),
  ),
];

/** Release bundle only: drop Ink's opt-in DevTools import, the other top-level await. */
export const noDevtools = () =>
  onFile('ink-no-devtools', 'ink/build/reconciler.js', code =>
    must(
      must(must(code, "await import('./devtools.js');", ''), "import.meta.resolve('react-devtools-core');", ''),
      /const loaded = await loadPackageJson\(\);/,
      'const loaded = {};',
    ).replace(/async function loadPackageJson\(\) \{[\s\S]*?\n\}\n/, ''),
  );

/** Release bundle only: answer plain text and box drawing before string-width compiles its RGI_Emoji regex. */
export const fastWidth = () =>
  onFile(
    'fast-width',
    'string-width/index.js',
    code =>
      must(
        must(code, 'export default function stringWidth', 'function slowStringWidth'),
        'const rgiEmojiRegex = /^\\p{RGI_Emoji}$/v;',
        'let rgi; const rgiEmojiRegex = {test: s => (rgi ??= /^\\p{RGI_Emoji}$/v).test(s)};',
      ) +
      `\nconst plain = /^[ -~\\u00A0-\\u00AC\\u00AE-\\u02FF\\u2010-\\u2027\\u2030-\\u205E\\u2190-\\u2193\\u2713\\u2715\\u2500-\\u25FC\\u2800-\\u28FF]*$/;
const sgr = /\\x1b\\[[0-9;]*m/g;
export default function stringWidth(input, options) {
  if (typeof input !== 'string') return slowStringWidth(input, options);
  if (plain.test(input)) return input.length;
  // Colours take no cells; the full measure strips them too, unless it is told to count them.
  if (options?.countAnsiEscapeCodes || !input.includes('\\x1b[')) return slowStringWidth(input, options);
  const bare = input.replace(sgr, '');
  return plain.test(bare) ? bare.length : slowStringWidth(bare, options);
}\n`,
  );
