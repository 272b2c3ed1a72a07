// Code of a script: `%{ assert tcpi_snd_cwnd == 10, tcpi_snd_cwnd }%`.

import type { TcpConnection } from '../../../shared/stack/tcp/connection-api.ts';
import { Mismatch, Unsupported } from '../language/errors.ts';
import { Evaluation, isTrue, text } from './evaluate.ts';
import { namesOf, parsePython, type Value } from './python.ts';
import { isKnownName, tcpInfo } from './tcp-info.ts';

export interface CodeContext {
  readonly line: number;
  /** The connection that the code is about. */
  readonly connection: TcpConnection | undefined;
  /** What code gave names to, from one piece of it to the next. */
  readonly own: Map<string, Value>;
}

/**
 * Refuses what is not known of code before anything of the script is played.
 *
 * @param own names that code before it has given values to; this code's are added
 */
export function checkCode(code: string, line: number, own: Set<string>): void {
  for (const statement of parsePython(code, line)) {
    for (const name of namesOf(statement))
      if (!isKnownName(name) && !own.has(name)) throw new Unsupported(line, `the name ${name} in code`);
    if (statement.kind === 'assign') own.add(statement.name);
  }
}

/** @throws Mismatch if an assertion does not hold */
export function runCode(code: string, { line, connection, own }: CodeContext): void {
  if (!connection) throw new Mismatch(line, 'the code is about a connection, and there is none');
  const names = new Map<string, Value>([...tcpInfo(connection), ...own]);
  const evaluation = new Evaluation(names, line);
  for (const statement of parsePython(code, line)) {
    if (statement.kind === 'assign') {
      const value = evaluation.value(statement.value);
      names.set(statement.name, value);
      own.set(statement.name, value);
    } else if (statement.kind === 'assert' && !isTrue(evaluation.value(statement.condition))) {
      const figures = [...new Set(namesOf(statement))].filter((name) => name.startsWith('tcpi_'));
      const shown = figures.map((name) => `${name} is ${text(names.get(name)!)}`);
      throw new Mismatch(line, `assertion does not hold: ${shown.join(', ')}`);
    }
  }
}
