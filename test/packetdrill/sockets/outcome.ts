// What a system call comes to.

/** -1, with this error. */
export class Errno {
  constructor(readonly code: string) {}
}

/** A result; `undefined`: nothing yet, the call would block. */
export type Outcome = number | Errno | undefined;
