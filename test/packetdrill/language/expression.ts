// Arguments and results of system calls, as the script writes them.

export type Expression =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'word'; readonly name: string }
  | { readonly kind: 'string'; readonly value: string }
  /** `...`: whatever is right here. */
  | { readonly kind: 'ellipsis' }
  | { readonly kind: 'or'; readonly terms: readonly Expression[] }
  | { readonly kind: 'call'; readonly name: string; readonly arguments: readonly Expression[] }
  | { readonly kind: 'list'; readonly items: readonly Expression[] }
  /** `{name=value, …}`, or `{value, …}`, whose members have no names. */
  | { readonly kind: 'struct'; readonly members: readonly Member[] };

export interface Member {
  readonly name: string | undefined;
  readonly value: Expression;
}

/** As a script would have it. */
export function expressionText(expression: Expression): string {
  switch (expression.kind) {
    case 'number':
      return String(expression.value);
    case 'word':
      return expression.name;
    case 'string':
      return JSON.stringify(expression.value);
    case 'ellipsis':
      return '...';
    case 'or':
      return expression.terms.map(expressionText).join('|');
    case 'call':
      return `${expression.name}(${expression.arguments.map(expressionText).join(', ')})`;
    case 'list':
      return `[${expression.items.map(expressionText).join(', ')}]`;
    case 'struct':
      return `{${expression.members.map(memberText).join(', ')}}`;
  }
}

function memberText({ name, value }: Member): string {
  return name === undefined ? expressionText(value) : `${name}=${expressionText(value)}`;
}
