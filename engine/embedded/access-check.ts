import type { TokenInformation } from '../model/value.ts';
import type { Ace, SecurityDescriptor } from './sddl.ts';

/** FWP_ACTRL_MATCH_FILTER, with GENERIC_ALL, which maps to every right of the object. */
const MATCH_FILTER = 0x10000001;
const EVERYONE = 'S-1-1-0';
const ANONYMOUS = 'S-1-5-7';

/** `granted`: true, false, or undefined with the reason in `needs`. */
export interface AccessResult {
  readonly granted: boolean | undefined;
  readonly needs?: string;
}

function holds(sids: readonly string[], ace: Ace, partial: boolean): AccessResult {
  if (ace.rid !== undefined) {
    const suffix = `-${ace.rid}`;
    const maybe = partial || sids.some(sid => sid.startsWith('S-1-5-21-') && sid.endsWith(suffix));
    return maybe
      ? { granted: undefined, needs: `whether the token holds ${ace.sid} (its domain is not known here)` }
      : { granted: false };
  }
  if (sids.includes(ace.sid)) return { granted: true };
  // Every token but the anonymous one holds Everyone, whether or not it was listed.
  if (ace.sid === EVERYONE && sids[0] !== ANONYMOUS) return { granted: true };
  return partial ? { granted: undefined, needs: `whether the token holds ${ace.sid}` } : { granted: false };
}

function walk(aces: readonly Ace[], sids: readonly string[], partial: boolean): AccessResult {
  const open: string[] = [];
  let couldGrant = false;
  let couldDeny = false;
  for (const ace of aces) {
    if (ace.mask !== undefined && (ace.mask & MATCH_FILTER) === 0) continue;
    const held = holds(sids, ace, partial);
    if (held.granted === false) continue;
    const why = held.needs ?? ace.unknownBecause ?? (ace.mask === undefined ? 'the rights of an entry' : undefined);
    if (why === undefined) {
      // The first certain entry decides, unless an uncertain one before it could have decided otherwise.
      const otherwise = ace.allow ? couldDeny : couldGrant;
      return otherwise ? { granted: undefined, needs: open.join(', ') } : { granted: ace.allow };
    }
    open.push(why);
    if (ace.allow) couldGrant = true;
    else couldDeny = true;
  }
  return couldGrant ? { granted: undefined, needs: open.join(', ') } : { granted: false };
}

/**
 * Access check of a token for FWP_ACTRL_MATCH_FILTER, as far as the token is known. A restricted token must pass for its restricting
 * SIDs too; for an AppContainer token the second check depends on what is not in TokenInformation, so a grant stays unknown.
 * https://learn.microsoft.com/windows/win32/secauthz/how-dacls-control-access-to-an-object
 */
export function accessCheck(descriptor: SecurityDescriptor, token: TokenInformation): AccessResult {
  if (descriptor.dacl === undefined) return { granted: true };
  const first = walk(descriptor.dacl, token.sids, token.partial === true);
  if (first.granted === false) return first;
  if (token.restrictedSids !== undefined && token.restrictedSids.length > 0) {
    const second = walk(descriptor.dacl, token.restrictedSids, false);
    if (second.granted === false) return second;
    if (second.granted === undefined) return { granted: undefined, needs: first.needs ?? second.needs ?? '' };
  }
  if (first.granted && token.sids.some(sid => sid.startsWith('S-1-15-2-')))
    return { granted: undefined, needs: 'what is granted to the AppContainer of the token' };
  return first;
}
