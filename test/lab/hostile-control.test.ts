// Whoever has the token may ask what it likes over /control, of every device and of the orchestrator: what
// makes no sense is refused in words, and everything runs on.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectControl } from '../../shared/control/client.ts';
import { type Random, seededRandom } from '../../shared/core/random.ts';
import { Lab } from '../support/lab.ts';

const CALLS = 120;

/** What ends a device, or the net, and is meant to. */
const ENDS = new Set(['stop', 'down', 'kill', 'freeze', 'restart']);

const KEYS = [
  ...[
    'argv',
    'cwd',
    'columns',
    'interface',
    'url',
    'method',
    'headers',
    'bodyLength',
    'hasBody',
    'destination',
  ],
  ...[
    'count',
    'interval',
    'size',
    'timeout',
    'name',
    'type',
    'server',
    'host',
    'port',
    'id',
    'rules',
    'service',
  ],
  ...[
    'impairment',
    'table',
    'misbehaviour',
    'delay',
    'device',
    'devices',
    'cable',
    'cables',
    'groups',
    'from',
    'fault',
  ],
];

function anyOf<Value>(values: readonly Value[], random: Random): Value {
  return values[random.integer(0, values.length - 1)]!;
}

function anyValue(random: Random, depth = 0): unknown {
  const scalars = [
    null,
    true,
    -1,
    0,
    0.5,
    1e308,
    2 ** 53,
    '',
    'x',
    '__proto__',
    'constructor',
    '\u001b[2J',
    '-5ms',
    '%%%',
  ];
  const kind = random.integer(0, depth > 2 ? 3 : 6);
  if (kind <= 3) return anyOf(scalars, random);
  if (kind === 4) return 'a'.repeat(random.integer(0, 50_000));
  if (kind === 5) return Array.from({ length: random.integer(0, 4) }, () => anyValue(random, depth + 1));
  return Object.fromEntries(
    Array.from({ length: random.integer(0, 6) }, () => [anyOf(KEYS, random), anyValue(random, depth + 1)]),
  );
}

let lab: Lab;

beforeAll(async () => {
  lab = await Lab.create('control');
  await lab.up(() => {}, 'programs on the devices are told to send what makes no sense');
});
afterAll(() => lab.close());

async function processes(): Promise<(readonly [string, string, number | null])[]> {
  return (await lab.ps()).devices.map(({ device, state, pid }) => [device, state, pid] as const);
}

test('calls of all methods with wrong parameters are answered, and nothing ends, hangs or is left', async () => {
  const before = await processes();
  const { rundir } = await lab.ps();
  const record = JSON.parse(await readFile(join(rundir, 'net.json'), 'utf8')) as {
    readonly control: string;
    readonly token: string;
    readonly devices: Readonly<Record<string, { readonly url: string }>>;
  };
  const urls = [record.control, ...Object.values(record.devices).map(({ url }) => `${url}/control`)];
  expect(urls.length).toBe(before.length + 1);
  const random = seededRandom('hostile control', 1);
  const outcomes = { answered: 0, refused: 0, given: 0 };
  for (const url of urls) {
    const client = await connectControl(url, record.token);
    const unknown = await client.request('none').catch((error: Error) => error.message);
    const methods = String(unknown)
      .split('there are ')[1]!
      .split(', ')
      .filter((name) => !ENDS.has(name));
    expect(methods.length).toBeGreaterThan(5);
    for (let count = 0; count < CALLS; count += 20)
      await Promise.all(
        Array.from({ length: 20 }, async () => {
          const params = random.integer(0, 4) === 0 ? anyValue(random) : anyFields(random);
          try {
            await client.request(anyOf(methods, random), params, { timeout: 300 });
            outcomes.answered++;
          } catch (error) {
            const { code, message } = error as Error & { code?: string };
            if (code === 'ETIMEDOUT') outcomes.given++;
            else outcomes.refused++;
            expect(code).not.toBe('ECONNRESET');
            expect(message).not.toBe('');
          }
        }),
      );
    client.close();
    await client.closed;
  }
  expect(outcomes.refused).toBeGreaterThan(outcomes.answered / 10);
  await lab.run('heal', '--net', 'control');
  expect(await processes()).toEqual(before);
  const { stdout } = await lab.exec('laptop', 'curl', '-sS', 'http://www.example.com/');
  expect(stdout).toContain('www.example.com');
});

function anyFields(random: Random): unknown {
  return Object.fromEntries(
    KEYS.filter(() => random.integer(0, 2) === 0).map((key) => [key, anyValue(random, 1)]),
  );
}
