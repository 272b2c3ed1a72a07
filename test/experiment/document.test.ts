import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readDocument } from '../../orchestrator/experiment/document.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'document-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function read(name: string, text: string): Promise<unknown> {
  const file = join(folder, name);
  await writeFile(file, text);
  return (await readDocument(file)).value;
}

test('YAML and JSON are two forms of the same', async () => {
  const value = { net: 'home.json', timeline: [{ at: '5s', cut: 'uplink' }] };
  expect(await read('a.yaml', 'net: home.json\ntimeline:\n  - at: 5s\n    cut: uplink\n')).toEqual(value);
  expect(await read('a.yml', 'net: home.json\ntimeline: [{ at: 5s, cut: uplink }]\n')).toEqual(value);
  expect(await read('a.json', JSON.stringify(value))).toEqual(value);
});

test.each([
  ['a key that is given twice', 'net: a\nnet: b\n', 'line 2, column 1: '],
  ['a broken indentation', 'net:\n  - a\n b: c\n', 'line 3, column '],
])('%s is told with its place', async (_what, text, place) => {
  await expect(read('b.yaml', text)).rejects.toThrow(place);
});

test('aliases that grow without end are refused', async () => {
  const bomb = ['a: &a [x, x, x, x, x, x, x, x, x]'];
  for (const [name, before] of ['ba', 'cb', 'dc', 'ed', 'fe'].map((pair) => [...pair]))
    bomb.push(`${name}: &${name} [${Array(9).fill(`*${before}`).join(', ')}]`);
  await expect(read('c.yaml', bomb.join('\n'))).rejects.toThrow('aliases');
});
