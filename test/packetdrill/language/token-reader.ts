// Tokens one after the other, with what parsers ask of them.

import { ScriptError, Unsupported } from './errors.ts';
import type { Token, TokenKind } from './lexer.ts';

export class TokenReader {
  #at = 0;

  constructor(private readonly tokens: readonly Token[]) {}

  get next(): Token {
    return this.peek(0);
  }

  /** The token `ahead` places after the next. */
  peek(ahead: number): Token {
    return this.tokens[Math.min(this.#at + ahead, this.tokens.length - 1)]!;
  }

  take(): Token {
    const token = this.next;
    this.#at++;
    return token;
  }

  is(kind: TokenKind, text?: string): boolean {
    return this.next.kind === kind && (text === undefined || this.next.text === text);
  }

  isMark(text: string): boolean {
    return this.is('mark', text);
  }

  isWord(text: string): boolean {
    return this.is('word', text);
  }

  takeIf(kind: TokenKind, text?: string): Token | undefined {
    return this.is(kind, text) ? this.take() : undefined;
  }

  mark(text: string): Token {
    if (this.isMark(text)) return this.take();
    throw this.unexpected(`'${text}'`);
  }

  word(what: string): Token {
    if (this.is('word')) return this.take();
    throw this.unexpected(what);
  }

  /** A decimal number, in these bounds. */
  integer(what: string, least = 0, most = Number.MAX_SAFE_INTEGER): number {
    if (!this.is('integer')) throw this.unexpected(what);
    const { text, line } = this.take();
    const value = Number(text);
    if (value < least || value > most) throw new ScriptError(line, `${what} out of range: ${text}`);
    return value;
  }

  /** 32 bits, signed as our TCP has them. */
  sequence(what: string): number {
    return this.integer(what, 0, 0xffffffff) | 0;
  }

  /** For what the language as known here does not have: perhaps another dialect's. */
  unexpected(wanted: string): Unsupported {
    const { text, line, kind } = this.next;
    const shown = kind === 'end' ? text : `'${text.split('\n')[0]}'`;
    return new Unsupported(line, `syntax: ${shown} where ${wanted} is expected`);
  }
}
