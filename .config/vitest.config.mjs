import { inkTableEsm } from './ink-plugins.mjs';

export default {
  root: new URL('..', import.meta.url).pathname,
  plugins: [inkTableEsm()],
  test: {
    include: ['{engine,driver,machines,tui,themes,test}/**/*.test.{ts,tsx}'],
    server: { deps: { inline: ['ink-table'] } },
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
};
