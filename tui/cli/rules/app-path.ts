import type { Rule } from '../../../engine/rules/rule.ts';

/** What ALE_APP_ID has for the kernel's own traffic on Windows. */
const SYSTEM = 'System';

/**
 * A program as this machine's engine has it. On Windows ALE_APP_ID is the device path in lower case, as FwpmGetAppIdFromFileName0 makes it
 * (https://learn.microsoft.com/windows/win32/api/fwpmu/nf-fwpmu-fwpmgetappidfromfilename0); the file need not exist. Elsewhere it is
 * the path as it is.
 */
export async function engineApp(path: string): Promise<string> {
  if (process.platform !== 'win32') return path;
  if (path.toLowerCase() === SYSTEM.toLowerCase()) return SYSTEM;
  const { deviceOfDrivePath } = await import('../../../driver/windows/device-paths.ts');
  return (deviceOfDrivePath(path) ?? path).toLowerCase();
}

/** The rule with its program as this machine's engine has it. */
export async function withEngineApp<R extends Pick<Rule, 'scope'>>(rule: R): Promise<R> {
  const { app } = rule.scope;
  return app === undefined ? rule : { ...rule, scope: { ...rule.scope, app: await engineApp(app) } };
}
