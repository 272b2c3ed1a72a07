// The build: one self-contained file a device kind, so that a device costs its Node process and little
// more, and the command line with its commands as chunks that load when they are used.

import { readdirSync } from 'node:fs';
import { basename } from 'node:path';

const common = {
  platform: 'node',
  // Native and optional: whoever needs it loads it from node_modules.
  external: ['koffi'],
  transform: {
    target: 'node20.19',
    // Native helpers of ws, which are not installed: the checks for them go too.
    define: { 'process.env.WS_NO_BUFFER_UTIL': '"1"', 'process.env.WS_NO_UTF_8_VALIDATE': '"1"' },
  },
  resolve: { conditionNames: ['node', 'import', 'default'] },
};

const kinds = readdirSync('devices').filter((name) => name.endsWith('.ts'));

const devices = kinds.map((kind) => ({
  ...common,
  input: `devices/${kind}`,
  output: {
    file: `dist/devices/${basename(kind, '.ts')}.js`,
    format: 'esm',
    codeSplitting: false,
    minify: true,
    sourcemap: true,
  },
}));

// The command line, and the package as programs import it: they share what is the same.
const orchestrator = {
  ...common,
  input: { tincan: 'orchestrator/tincan.ts', index: 'orchestrator/api.ts' },
  output: {
    dir: 'dist',
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name]-[hash].js',
    minify: { mangle: true, compress: true, codegen: true },
    sourcemap: true,
  },
};

export default [orchestrator, ...devices];
