import { fastWidth, inkTableEsm, noDevtools, yogaSync } from './ink-plugins.mjs';

/**
 * One bundle with lazily loaded chunks: `cli` answers --help and --version without loading anything else,
 * the workers are entries of their own because they run in their own threads or processes.
 */
export default {
  input: {
    cli: 'tui/cli/cli.ts',
    'supervisor-worker': 'tui/cli/host/supervisor-worker.ts',
    launcher: 'driver/linux/launcher.ts',
    'lab-main': 'tui/cli/lab/lab-main.ts',
  },
  platform: 'node',
  external: ['koffi'],
  plugins: [inkTableEsm(), yogaSync(), noDevtools(), fastWidth()],
  transform: { define: { 'process.env.NODE_ENV': '"production"', 'process.env.DEV': '"false"' } },
  output: { dir: 'dist', format: 'esm', minify: true, entryFileNames: '[name].mjs', chunkFileNames: 'chunk-[name]-[hash].mjs' },
};
