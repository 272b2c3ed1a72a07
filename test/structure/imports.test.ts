// Data flows one way through the layers: who may import whom, type-only imports included.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');

/** What each layer may import besides itself. The longest matching folder counts. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  'shared/core': [],
  'shared/wire': ['shared/core'],
  'shared/stack': ['shared/wire', 'shared/core'],
  'shared/socket': ['shared/stack', 'shared/core'],
  'shared/apps': ['shared/socket', 'shared/topology', 'shared/wire', 'shared/core'],
  'shared/cable': ['shared/wire', 'shared/core'],
  'shared/control': ['shared/core'],
  'shared/topology': ['shared/core'],
  'shared/tap': ['shared/core'],
  'shared/log.ts': ['shared/core'],
  'shared/device': ['shared'],
  devices: [
    'shared/device',
    'shared/apps',
    'shared/stack',
    'shared/socket',
    'shared/topology',
    'shared/core',
  ],
  orchestrator: [
    'shared/core',
    'shared/wire',
    'shared/cable',
    'shared/control',
    'shared/topology',
    'shared/log.ts',
  ],
};

function sourceFiles(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name));
}

/** The project's own files that `file` imports, as paths from the root. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  const specifiers = text.matchAll(/(?:\bfrom\s+|\bimport\s+|\bimport\()'(\.[^']+)'/g);
  return [...specifiers].map(([, specifier]) => relative(ROOT, join(ROOT, dirname(file), specifier!)));
}

function layerOf(file: string): string | undefined {
  return Object.keys(MAY_IMPORT)
    .filter((layer) => file === layer || file.startsWith(`${layer}/`))
    .sort((a, b) => b.length - a.length)[0];
}

const files = ['shared', 'devices', 'orchestrator'].flatMap(sourceFiles);

test('every source file belongs to a layer', () => {
  expect(files.length).toBeGreaterThan(10);
  expect(files.filter((file) => layerOf(file) === undefined)).toEqual([]);
});

test('imports go one way', () => {
  const wrong = files.flatMap((file) => {
    const layer = layerOf(file)!;
    const allowed = [layer, ...MAY_IMPORT[layer]!];
    return importsOf(file)
      .filter((target) => !allowed.some((folder) => target === folder || target.startsWith(`${folder}/`)))
      .map((target) => `${file} imports ${target}`);
  });
  expect(wrong).toEqual([]);
});

test('no file imports itself by way of others', () => {
  const graph = new Map(files.map((file) => [file, importsOf(file)]));
  const state = new Map<string, 'open' | 'done'>();
  const cycles: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    if (state.get(file) === 'open') cycles.push([...path.slice(path.indexOf(file)), file].join(' > '));
    if (state.has(file)) return;
    state.set(file, 'open');
    for (const target of graph.get(file) ?? []) visit(target, [...path, file]);
    state.set(file, 'done');
  };
  for (const file of files) visit(file, []);
  expect(cycles).toEqual([]);
});
