// Memory for frames that this device makes. A frame of its own each would cost more than all that is done with
// it: they are cut off larger pieces, one behind the other.

/** Bytes: some forty full frames of the usual MTU. */
const PIECE = 64 * 1024;
/** Frames begin where words do. */
const ALIGNMENT = 8;

let piece = Buffer.allocUnsafeSlow(0);
let used = 0;

/**
 * `length` bytes to be written whole: they hold whatever was there before. Nobody else is given them again; who
 * keeps them for long keeps the piece that they are cut off, and better copies them.
 */
export function frameBuffer(length: number): Uint8Array {
  if (length > PIECE / 4) return new Uint8Array(length);
  if (used + length > piece.length) {
    piece = Buffer.allocUnsafeSlow(PIECE);
    used = 0;
  }
  const frame = new Uint8Array(piece.buffer, used, length);
  used += (length + ALIGNMENT - 1) & -ALIGNMENT;
  return frame;
}
