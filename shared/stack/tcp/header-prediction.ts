// The usual case, told by the header alone: the next segment of a stream that goes one way, with nothing new to say
// to who sends (Van Jacobson's header prediction, RFC 9293's checks being passed by construction). What is in any
// way else is left to arrival.ts.

import { readI32, readU16 } from '../../core/bytes.ts';
import { addToSum, foldSum } from '../../core/checksum.ts';
import {
  TCP_ACKNOWLEDGMENT,
  TCP_DATA_OFFSET,
  TCP_HEADER_LENGTH,
  TCP_SEQUENCE,
  TCP_TIMESTAMPS_LENGTH,
  TCP_WINDOW,
} from '../../wire/tcp.ts';
import { takeNextText } from './arrival.ts';
import { CONGESTION_EXPERIENCED, ECN_MASK } from './ecn.ts';
import { seqAfter } from './sequence.ts';
import type { Tcb } from './tcb.ts';

/** NOP, NOP, and the kind and length of timestamps (RFC 7323 appendix A): how everybody sends them. */
const TIMESTAMPS_ONLY = 0x0101080a;

/**
 * Takes the segment from `bytes[at]` to the end, whose flags are ACK, and perhaps PSH.
 *
 * @param pseudoHeaderSum of the connection, for a segment of no length
 * @returns whether it was as predicted; if not, nothing has been done
 */
export function predictedArrives(
  tcb: Tcb,
  bytes: Uint8Array,
  at: number,
  tos: number,
  pseudoHeaderSum: number,
): boolean {
  const { receive, timestamps } = tcb;
  const headerLength = (bytes[at + TCP_DATA_OFFSET]! >>> 4) * 4;
  const length = bytes.length - at - headerLength;
  const sequence = readI32(bytes, at + TCP_SEQUENCE);
  if (tcb.state !== 'ESTABLISHED' || tcb.abandoned || length <= 0) return false;
  if (headerLength !== TCP_HEADER_LENGTH + (timestamps ? TCP_TIMESTAMPS_LENGTH : 0)) return false;
  if (!receive.isNext(sequence, length)) return false;
  if (readI32(bytes, at + TCP_ACKNOWLEDGMENT) !== tcb.una) return false;
  const window = readU16(bytes, at + TCP_WINDOW) * (1 << tcb.windowShift);
  if (window !== tcb.window || window === 0 || seqAfter(tcb.windowUpdateSequence, sequence)) return false;
  if (tcb.ecn && (tos & ECN_MASK) === CONGESTION_EXPERIENCED) return false;
  const optionsAt = at + TCP_HEADER_LENGTH;
  if (timestamps) {
    if (readI32(bytes, optionsAt) !== TIMESTAMPS_ONLY) return false;
    if (timestamps.isOld(readI32(bytes, optionsAt + 4))) return false;
  }
  const sum = addToSum(pseudoHeaderSum + bytes.length - at, bytes, at, bytes.length);
  if (foldSum(sum) !== 0xffff) return false;

  timestamps?.update(readI32(bytes, optionsAt + 4), sequence, tcb.lastAckSent);
  tcb.windowUpdateSequence = sequence;
  tcb.windowUpdateAck = tcb.una;
  takeNextText(tcb, bytes, at + headerLength, bytes.length);
  return true;
}
