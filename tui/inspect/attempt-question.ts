import { FlowError, parseEndpoint } from '../../engine/explain/flow.ts';
import { protocolNumber, protocolWord } from '../../engine/explain/words.ts';
import type { ConnectionAttempt } from '../../engine/model/attempt.ts';
import type { GuardClient } from '../../machines/guard-client.ts';
import { remoteName } from '../select/words.ts';
import type { FieldName, Question, Stage } from './question.ts';

/** An attempt that a guard saw, asked about as its filters stand now. The guard answers, so its own layers only. */
export class AttemptQuestion implements Question {
  readonly fields: readonly FieldName[] = ['program', 'address', 'port', 'protocol', 'user'];
  readonly #client: Pick<GuardClient, 'explain'>;
  readonly attempt: ConnectionAttempt;

  constructor(client: Pick<GuardClient, 'explain'>, attempt: ConnectionAttempt) {
    this.#client = client;
    this.attempt = attempt;
  }

  get name(): string | undefined {
    return remoteName(this.attempt);
  }

  text(field: FieldName): string | undefined {
    const { identity, remote, local, protocol } = this.attempt;
    if (field === 'program') return identity.path;
    if (field === 'address') return remote?.address;
    if (field === 'port') return remote && String(remote.port);
    if (field === 'protocol') return protocolWord(protocol).replace('protocol ', '');
    if (field === 'user') return identity.uid === undefined ? identity.sid : String(identity.uid);
    if (field === 'local') return local?.address;
    return undefined;
  }

  with(field: FieldName, raw: string): Question {
    const text = raw.trim();
    const { identity, remote } = this.attempt;
    if (text === '') throw new FlowError(`type the ${field}`);
    switch (field) {
      case 'program':
        return this.#changed({ identity: { ...identity, path: text } });
      case 'address': {
        const { address, port } = parseEndpoint(
          text.includes(':') && !text.startsWith('[') && !text.includes('.') ? `[${text}]` : text,
        );
        if (address === undefined) throw new FlowError('an address is written 192.0.2.1 or 2001:db8::1');
        // A name was learned for the old address.
        return this.#changed({
          names: address === remote?.address ? this.attempt.names : [],
          family: address.includes(':') ? 'v6' : 'v4',
          remote: { address, port: port ?? remote?.port ?? 0 },
        });
      }
      case 'port': {
        if (!remote) throw new FlowError('this call has no remote side');
        if (!/^\d{1,5}$/.test(text) || Number(text) > 65535) throw new FlowError(`"${text.slice(0, 40)}" is no port`);
        return this.#changed({ remote: { ...remote, port: Number(text) } });
      }
      case 'protocol': {
        const protocol = protocolNumber(text);
        if (protocol === undefined)
          throw new FlowError(`"${text.slice(0, 40)}" is no protocol: write tcp, udp or a number to 255`);
        return this.#changed({ protocol });
      }
      default: {
        if (!/^\d{1,10}$/.test(text)) throw new FlowError('a user is its number (id -u)');
        // Name and groups were the old user's.
        const { user: _, gids: __, ...rest } = identity;
        return this.#changed({ identity: { ...rest, uid: Number(text), sid: `S-1-22-1-${Number(text)}` } });
      }
    }
  }

  #changed(part: Partial<ConnectionAttempt>): Question {
    return new AttemptQuestion(this.#client, { ...this.attempt, ...part });
  }

  ask(): readonly Stage[] {
    const { layer, family } = this.attempt;
    const known = (field: string) => {
      const name: Readonly<Record<string, FieldName>> = {
        ALE_APP_ID: 'program',
        IP_REMOTE_ADDRESS: 'address',
        IP_REMOTE_PORT: 'port',
        IP_PROTOCOL: 'protocol',
        IP_LOCAL_ADDRESS: 'local',
      };
      return name[field] && this.text(name[field]);
    };
    return [{ layer: `${layer}_${family.toUpperCase()}`, trace: this.#client.explain(this.attempt), notes: [], known }];
  }
}
