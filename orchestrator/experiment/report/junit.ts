// JUnit XML, as CI systems read it: a test suite an experiment, a test case a verdict.

import type { ExperimentRun } from '../experiment-run.ts';
import type { Verdicts } from '../verdict.ts';
import { escapeMarkup } from './markup.ts';

export function junitOf(run: ExperimentRun, { verdicts, untrusted }: Verdicts): string {
  const { name } = run.experiment;
  const failures = verdicts.filter(({ passed }) => !passed).length;
  const cases = verdicts.map(({ expected, passed, seen }) => {
    const head = `    <testcase ${attributes({ classname: name, name: expected })}>`;
    const body = passed
      ? `<system-out>${escapeMarkup(seen)}</system-out>`
      : `<failure ${attributes({ message: seen })}/>`;
    return `${head}${body}</testcase>`;
  });
  const suite = attributes({
    name,
    tests: verdicts.length,
    failures,
    errors: 0,
    skipped: 0,
    time: (run.ran / 1000).toFixed(3),
    timestamp: new Date(run.began).toISOString().slice(0, 19),
  });
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${attributes({ name: 'tincan', tests: verdicts.length, failures })}>`,
    `  <testsuite ${suite}>`,
    '    <properties>',
    `      <property ${attributes({ name: 'seed', value: run.seed })}/>`,
    ...(untrusted === undefined
      ? []
      : [`      <property ${attributes({ name: 'timings-not-to-be-trusted', value: untrusted })}/>`]),
    '    </properties>',
    ...cases,
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

function attributes(values: Record<string, string | number>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}="${escapeMarkup(String(value)).replaceAll(/[\t\n\r]/g, ' ')}"`)
    .join(' ');
}
