// What an expression of Python comes to.

import { Unsupported } from '../language/errors.ts';
import type { Node, Value } from './python.ts';

export type Names = ReadonlyMap<string, Value>;

const FUNCTIONS: Readonly<Record<string, (...values: Value[]) => Value>> = {
  abs: (value) => Math.abs(Number(value)),
  int: (value) => Math.trunc(Number(value)),
  float: (value) => Number(value),
  round: (value) => Math.round(Number(value)),
  min: (...values) => Math.min(...flattened(values)),
  max: (...values) => Math.max(...flattened(values)),
  str: (value) => text(value!),
  repr: (value) => text(value!),
  len: (value) => (typeof value === 'string' || Array.isArray(value) ? value.length : 0),
};

/** The functions that code may call. */
export function isFunction(name: string): boolean {
  return name in FUNCTIONS;
}

function flattened(values: Value[]): number[] {
  return values.flatMap((value) => (Array.isArray(value) ? (value as Value[]) : [value])).map(Number);
}

export class Evaluation {
  constructor(
    private readonly names: Names,
    private readonly line: number,
  ) {}

  value(node: Node): Value {
    switch (node.kind) {
      case 'value':
        return node.value;
      case 'name':
        return this.#name(node.name);
      case 'unary':
        return this.#unary(node.operator, node.operand);
      case 'binary':
        return this.#binary(node.operator, node.left, node.right);
      case 'compare':
        return this.#compare(node.operands, node.operators);
      case 'choice':
        return this.value(isTrue(this.value(node.condition)) ? node.then : node.otherwise);
      case 'tuple':
        return node.items.map((item) => this.value(item));
      case 'call':
        return this.#call(node.name, node.arguments);
    }
  }

  #name(name: string): Value {
    const value = this.names.get(name);
    if (value === undefined) throw new Unsupported(this.line, `the name ${name} in code`);
    return value;
  }

  #call(name: string, list: readonly Node[]): Value {
    const call = FUNCTIONS[name];
    if (!call) throw new Unsupported(this.line, `the function ${name} in code`);
    return call(...list.map((argument) => this.value(argument)));
  }

  #unary(operator: string, operand: Node): Value {
    const value = this.value(operand);
    if (operator === 'not') return !isTrue(value);
    if (operator === '~') return ~Number(value);
    return operator === '-' ? -Number(value) : Number(value);
  }

  #binary(operator: string, leftNode: Node, rightNode: Node): Value {
    const left = this.value(leftNode);
    if (operator === 'and') return isTrue(left) ? this.value(rightNode) : left;
    if (operator === 'or') return isTrue(left) ? left : this.value(rightNode);
    const right = this.value(rightNode);
    if (typeof left === 'string') {
      if (operator === '%') return formatted(left, Array.isArray(right) ? (right as Value[]) : [right]);
      if (operator === '+') return left + text(right);
    }
    return arithmetic(operator, Number(left), Number(right));
  }

  #compare(operands: readonly Node[], operators: readonly string[]): boolean {
    const values = operands.map((operand) => this.value(operand));
    return operators.every((operator, index) => compared(operator, values[index]!, values[index + 1]!));
  }
}

function arithmetic(operator: string, left: number, right: number): number {
  switch (operator) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return left / right;
    case '//':
      return Math.floor(left / right);
    case '%':
      return left - right * Math.floor(left / right);
    case '**':
      return left ** right;
    case '|':
      return Number(BigInt(left) | BigInt(right));
    case '&':
      return Number(BigInt(left) & BigInt(right));
    case '^':
      return Number(BigInt(left) ^ BigInt(right));
    case '<<':
      return left * 2 ** right;
    default:
      return Math.floor(left / 2 ** right);
  }
}

function compared(operator: string, left: Value, right: Value): boolean {
  switch (operator) {
    case '==':
    case 'is':
      return equal(left, right);
    case '!=':
    case '<>':
    case 'is not':
      return !equal(left, right);
    case 'in':
      return contains(right, left);
    case 'not in':
      return !contains(right, left);
    case '<':
      return left < right;
    case '<=':
      return left <= right;
    case '>':
      return left > right;
    default:
      return left >= right;
  }
}

function equal(left: Value, right: Value): boolean {
  if (typeof left === 'string' || typeof right === 'string') return left === right;
  return Number(left) === Number(right);
}

function contains(whole: Value, part: Value): boolean {
  if (typeof whole === 'string') return whole.includes(text(part));
  return Array.isArray(whole) && whole.some((item: Value) => equal(item, part));
}

export function isTrue(value: Value): boolean {
  return Array.isArray(value) ? value.length > 0 : Boolean(value);
}

export function text(value: Value): string {
  return Array.isArray(value) ? `(${value.map((item: Value) => text(item)).join(', ')})` : String(value);
}

/** `%d` and its like; width and precision are not looked at. */
function formatted(pattern: string, values: readonly Value[]): string {
  let next = 0;
  return pattern.replaceAll(/%(%|[-+ #0]*\d*(?:\.\d+)?[a-zA-Z])/g, (_, kind: string) => {
    if (kind === '%') return '%';
    const value = values[next++];
    if (value === undefined) return '?';
    return kind.endsWith('x') ? Number(value).toString(16) : text(value);
  });
}
