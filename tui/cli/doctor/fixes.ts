/** What to type, in the words of the platform's own shell. */
export interface Fixes {
  /** Brings back what came with Sallyport. */
  readonly install: string;
  readonly node: string;
  readonly terminalType: string;
  readonly moveAside: (path: string) => string;
  readonly makeWritable: (path: string) => string;
}

/** A path as one word of a POSIX shell. */
const quote = (path: string) => (/^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`);

const posix: Fixes = {
  install: 'npm ci',
  node: 'npm ci   (brings its own Node; start it with npm run sallyport)',
  terminalType: 'export TERM=xterm-256color',
  moveAside: path => `mv ${quote(path)} ${quote(`${path}.damaged`)}`,
  makeWritable: path => `chmod u+rw ${quote(path)}`,
};

/** For cmd.exe; a path of Windows holds no quote. */
const windows: Fixes = {
  install: 'unpack the zip again, whole, into one folder',
  node: 'start sallyport.exe of the zip: it brings its own Node',
  terminalType: 'use Windows Terminal',
  moveAside: path => `move "${path}" "${path}.damaged"`,
  makeWritable: path => `attrib -r "${path}"`,
};

export const fixes = (platform: NodeJS.Platform): Fixes => (platform === 'win32' ? windows : posix);
