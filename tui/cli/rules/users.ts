import { execFileSync } from 'node:child_process';

/** The SID of a user by name, as on every Unix: S-1-22-1-UID. Asks id(1), which knows every user source of the machine. */
export function userSid(name: string): string | undefined {
  if (name.startsWith('-')) return undefined;
  try {
    const uid = execFileSync('id', ['-u', name], { encoding: 'utf8', timeout: 5000, stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    return /^\d+$/.test(uid) ? `S-1-22-1-${uid}` : undefined;
  } catch {
    return undefined;
  }
}
