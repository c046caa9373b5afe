import { openWindowsEngine } from '../../../../engine/windows/engine.ts';
import type { HoldFacts } from '../../doctor/facts.ts';
import { findDriver } from './find-driver.ts';

/** Whether this machine can hold connections: the Base Filtering Engine answers, and the callout driver is loaded. Changes nothing. */
export async function windowsHoldFacts(): Promise<HoldFacts> {
  try {
    const engine = await openWindowsEngine({ displayData: { name: 'sallyport doctor' } });
    await engine.close();
  } catch (error) {
    return { ok: false, detail: (error as Error).message };
  }
  const driver = await findDriver();
  if (driver.kind === 'absent')
    return {
      ok: false,
      goesWithout: true,
      detail: 'the callout driver is not loaded: connections can only be dropped and asked about afterwards (net events)',
      fix: 'install the driver (driver\\install.cmd of the package), then: sc start sallyport',
    };
  if (driver.kind === 'unusable') return { ok: false, detail: driver.why };
  return { ok: true, detail: `callout driver ${driver.version}${driver.deciderAttached ? ', in use by another Sallyport' : ''}` };
}
