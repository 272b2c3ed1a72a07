// Text to tokens. Line breaks and blanks only part tokens; comments are `// …`, `/* … */` and a `#` that
// begins a line.

import { ScriptError } from './errors.ts';

export type TokenKind =
  | 'integer'
  | 'hex'
  | 'float'
  | 'word'
  | 'string'
  | 'command'
  | 'code'
  | 'option'
  | 'address'
  | 'ellipsis'
  /** A single character. */
  | 'mark'
  | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** What stands in the script; without the quotes of a string, a command or code. */
  readonly text: string;
  readonly line: number;
}

interface Rule {
  readonly kind: TokenKind;
  readonly pattern: RegExp;
  /** Characters at either end that are not part of the text. */
  readonly quotes?: number;
}

// The longest match wins, the first of two that are equally long: as in a scanner made by flex.
const RULES: readonly Rule[] = [
  { kind: 'ellipsis', pattern: /\.\.\./y },
  { kind: 'option', pattern: /--[a-zA-Z0-9_]+/y },
  { kind: 'address', pattern: /\d+\.\d+\.\d+\.\d+/y },
  { kind: 'float', pattern: /-?\d*\.\d+/y },
  { kind: 'integer', pattern: /-?\d+/y },
  { kind: 'hex', pattern: /0x[0-9a-fA-F]+/y },
  { kind: 'word', pattern: /[a-zA-Z0-9_]+/y },
  { kind: 'string', pattern: /"(?:\\.|[^"\\])*"/sy, quotes: 1 },
  { kind: 'command', pattern: /`(?:\\.|[^`\\])*`/sy, quotes: 1 },
  { kind: 'code', pattern: /%\{.*?\}%/sy, quotes: 2 },
  { kind: 'mark', pattern: /\S/y },
];

const IGNORED = /(?:\s+|\/\/[^\n]*|\/\*.*?\*\/|(?<=^[ \t]*)#[^\n]*)+/msuy;

export function tokens(text: string): Token[] {
  const found: Token[] = [];
  let at = 0;
  let line = 1;
  const pass = (passed: string): void => {
    at += passed.length;
    line += passed.split('\n').length - 1;
  };
  for (;;) {
    IGNORED.lastIndex = at;
    pass(IGNORED.exec(text)?.[0] ?? '');
    if (at >= text.length) break;
    const { rule, match } = longest(text, at);
    const quotes = rule.quotes ?? 0;
    checkClosed(rule, match, text, at, line);
    found.push({ kind: rule.kind, text: match.slice(quotes, match.length - quotes), line });
    pass(match);
  }
  found.push({ kind: 'end', text: 'the end of the script', line });
  return found;
}

function longest(text: string, at: number): { rule: Rule; match: string } {
  let best: { rule: Rule; match: string } | undefined;
  for (const rule of RULES) {
    rule.pattern.lastIndex = at;
    const match = rule.pattern.exec(text)?.[0];
    if (match !== undefined && match.length > (best?.match.length ?? 0)) best = { rule, match };
  }
  // The last rule takes any character that is not blank.
  return best!;
}

function checkClosed({ kind }: Rule, match: string, text: string, at: number, line: number): void {
  if (kind !== 'mark') return;
  if (match === '"') throw new ScriptError(line, 'the string is not closed');
  if (match === '`') throw new ScriptError(line, 'the command is not closed');
  if (match === '%' && text[at + 1] === '{') throw new ScriptError(line, 'the code is not closed with }%');
  if (match === '/' && text[at + 1] === '*') throw new ScriptError(line, 'the comment is not closed with */');
}
