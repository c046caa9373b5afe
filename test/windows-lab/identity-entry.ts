import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { accountSid } from '../../driver/windows/account-sid.ts';
import { createIdentifier } from '../../driver/windows/identity.ts';
import { processFacts } from '../../driver/windows/process-facts.ts';
import { servicesOf } from '../../driver/windows/services.ts';
import { signerOf } from '../../driver/windows/signer.ts';
import { report, until } from './report.ts';

/** Runs under Wine: what can be learned of processes through the real functions of a Windows user land. */

function expectThat(what: string, holds: boolean): void {
  if (!holds) throw new Error(`not so: ${what}`);
}
const same = (a: string | undefined, b: string) => a?.toLowerCase() === b.toLowerCase();

if (process.argv[2] === 'wait') {
  process.stdin.resume();
  setInterval(() => undefined, 1000);
} else {
  await report('a process: path, start, user', async () => {
    const facts = processFacts(process.pid);
    expectThat(`path ${facts?.path}`, same(facts?.path, process.execPath));
    const age = Date.now() - (facts?.startTime ?? 0);
    expectThat(`started ${age} ms ago`, age >= 0 && age < 600_000);
    expectThat(`sid ${facts?.sid}`, /^S-1-5-\d+/.test(facts?.sid ?? ''));
  });
  await report('an account by its name', async () => {
    expectThat(`SYSTEM ${accountSid('SYSTEM')}`, accountSid('SYSTEM') === 'S-1-5-18');
    expectThat(`Administrators ${accountSid('Administrators')}`, accountSid('BUILTIN\\Administrators') === 'S-1-5-32-544');
    expectThat(`nobody ${accountSid('no such account')}`, accountSid('no such account') === undefined);
    expectThat('no name', accountSid('') === undefined);
  });
  await report('a child has this process as its parent', async () => {
    const child = spawn(process.execPath, [process.argv[1]!, 'wait', 'an argument'], { stdio: 'ignore' });
    try {
      const identity = createIdentifier()({ processId: child.pid! });
      expectThat(`path ${identity.path}`, same(identity.path, process.execPath));
      expectThat(`parent ${identity.parents[0]?.pid}`, identity.parents[0]?.pid === process.pid);
      // Wine 8 may not tell the command line; when it does it must be the right one.
      const line = identity.commandLine;
      expectThat(`command line ${line}`, line === undefined || line.at(-1) === 'an argument');
      expectThat('it is no service host', identity.services === undefined);
    } finally {
      child.kill();
      await once(child, 'exit');
    }
  });
  await report('a process that is not there is not known', async () => {
    expectThat('no facts', processFacts(0x7ffffffc) === undefined);
    const identity = createIdentifier()({ processId: 0x7ffffffc, appId: '\\device\\nowhere\\x.exe' });
    expectThat(JSON.stringify(identity), identity.path === '\\device\\nowhere\\x.exe' && identity.parents.length === 0);
  });
  await report('the service manager tells the services of a process', async () => {
    const names = servicesOf(process.pid);
    expectThat(`none here: ${names}`, names !== undefined && names.length === 0);
  });
  await report('the services of a svchost process', async () => {
    // Wine's own BITS runs in a svchost, as on Windows.
    spawnSync('sc.exe', ['start', 'BITS'], { stdio: 'ignore' });
    let pid: number | undefined;
    await until('BITS runs', () => {
      for (pid = 8; pid < 2000; pid += 4) if (servicesOf(pid)?.includes('BITS')) return true;
      return false;
    });
    expectThat(`its process ${processFacts(pid!)?.path}`, same(processFacts(pid!)?.path, 'C:\\windows\\system32\\svchost.exe'));
    const { services } = createIdentifier()({ processId: pid! });
    expectThat(`services ${services}`, services?.includes('BITS') === true);
    // Wine does not know sub-process tags: a tag that nobody can resolve falls back to all services of the process.
    const tagged = createIdentifier()({ processId: pid!, subProcessTag: 77n });
    expectThat(`services by tag ${tagged.services}`, String(tagged.services) === String(services));
    spawnSync('sc.exe', ['stop', 'BITS'], { stdio: 'ignore' });
  });
  await report('a file without signature has no signer', async () => {
    expectThat('signer', (await signerOf('C:\\windows\\system32\\drivers\\sallyport.sys')) === undefined);
    expectThat('signer of nothing', (await signerOf('C:\\nothing.exe')) === undefined);
  });
  const [signed, tampered] = process.argv.slice(2);
  if (signed && tampered) {
    await report('a signed file has its signer, and one that was changed afterwards has none', async () => {
      expectThat(`signer ${await signerOf(signed)}`, (await signerOf(signed)) === 'Sallyport Lab Signer');
      expectThat(`signer of the changed ${await signerOf(tampered)}`, (await signerOf(tampered)) === undefined);
    });
  }
}
