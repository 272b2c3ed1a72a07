// Reads JSON with what JSON.parse leaves out: where a mistake is, and keys that are given twice.

import type { PathPart } from './topology-error.ts';

export interface JsonMistake {
  readonly line: number;
  readonly column: number;
  /** `expected a value, found "}"`. */
  readonly problem: string;
  readonly mend: string;
}

export interface DuplicateKey {
  readonly path: readonly PathPart[];
  readonly line: number;
}

export type JsonText =
  | { readonly value: unknown; readonly duplicates: readonly DuplicateKey[] }
  | { readonly mistake: JsonMistake };

const STRING = /"(?:[ !#-[\]-\u{10ffff}]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/uy;
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.+-])|(?:true|false|null)(?!\w)/y;
const DEEPEST = 200;

class Mistake {
  constructor(
    readonly offset: number,
    readonly problem: string,
    readonly mend: string,
  ) {}
}

/** One pass over the text that checks it and keeps no values: those JSON.parse gives. */
class Scanner {
  readonly duplicates: DuplicateKey[] = [];
  #offset = 0;
  #counted = 0;
  #line = 1;

  constructor(private readonly text: string) {}

  scan(): void {
    this.#value([]);
    if (this.#peek() !== '') this.#fail('the end of the file', 'remove what follows');
  }

  #value(path: readonly PathPart[]): void {
    const next = this.#peek();
    if (path.length > DEEPEST) throw new Mistake(this.#offset, 'nested too deeply', 'a topology is flat');
    if (next === '{') return this.#object(path);
    if (next === '[') return this.#array(path);
    if (next === "'") this.#fail('a value', 'write texts in double quotes');
    if (this.#take(next === '"' ? STRING : SCALAR) === undefined) this.#failValue(next);
  }

  #failValue(next: string): never {
    if (next === '"')
      this.#fail('a text that ends on its line', 'close it with " and escape what JSON asks to');
    return this.#fail('a value', 'write a text in double quotes, a number, a list or an object');
  }

  #object(path: readonly PathPart[]): void {
    const keys = new Set<string>();
    this.#items('}', () => {
      this.#peek();
      const start = this.#offset;
      const key = this.#take(STRING);
      if (key === undefined)
        this.#fail('a key', 'write keys in double quotes, with no comma after the last entry');
      const name = String(JSON.parse(key));
      if (keys.has(name)) this.duplicates.push({ path: [...path, name], line: this.#lineAt(start) });
      keys.add(name);
      if (this.#peek() !== ':') this.#fail('":"', `write a colon after ${key}`);
      this.#offset++;
      this.#value([...path, name]);
    });
  }

  #array(path: readonly PathPart[]): void {
    let index = 0;
    this.#items(']', () => this.#value([...path, index++]));
  }

  #items(close: string, item: () => void): void {
    this.#offset++;
    if (this.#peek() !== close) {
      item();
      while (this.#peek() === ',') {
        this.#offset++;
        item();
      }
    }
    if (this.#peek() !== close)
      this.#fail(`"," or "${close}"`, 'put a comma between entries and close what is open');
    this.#offset++;
  }

  /** The next character that is not white space; empty at the end. */
  #peek(): string {
    while (/[ \t\r\n]/.test(this.text[this.#offset] ?? '')) this.#offset++;
    return this.text[this.#offset] ?? '';
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#offset;
    const match = pattern.exec(this.text)?.[0];
    this.#offset += match?.length ?? 0;
    return match;
  }

  /** The line of an offset that is behind the one asked for before. */
  #lineAt(offset: number): number {
    for (; this.#counted < offset; this.#counted++) if (this.text[this.#counted] === '\n') this.#line++;
    return this.#line;
  }

  #fail(expected: string, mend: string): never {
    const found = this.text[this.#offset];
    const what = found === undefined ? 'the end of the file' : JSON.stringify(found);
    throw new Mistake(this.#offset, `expected ${expected}, found ${what}`, mend);
  }
}

/** Line and column of an offset, both from 1. */
function place(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

export function readJson(source: string): JsonText {
  const text = source.replace(/^\ufeff/, '');
  const scanner = new Scanner(text);
  try {
    scanner.scan();
  } catch (error) {
    if (!(error instanceof Mistake)) throw error;
    return { mistake: { ...place(text, error.offset), problem: error.problem, mend: error.mend } };
  }
  return { value: JSON.parse(text), duplicates: scanner.duplicates };
}
