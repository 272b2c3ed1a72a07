// Quantities with their units, as netem and iproute2 write them: 8ms, 1h, 100mbit, 0.1%.

const MS_PER: Record<string, number> = { us: 0.001, ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const BITS_PER: Record<string, number> = { bit: 1, kbit: 1e3, mbit: 1e6, gbit: 1e9 };

function parseQuantity(text: string, units: Record<string, number>): number | undefined {
  const match = /^(\d+(?:\.\d+)?)([a-z]+)$/.exec(text);
  const factor = match ? units[match[2]!] : undefined;
  return match && factor !== undefined ? Number(match[1]) * factor : undefined;
}

/** `8ms`, `1.5s`, `5m`, `1h`, `2d`, `250us`, to ms; undefined without a known unit. */
export function parseDuration(text: string): number | undefined {
  return parseQuantity(text, MS_PER);
}

/** `56kbit`, `100mbit`, `1gbit`, to bits/s; undefined without a known unit. */
export function parseRate(text: string): number | undefined {
  return parseQuantity(text, BITS_PER);
}

/** `0.1%`, `100%`, to a probability from 0 to 1; undefined without the sign or beyond 100%. */
export function parsePercentage(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)%$/.exec(text);
  const share = match ? Number(match[1]) / 100 : Number.NaN;
  return share <= 1 ? share : undefined;
}
