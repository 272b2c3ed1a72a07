// The Python that `%{ … }%` holds: assertions about figures of a connection, and prints. Only expressions are
// known, and nothing is executed but what stands here; prints are passed over.

import { Unsupported } from '../language/errors.ts';

export type Node =
  | { readonly kind: 'value'; readonly value: Value }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'unary'; readonly operator: string; readonly operand: Node }
  | { readonly kind: 'binary'; readonly operator: string; readonly left: Node; readonly right: Node }
  /** `a <= b < c`: each with the next. */
  | { readonly kind: 'compare'; readonly operands: readonly Node[]; readonly operators: readonly string[] }
  | { readonly kind: 'choice'; readonly condition: Node; readonly then: Node; readonly otherwise: Node }
  | { readonly kind: 'tuple'; readonly items: readonly Node[] }
  | { readonly kind: 'call'; readonly name: string; readonly arguments: readonly Node[] };

export type Value = number | string | boolean | readonly Value[];

export type Statement =
  | { readonly kind: 'assert'; readonly condition: Node; readonly message: Node | undefined }
  | { readonly kind: 'assign'; readonly name: string; readonly value: Node };

const TOKEN =
  /\s*(?:(0[xX][\da-fA-F]+|\d+\.\d*(?:[eE][-+]?\d+)?|\.\d+|\d+(?:[eE][-+]?\d+)?)[lL]?|([A-Za-z_]\w*)|('(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")|(\*\*|\/\/|<<|>>|<=|>=|==|!=|<>|[-+*/%<>=()[\],|&^~:.]))/y;

interface Token {
  readonly kind: 'number' | 'name' | 'string' | 'mark' | 'end';
  readonly text: string;
}

export function parsePython(code: string, line: number): Statement[] {
  const text = code.replaceAll(/\\\r?\n/g, ' ').replaceAll(/#[^\n]*/g, '');
  return statements(text)
    .filter((statement) => !/^(print\b|pass$)/.test(statement))
    .map((statement) => new PythonParser(scan(statement, line), line).statement());
}

/** Parts at line breaks and semicolons that stand outside of brackets and strings. */
function statements(text: string): string[] {
  const parts: string[] = [''];
  let depth = 0;
  for (const [piece] of text.matchAll(/'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|./gs)) {
    if ('([{'.includes(piece)) depth++;
    if (')]}'.includes(piece)) depth--;
    if (piece === ';' || (piece === '\n' && depth === 0)) parts.push('');
    else parts[parts.length - 1] += piece;
  }
  return parts.map((part) => part.trim()).filter((part) => part !== '');
}

function scan(text: string, line: number): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (!match) throw new Unsupported(line, `Python: ${text.slice(at).trim()}`);
    at = TOKEN.lastIndex;
    const [, number, name, string, mark] = match;
    if (number !== undefined) tokens.push({ kind: 'number', text: number });
    else if (name !== undefined) tokens.push({ kind: 'name', text: name });
    else if (string !== undefined) tokens.push({ kind: 'string', text: string });
    else tokens.push({ kind: 'mark', text: mark! });
  }
  return tokens;
}

/** Loosest first; comparisons and `not` stand between `and` and these. */
const LEVELS: readonly (readonly string[])[] = [
  ['|'],
  ['^'],
  ['&'],
  ['<<', '>>'],
  ['+', '-'],
  ['*', '/', '//', '%'],
];
const COMPARISONS = new Set(['==', '!=', '<>', '<', '<=', '>', '>=', 'in', 'is', 'not']);

class PythonParser {
  #at = 0;

  constructor(
    private readonly tokens: readonly Token[],
    private readonly line: number,
  ) {}

  statement(): Statement {
    const statement = this.#statement();
    if (this.#next.kind !== 'end') throw this.#unexpected();
    return statement;
  }

  #statement(): Statement {
    if (this.#takeIf('assert')) {
      const condition = this.#expression();
      return { kind: 'assert', condition, message: this.#takeIf(',') ? this.#tuple() : undefined };
    }
    if (this.#next.kind === 'name' && this.#peek(1).text === '=') {
      const name = this.#take().text;
      this.#take();
      return { kind: 'assign', name, value: this.#tuple() };
    }
    if (this.#next.kind === 'name' && this.#peek(2).text === '=') return this.#augmented();
    throw this.#unexpected();
  }

  /** `name += value` is `name = name + value`. */
  #augmented(): Statement {
    const name = this.#take().text;
    const { kind, text: operator } = this.#take();
    if (kind !== 'mark' || !LEVELS.flat().includes(operator)) throw this.#unexpected();
    this.#expect('=');
    const left: Node = { kind: 'name', name };
    return { kind: 'assign', name, value: { kind: 'binary', operator, left, right: this.#tuple() } };
  }

  /** `a, b, c`, or the one that there is. */
  #tuple(): Node {
    const first = this.#expression();
    if (this.#next.text !== ',') return first;
    const items = [first];
    while (this.#takeIf(',')) if (!this.#closes) items.push(this.#expression());
    return { kind: 'tuple', items };
  }

  get #closes(): boolean {
    return this.#next.kind === 'end' || this.#next.text === ')' || this.#next.text === ']';
  }

  #expression(): Node {
    const then = this.#or();
    if (!this.#takeIf('if')) return then;
    const condition = this.#or();
    this.#expect('else');
    return { kind: 'choice', condition, then, otherwise: this.#expression() };
  }

  #or(): Node {
    let left = this.#and();
    while (this.#takeIf('or')) left = { kind: 'binary', operator: 'or', left, right: this.#and() };
    return left;
  }

  #and(): Node {
    let left = this.#not();
    while (this.#takeIf('and')) left = { kind: 'binary', operator: 'and', left, right: this.#not() };
    return left;
  }

  #not(): Node {
    if (this.#takeIf('not')) return { kind: 'unary', operator: 'not', operand: this.#not() };
    return this.#comparison();
  }

  #comparison(): Node {
    const operands = [this.#level(0)];
    const operators: string[] = [];
    while (COMPARISONS.has(this.#next.text) && this.#next.kind !== 'string') {
      let operator = this.#take().text;
      if (operator === 'not') {
        this.#expect('in');
        operator = 'not in';
      } else if (operator === 'is' && this.#takeIf('not')) operator = 'is not';
      operators.push(operator);
      operands.push(this.#level(0));
    }
    return operators.length === 0 ? operands[0]! : { kind: 'compare', operands, operators };
  }

  #level(level: number): Node {
    const operators = LEVELS[level];
    if (!operators) return this.#unary();
    let left = this.#level(level + 1);
    while (this.#next.kind === 'mark' && operators.includes(this.#next.text)) {
      const operator = this.#take().text;
      left = { kind: 'binary', operator, left, right: this.#level(level + 1) };
    }
    return left;
  }

  #unary(): Node {
    const { kind, text } = this.#next;
    if (kind === 'mark' && (text === '-' || text === '+' || text === '~')) {
      this.#take();
      return { kind: 'unary', operator: text, operand: this.#unary() };
    }
    const base = this.#atom();
    if (!this.#takeIf('**')) return base;
    return { kind: 'binary', operator: '**', left: base, right: this.#unary() };
  }

  #atom(): Node {
    const token = this.#take();
    if (token.kind === 'number') return { kind: 'value', value: Number(token.text) };
    if (token.kind === 'string') return this.#strings(token.text);
    if (token.text === '(' || token.text === '[') return this.#bracketed(token.text === '(' ? ')' : ']');
    if (token.kind !== 'name') throw this.#unexpected(token);
    if (token.text === 'True' || token.text === 'False')
      return { kind: 'value', value: token.text === 'True' };
    return this.#takeIf('(') ? this.#call(token.text) : { kind: 'name', name: token.text };
  }

  /** Strings side by side are one. */
  #strings(first: string): Node {
    let value = unquoted(first);
    while (this.#next.kind === 'string') value += unquoted(this.#take().text);
    return { kind: 'value', value };
  }

  #bracketed(close: string): Node {
    if (this.#takeIf(close)) return { kind: 'tuple', items: [] };
    const inside = this.#tuple();
    this.#expect(close);
    return close === ']' && inside.kind !== 'tuple' ? { kind: 'tuple', items: [inside] } : inside;
  }

  #call(name: string): Node {
    const list: Node[] = [];
    while (!this.#takeIf(')')) {
      list.push(this.#expression());
      if (!this.#takeIf(',') && this.#next.text !== ')') throw this.#unexpected();
    }
    return { kind: 'call', name, arguments: list };
  }

  get #next(): Token {
    return this.#peek(0);
  }

  #peek(ahead: number): Token {
    return this.tokens[this.#at + ahead] ?? { kind: 'end', text: 'the end' };
  }

  #take(): Token {
    const token = this.#next;
    this.#at++;
    return token;
  }

  #takeIf(text: string): boolean {
    if (this.#next.kind === 'string' || this.#next.text !== text) return false;
    this.#at++;
    return true;
  }

  #expect(text: string): void {
    if (!this.#takeIf(text)) throw this.#unexpected();
  }

  #unexpected(token = this.#next): Unsupported {
    return new Unsupported(this.line, `Python: ${token.text}`);
  }
}

function unquoted(text: string): string {
  return text.slice(1, -1).replaceAll(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char));
}

/** All names that a statement reads. */
export function namesOf(statement: Statement): string[] {
  if (statement.kind === 'assign') return namesIn(statement.value);
  return [...namesIn(statement.condition), ...(statement.message ? namesIn(statement.message) : [])];
}

function namesIn(node: Node): string[] {
  switch (node.kind) {
    case 'value':
      return [];
    case 'name':
      return [node.name];
    case 'unary':
      return namesIn(node.operand);
    case 'binary':
      return [node.left, node.right].flatMap(namesIn);
    case 'compare':
      return node.operands.flatMap(namesIn);
    case 'choice':
      return [node.condition, node.then, node.otherwise].flatMap(namesIn);
    case 'tuple':
      return node.items.flatMap(namesIn);
    case 'call':
      return node.arguments.flatMap(namesIn);
  }
}
