// The soak's command line.

import { parseArgs } from 'node:util';

export interface SoakArguments {
  readonly faults?: number;
  readonly seed?: number;
}

/** @returns what is wrong, as text */
export function readArguments(argv: readonly string[]): SoakArguments | string {
  try {
    const options = { faults: { type: 'string' }, seed: { type: 'string' } } as const;
    const { values } = parseArgs({ args: [...argv], options });
    const wrong = Object.entries(values).find(([, text]) => !/^\d{1,9}$/.test(text));
    if (wrong) return `--${wrong[0]} ${wrong[1]} should be a whole number from 0 to 999999999`;
    return Object.fromEntries(Object.entries(values).map(([name, text]) => [name, Number(text)]));
  } catch (error) {
    return (error as Error).message;
  }
}
