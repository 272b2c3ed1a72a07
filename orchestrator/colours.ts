// Whether a stream is a terminal that takes colours.

/** Heeds NO_COLOR, FORCE_COLOR and TERM, as Node does. */
export function takesColours(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY && stream.hasColors();
}
