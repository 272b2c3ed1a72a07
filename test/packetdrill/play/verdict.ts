// How a script went.

export type Verdict =
  | { readonly kind: 'passed'; readonly notes: readonly Note[]; readonly leftOver: readonly string[] }
  | { readonly kind: 'failed'; readonly notes: readonly Note[]; readonly line: number; readonly why: string }
  | {
      readonly kind: 'unsupported';
      readonly notes: readonly Note[];
      readonly line: number;
      readonly construct: string;
    };

/** What was skipped. */
export interface Note {
  readonly line: number;
  readonly text: string;
}
