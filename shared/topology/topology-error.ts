// What is wrong with a topology file: every fault with its place and what would be right.

export interface Fault {
  /** Place in the file: `devices.router.nat.outside`; empty for the whole. */
  readonly path: string;
  /** What is wrong: `no interface "wann" on router`. */
  readonly problem: string;
  /** What would be right: `did you mean "wan"?`. */
  readonly mend: string;
}

export type PathPart = string | number;

/** Collects faults; a part that has one already may be passed over by later checks. */
export type Report = (path: readonly PathPart[], problem: string, mend: string) => void;

/** `devices.web.http.sites["www.example.com"]`, `routes[0].via`. */
export function formatPath(path: readonly PathPart[]): string {
  return path
    .map((part, index) => {
      if (typeof part === 'number') return `[${part}]`;
      if (!/^[\w$-]+$/.test(part)) return `[${JSON.stringify(part)}]`;
      return index === 0 ? part : `.${part}`;
    })
    .join('');
}

/** All faults of a file at once; the message has one a line. */
export class TopologyError extends Error {
  override readonly name = 'TopologyError';

  constructor(
    readonly file: string,
    readonly faults: readonly Fault[],
  ) {
    super(faults.map((fault) => formatFault(file, fault)).join('\n'));
  }
}

function formatFault(file: string, { path, problem, mend }: Fault): string {
  return `${file}: ${path === '' ? '' : `${path}: `}${problem}; ${mend}`;
}
