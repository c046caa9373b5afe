/** The one name that the lab's own name server knows; `.example` is reserved (RFC 2606). */
export const PACKAGES_NAME = 'packages.lab.example';

/** The port of name servers. Not everybody may listen on it. */
export const DNS_PORT = 53;
/** Where the lab's name server listens: on the well-known port at an address where no other name server is likely to be. */
export const dnsAddress = (port: number): string => (port === DNS_PORT ? '127.0.0.3' : '127.0.0.1');

const TYPE_A = 1;
const CLASS_IN = 1;
const TTL = 60;

/**
 * Answers one DNS question (RFC 1035, section 4): an A record for `PACKAGES_NAME`, no data for its other types, NXDOMAIN for other names.
 * Numbers are in network order.
 * @returns undefined when the datagram is no question of one name
 */
export function answerQuestion(question: Buffer, address: string): Buffer | undefined {
  if (question.length < 17 || question.length > 512) return undefined;
  if ((question.readUInt16BE(2) & 0xf800) !== 0 || question.readUInt16BE(4) !== 1) return undefined;
  const labels: string[] = [];
  let at = 12;
  for (let size = question[at++]; size; size = question[at++]) {
    if (size > 63 || at + size >= question.length) return undefined;
    labels.push(question.toString('latin1', at, at + size).toLowerCase());
    at += size;
  }
  if (at + 4 > question.length) return undefined;
  const known = labels.join('.') === PACKAGES_NAME;
  const found = known && question.readUInt16BE(at) === TYPE_A && question.readUInt16BE(at + 2) === CLASS_IN;
  const header = Buffer.alloc(12);
  question.copy(header, 0, 0, 2);
  // QR and AA set, RD copied; RCODE 3 is NXDOMAIN.
  header.writeUInt16BE(0x8400 | (question.readUInt16BE(2) & 0x0100) | (known ? 0 : 3), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(found ? 1 : 0, 6);
  const parts = [header, question.subarray(12, at + 4)];
  if (found) {
    const record = Buffer.alloc(16);
    record.writeUInt16BE(0xc00c, 0); // a pointer to the name in the question
    record.writeUInt16BE(TYPE_A, 2);
    record.writeUInt16BE(CLASS_IN, 4);
    record.writeUInt32BE(TTL, 6);
    record.writeUInt16BE(4, 10);
    for (const [i, byte] of address.split('.').entries()) record[12 + i] = Number(byte);
    parts.push(record);
  }
  return Buffer.concat(parts);
}
