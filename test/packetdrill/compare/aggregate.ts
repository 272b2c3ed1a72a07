// A segment of a script may stand for several of ours in a row: Linux shows a script what it hands to a
// network card that cuts it up (TSO), and packetdrill itself joins what belongs together.

import { seqAdd } from '../../../shared/stack/tcp/sequence.ts';
import { TCP_FIN, TCP_PSH, TCP_RST, TCP_SYN, TCP_URG } from '../../../shared/wire/tcp.ts';
import type { SeenTcp } from '../packets/seen.ts';

const LAST_ONLY = TCP_FIN | TCP_PSH;
const NEVER = TCP_SYN | TCP_RST | TCP_URG;

/** `parts` as one; undefined if they do not belong together. */
export function joined(parts: readonly SeenTcp[]): SeenTcp | undefined {
  const [first, ...others] = parts;
  if (!first) return undefined;
  let whole = first;
  for (const part of others) {
    const next = join(whole, part, first.length);
    if (!next) return undefined;
    whole = next;
  }
  return whole;
}

/** @param size bytes of a full segment: only the last may have less */
function join(whole: SeenTcp, part: SeenTcp, size: number): SeenTcp | undefined {
  const follows =
    part.sequence === seqAdd(whole.sequence, whole.length) &&
    part.acknowledgment === whole.acknowledgment &&
    whole.length % size === 0 &&
    part.length > 0 &&
    part.length <= size &&
    !(whole.flags & (TCP_FIN | NEVER)) &&
    ((whole.flags ^ part.flags) & ~LAST_ONLY) === 0;
  if (!follows) return undefined;
  return {
    ...whole,
    flags: part.flags,
    length: whole.length + part.length,
    payload: Buffer.concat([whole.payload, part.payload]),
  };
}
