import { expect, test } from 'vitest';
import { EmbeddedEngine } from '../../../engine/embedded/engine.ts';
import { installBase } from '../../../engine/rules/base.ts';
import { rulesFromEngine } from '../../../engine/rules/read-rules.ts';
import { followResolvers } from './follow-resolvers.ts';

function machine(nameLookups: readonly string[]) {
  const engine = EmbeddedEngine.open();
  const session = engine.openSession();
  const dynamic = engine.openSession({ dynamic: true });
  const servers = async () =>
    (await rulesFromEngine(session)).map(({ scope: { remote, protocol } }) =>
      remote.kind === 'address' ? `${remote.address}/${protocol}` : remote.kind,
    );
  return { engine, dynamic, servers, ready: installBase(session, dynamic, { failPolicy: 'closed', nameLookups }) };
}

test('on another network its name servers may be asked, the old ones no more', async () => {
  const { engine, dynamic, servers, ready } = machine(['192.0.2.1', '192.0.2.2']);
  await ready;
  let read: readonly string[] = ['192.0.2.1', '192.0.2.2'];
  const stop = followResolvers({ dynamic, first: read, read: () => read, lookMs: 1 });
  read = ['192.0.2.2', '2001:db8::53'];
  await expect
    .poll(async () => (await servers()).sort())
    .toEqual(['192.0.2.2/17', '192.0.2.2/6', '2001:db8::53/17', '2001:db8::53/6']);
  read = [];
  await expect.poll(servers).toEqual([]);
  await stop();
  engine.close();
});

test('a change that fails is made at the next look; once ended nothing changes', async () => {
  const { engine, dynamic, servers, ready } = machine([]);
  await ready;
  let fail = 3;
  const failing = new Proxy(dynamic, {
    get: (target, name) => {
      if (name === 'transaction' && fail > 0) {
        fail--;
        return () => Promise.reject(new Error('no transaction'));
      }
      const member = Reflect.get(target, name);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
  let read: readonly string[] = ['192.0.2.1'];
  const stop = followResolvers({ dynamic: failing, first: [], read: () => read, lookMs: 1 });
  await expect.poll(async () => (await servers()).length).toBe(2);
  expect(fail).toBe(0);
  await stop();
  read = [];
  await new Promise(resolve => setImmediate(resolve));
  expect(await servers()).toHaveLength(2);
  engine.close();
});
