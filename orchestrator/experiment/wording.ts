// Quantities for people.

/** `0.42 s`. */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

/** `0.8 ms`, `42 ms`. */
export function milliseconds(ms: number): string {
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

/** `9.41 mbit/s`. */
export function rateText(bits: number): string {
  const [factor, unit] = rateUnit(bits);
  return `${Number((bits / factor).toFixed(2))} ${unit}/s`;
}

/** The unit for rates like that one, and how many bits it has. */
export function rateUnit(bits: number): [number, string] {
  return bits >= 1e9 ? [1e9, 'gbit'] : bits >= 1e6 ? [1e6, 'mbit'] : [1e3, 'kbit'];
}

/** `1 failure`, `3 failures`, `2 tries`. */
export function count(number: number, what: string): string {
  if (number === 1) return `1 ${what}`;
  return `${number} ${what.endsWith('y') ? `${what.slice(0, -1)}ies` : `${what}s`}`;
}
