// Domain names (RFC 1035 §3.1, §4.1.4, §5.1) between wire labels and text.
//
// In text a name has no dot at its end, but for the root, which is `.`. A byte that is no printable ASCII
// is written `\DDD`, a dot or backslash inside a label `\.` and `\\` (RFC 4343 §2.1), so that text and wire
// are one to one. Case is kept; `canonicalName` is for comparing (RFC 4343).

import { readU16, writeU16 } from '../../core/bytes.ts';
import { Malformed } from '../../core/errors.ts';

export const ROOT = '.';

const LONGEST_LABEL = 63;
/** Length bytes and the root's zero included (RFC 1035 §2.3.4). */
const LONGEST_NAME = 255;
const POINTER = 0xc0;
const HIGHEST_POINTER = 0x3fff;
/** Pointers in one name: as many as it can have labels, though each may point to another. */
const MOST_POINTERS = 127;
const HEADER_LENGTH = 12;

/** A label's bytes (latin1) as text. */
function escapeLabel(label: string): string {
  return label.replace(/[^!-~]|[.\\]/g, (byte) =>
    byte === '.' || byte === '\\' ? `\\${byte}` : `\\${String(byte.charCodeAt(0)).padStart(3, '0')}`,
  );
}

/** The labels of a name as text; none for the root. */
export function labelsOf(name: string): string[] {
  return name === ROOT ? [] : (name.match(/(?:\\.|[^.\\])+/gs) ?? []);
}

export function joinLabels(labels: readonly string[]): string {
  return labels.length === 0 ? ROOT : labels.join('.');
}

/** The name without its first label; the root's is undefined. */
export function parentOf(name: string): string | undefined {
  return name === ROOT ? undefined : joinLabels(labelsOf(name).slice(1));
}

/** Whether `name` is `ancestor` or below it, without regard to case. */
export function isWithin(name: string, ancestor: string): boolean {
  const above = labelsOf(canonicalName(ancestor));
  const below = labelsOf(canonicalName(name));
  return (
    below.length >= above.length && joinLabels(below.slice(below.length - above.length)) === joinLabels(above)
  );
}

/** The form in which equal names are equal strings. */
export function canonicalName(name: string): string {
  return name.toLowerCase();
}

function unescapeLabel(label: string): string {
  return label.replace(/\\(\d{3}|.)/gs, (_, byte: string) =>
    byte.length === 3 ? String.fromCharCode(Number(byte)) : byte,
  );
}

/**
 * Reads what a person wrote, with or without a dot at the end. Undefined if it is no name: an empty label,
 * one over 63 bytes, more than 255 in all, an escape over 255, a character that is not ASCII.
 */
export function parseName(text: string): string | undefined {
  if (text === ROOT) return ROOT;
  const characters = text.match(/\\\d{3}|\\\D|[^\\]/g) ?? [];
  if (characters.join('') !== text || /[^ -~]/.test(text)) return undefined;
  const labels = [''];
  for (const character of characters) {
    if (character === '.') labels.push('');
    else labels[labels.length - 1] += unescapeLabel(character);
  }
  if (labels.at(-1) === '') labels.pop();
  if (
    labels.length === 0 ||
    labels.some((label) => label === '' || [...label].some((byte) => byte.charCodeAt(0) > 255))
  )
    return undefined;
  const name = joinLabels(labels.map(escapeLabel));
  return lengthFault(name) === undefined ? name : undefined;
}

function lengthFault(name: string): string | undefined {
  let length = 1;
  for (const label of labelsOf(name)) {
    const bytes = unescapeLabel(label).length;
    if (bytes > LONGEST_LABEL) return 'label over 63 bytes';
    length += 1 + bytes;
  }
  return length > LONGEST_NAME ? 'name over 255 bytes' : undefined;
}

export interface DecodedName {
  readonly name: string;
  /** Where the next field begins. */
  readonly end: number;
  /** Labels and pointers that were read. */
  readonly steps: number;
}

/** Reads a name at `offset`. */
export function decodeName(message: Uint8Array, offset: number): DecodedName | Malformed {
  const labels: string[] = [];
  let length = 1;
  let position = offset;
  let end: number | undefined;
  let pointers = 0;
  // A pointer has to point before the labels that it ends, so that no chain of them can be endless.
  let before = offset;
  for (;;) {
    const size = message[position];
    if (size === undefined) return new Malformed('name-truncated');
    if (size === 0)
      return { name: joinLabels(labels), end: end ?? position + 1, steps: labels.length + pointers };
    if (size >= POINTER) {
      if (position + 2 > message.length) return new Malformed('name-truncated');
      const target = readU16(message, position) & HIGHEST_POINTER;
      if (target >= before || target < HEADER_LENGTH || ++pointers > MOST_POINTERS)
        return new Malformed('bad-pointer');
      end ??= position + 2;
      position = target;
      before = target;
      continue;
    }
    if (size > LONGEST_LABEL) return new Malformed('label-type');
    if (position + 1 + size > message.length) return new Malformed('name-truncated');
    length += 1 + size;
    if (length > LONGEST_NAME) return new Malformed('name-too-long');
    const label = message.subarray(position + 1, position + 1 + size);
    labels.push(escapeLabel(Buffer.from(label.buffer, label.byteOffset, size).toString('latin1')));
    position += 1 + size;
  }
}

/**
 * Writes names into a message, each tail that was written before as a pointer to it. Tails are the same
 * only in the same case, so that every name keeps its own.
 */
export class NameWriter {
  readonly #offsets = new Map<string, number>();

  /** The bytes of `name` at `offset` of the message. @throws TypeError for what is no name */
  encode(name: string, offset: number): Uint8Array {
    const fault = lengthFault(name);
    if (fault) throw new TypeError(`not a domain name: ${name} (${fault})`);
    const bytes = new Uint8Array(LONGEST_NAME);
    let length = 0;
    let rest: string[] = labelsOf(name);
    while (rest.length > 0) {
      const tail = joinLabels(rest);
      const known = this.#offsets.get(tail);
      if (known !== undefined) {
        writeU16(bytes, length, (POINTER << 8) | known);
        return bytes.subarray(0, length + 2);
      }
      if (offset + length <= HIGHEST_POINTER) this.#offsets.set(tail, offset + length);
      const label = Buffer.from(unescapeLabel(rest[0]!), 'latin1');
      bytes[length] = label.length;
      bytes.set(label, length + 1);
      length += 1 + label.length;
      rest = rest.slice(1);
    }
    return bytes.subarray(0, length + 1);
  }
}
