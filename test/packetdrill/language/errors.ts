// The three ways in which a script does not pass.

/** A construct that this runner, or the TCP under test, does not have. */
export class Unsupported extends Error {
  constructor(
    /** 1 for the first; 0 where no line says it. */
    readonly line: number,
    readonly construct: string,
  ) {
    super(construct);
  }
}

/** The script is not right in itself. */
export class ScriptError extends Error {
  constructor(
    readonly line: number,
    message: string,
  ) {
    super(message);
  }
}

/** The TCP under test did something else than the script says. */
export class Mismatch extends Error {
  constructor(
    readonly line: number,
    message: string,
  ) {
    super(message);
  }
}
