import { execFileSync } from 'node:child_process';

/** The SID of a user, as text, by what stands on a command line; undefined when this machine knows none. */
export type UserResolver = (text: string) => string | undefined;

/** A user of a Unix by name or uid: S-1-22-1-UID. Asks id(1), which knows every user source of the machine. */
export const unixUserSid: UserResolver = text => {
  if (/^\d{1,10}$/.test(text)) return `S-1-22-1-${text}`;
  if (text.startsWith('-')) return undefined;
  try {
    const uid = execFileSync('id', ['-u', text], { encoding: 'utf8', timeout: 5000, stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    return /^\d+$/.test(uid) ? `S-1-22-1-${uid}` : undefined;
  } catch {
    return undefined;
  }
};

/** How this machine knows users. */
export async function userResolver(): Promise<UserResolver> {
  if (process.platform !== 'win32') return unixUserSid;
  return (await import('../../../driver/windows/account-sid.ts')).accountSid;
}
