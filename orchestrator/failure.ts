// Errors that people meet on the command line: one line that says what to do.

const WRONG_USAGE = 'EINVAL';

/** Something did not work: exit code 1. */
export class Failure extends Error {
  override readonly name: string = 'Failure';
  readonly exitCode: number = 1;
}

/** Called the wrong way: exit code 2. */
export class WrongUsage extends Failure {
  override readonly name = 'WrongUsage';
  override readonly exitCode = 2;
  /** Goes over /control with the message. */
  readonly code = WRONG_USAGE;
}

/** What came over /control as an error, as the kind that it was. */
export function failureOf(error: unknown): Failure {
  return codeOf(error) === WRONG_USAGE ? new WrongUsage(messageOf(error)) : new Failure(messageOf(error));
}

/** The text of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` of a system error, if it is one. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** What a person typed comes back in errors: control characters as text, so that they neither break the line nor steer the terminal. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for
  return text.replace(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}
