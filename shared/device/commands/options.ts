// Command lines as getopt_long reads them: short flags clustered, values attached or in the next argument,
// `--long=value`, options and operands in any order, `--` before operands that begin with a dash.

export interface OptionSpec {
  /** One character. */
  readonly short?: string;
  readonly long?: string;
  /** Whether it takes a value. */
  readonly value?: boolean;
}

export interface ParsedOption<Name extends string> {
  readonly name: Name;
  /** As it was written: `-c` or `--count`. */
  readonly flag: string;
  /** Empty for an option that takes none. */
  readonly value: string;
}

export interface ParsedArguments<Name extends string> {
  /** In the order of the command line. */
  readonly options: readonly ParsedOption<Name>[];
  readonly operands: readonly string[];
}

/** A command line that does not fit. Each tool words it in its own way. */
export class OptionError extends Error {
  constructor(
    readonly problem: 'unknown' | 'no-value' | 'extra-value',
    /** `-Z` or `--nope`. */
    readonly flag: string,
  ) {
    super(`${flag}: ${problem}`);
  }

  /** In getopt's words: `invalid option -- 'Z'`. */
  get text(): string {
    const name = this.flag.replace(/^--?/, '');
    const long = this.flag.startsWith('--');
    if (this.problem === 'unknown')
      return long ? `unrecognized option '${this.flag}'` : `invalid option -- '${name}'`;
    if (this.problem === 'extra-value') return `option '${this.flag}' doesn't allow an argument`;
    return long ? `option '${this.flag}' requires an argument` : `option requires an argument -- '${name}'`;
  }
}

/** @throws OptionError */
export function parseOptions<Name extends string>(
  args: readonly string[],
  specs: Readonly<Record<Name, OptionSpec>>,
): ParsedArguments<Name> {
  const entries = Object.entries(specs) as [Name, OptionSpec][];
  const options: ParsedOption<Name>[] = [];
  const operands: string[] = [];
  let index = 0;

  function find(key: 'short' | 'long', text: string, flag: string): [Name, OptionSpec] {
    const entry = entries.find(([, spec]) => spec[key] === text);
    if (!entry) throw new OptionError('unknown', flag);
    return entry;
  }

  function nextArgument(flag: string): string {
    const value = args[index++];
    if (value === undefined) throw new OptionError('no-value', flag);
    return value;
  }

  function takeLong(argument: string): void {
    const equals = argument.indexOf('=');
    const flag = equals < 0 ? argument : argument.slice(0, equals);
    const [name, spec] = find('long', flag.slice(2), flag);
    if (!spec.value && equals >= 0) throw new OptionError('extra-value', flag);
    const attached = equals < 0 ? undefined : argument.slice(equals + 1);
    options.push({ name, flag, value: spec.value ? (attached ?? nextArgument(flag)) : '' });
  }

  function takeCluster(argument: string): void {
    for (let at = 1; at < argument.length; at++) {
      const flag = `-${argument[at]}`;
      const [name, spec] = find('short', argument[at]!, flag);
      if (!spec.value) options.push({ name, flag, value: '' });
      else {
        const attached = argument.slice(at + 1);
        options.push({ name, flag, value: attached === '' ? nextArgument(flag) : attached });
        return;
      }
    }
  }

  while (index < args.length) {
    const argument = args[index++]!;
    if (argument === '--') {
      operands.push(...args.slice(index));
      break;
    }
    if (argument.startsWith('--')) takeLong(argument);
    else if (argument.startsWith('-') && argument !== '-') takeCluster(argument);
    else operands.push(argument);
  }
  return { options, operands };
}

/** A number as tools take it: digits, with a fraction if `fraction`; undefined for anything else. */
export function parseNumber(text: string, fraction = false): number | undefined {
  const form = fraction ? /^(\d+\.?\d*|\.\d+)$/ : /^\d+$/;
  return form.test(text) ? Number(text) : undefined;
}
