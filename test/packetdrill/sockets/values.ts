// What an argument of a system call stands for.

import { ScriptError, Unsupported } from '../language/errors.ts';
import { type Expression, expressionText, type Member } from '../language/expression.ts';
import { SYMBOLS } from './symbols.ts';

/** A call of the script, with what reading its arguments needs. */
export interface CallContext {
  readonly line: number;
  readonly defines: ReadonlyMap<string, string>;
}

export class Values {
  constructor(private readonly context: CallContext) {}

  get line(): number {
    return this.context.line;
  }

  /** A number, or names of constants joined by `|`. */
  number(expression: Expression | undefined): number {
    if (!expression) throw this.wrong('an argument is missing');
    switch (expression.kind) {
      case 'number':
        return expression.value;
      case 'word':
        return this.#constant(expression.name);
      case 'or':
        return expression.terms.reduce((bits, term) => (bits | this.number(term)) >>> 0, 0);
      case 'call':
        return this.#computed(expression);
      default:
        throw this.wrong(`${expressionText(expression)} is not a number`);
    }
  }

  /** A number in brackets, `[1]`. */
  bracketed(expression: Expression | undefined): number {
    return this.number(this.inBrackets(expression));
  }

  inBrackets(expression: Expression | undefined): Expression {
    if (expression?.kind !== 'list' || expression.items.length !== 1)
      throw this.wrong(`${shown(expression)} is not one value in brackets`);
    return expression.items[0]!;
  }

  /** A name of a constant, with `--define` looked up. */
  name(expression: Expression | undefined): string {
    if (expression?.kind !== 'word')
      throw new Unsupported(this.line, `${shown(expression)} instead of a name`);
    return this.context.defines.get(expression.name) ?? expression.name;
  }

  text(expression: Expression | undefined): string {
    if (expression?.kind === 'string') return expression.value;
    if (expression?.kind !== 'word') throw this.wrong(`${shown(expression)} is not text`);
    return this.name(expression).replaceAll('"', '');
  }

  list(expression: Expression | undefined): readonly Expression[] {
    if (expression?.kind !== 'list') throw this.wrong(`${shown(expression)} is not a list`);
    return expression.items;
  }

  members(expression: Expression | undefined): readonly Member[] {
    if (expression?.kind !== 'struct') throw this.wrong(`${shown(expression)} is not a struct`);
    return expression.members;
  }

  member(expression: Expression | undefined, name: string): Expression | undefined {
    return this.members(expression).find((member) => member.name === name)?.value;
  }

  isEllipsis(expression: Expression | undefined): boolean {
    return expression?.kind === 'ellipsis';
  }

  wrong(message: string): ScriptError {
    return new ScriptError(this.line, message);
  }

  #constant(name: string): number {
    const defined = this.context.defines.get(name);
    if (defined !== undefined && defined !== name)
      return /^-?\d+$|^0x[0-9a-f]+$/i.test(defined) ? Number(defined) : this.#constant(defined);
    const value = SYMBOLS[name];
    if (value === undefined) throw new Unsupported(this.line, `the constant ${name}`);
    return value;
  }

  #computed(expression: Extract<Expression, { kind: 'call' }>): number {
    const [argument] = expression.arguments;
    if (expression.name === 'htons' || expression.name === 'htonl') return this.number(argument);
    throw new Unsupported(this.line, `${expression.name}() in an argument`);
  }
}

function shown(expression: Expression | undefined): string {
  return expression ? expressionText(expression) : 'nothing';
}
