// The text of an experiment file as a value: JSON, or YAML by the ending of its name.

import { extname } from 'node:path';
import { parseDocument, type YAMLParseError } from 'yaml';
import { readJson } from '../../shared/topology/json-text.ts';
import { readTextFile, whyUnreadable } from '../../shared/topology/text-file.ts';
import type { Fault } from '../../shared/topology/topology-error.ts';
import { formatPath } from '../../shared/topology/topology-error.ts';
import { messageOf } from '../failure.ts';
import { ExperimentError } from './experiment-error.ts';

export interface Document {
  readonly value: unknown;
  /** What is wrong already, such as a key that is given twice. */
  readonly faults: readonly Fault[];
}

/** @throws ExperimentError if it can't be read or its form is wrong */
export async function readDocument(file: string): Promise<Document> {
  const text = await readText(file);
  const ending = extname(file).toLowerCase();
  return ending === '.yaml' || ending === '.yml' ? fromYaml(file, text) : fromJson(file, text);
}

function fromJson(file: string, text: string): Document {
  const json = readJson(text);
  if ('mistake' in json) {
    const { line, column, problem, mend } = json.mistake;
    throw new ExperimentError(`${file}:${line}:${column}`, [{ path: '', problem, mend }]);
  }
  const faults = json.duplicates.map(({ path, line }) => ({
    path: formatPath(path),
    problem: `given a second time on line ${line}`,
    mend: 'keep one of them, or rename one',
  }));
  return { value: json.value, faults };
}

function fromYaml(file: string, text: string): Document {
  const document = parseDocument(text);
  if (document.errors.length > 0) throw new ExperimentError(file, document.errors.map(yamlFault));
  try {
    return { value: document.toJS(), faults: [] };
  } catch (error) {
    // Aliases that would grow without end.
    throw new ExperimentError(file, [
      { path: '', problem: messageOf(error), mend: 'write it without aliases' },
    ]);
  }
}

function yamlFault({ linePos, message }: YAMLParseError): Fault {
  const { line, col } = linePos?.[0] ?? { line: 1, col: 1 };
  const [problem = ''] = message.split('\n');
  return {
    path: `line ${line}, column ${col}`,
    problem: problem.replace(/ at line \d+, column \d+:?$/, ''),
    mend: 'see https://yaml.org/spec/1.2.2',
  };
}

async function readText(file: string): Promise<string> {
  try {
    return await readTextFile(file);
  } catch (error) {
    const problem = whyUnreadable(error);
    const mend = problem.startsWith("it can't")
      ? 'name a file that you may read'
      : 'name an experiment, as in `tincan run outage.json`';
    throw new ExperimentError(file, [{ path: '', problem, mend }]);
  }
}
