// The build: one self-contained file for the command line and for each device kind, so that either costs its Node
// process and little more, and the library. code-cache.js adds what V8 makes of the programs.

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

/**
 * What packages load and nothing here uses: TLS of ws, as cables are plain; pino's files and threads, as a device
 * writes its log itself. Each costs every process milliseconds.
 */
const UNUSED = /^(?:node:)?(?:https|tls|sonic-boom|thread-stream|on-exit-leak-free)$/;

const leaveOut = {
  name: 'leave-out',
  resolveId: { filter: { id: UNUSED }, handler: () => '\0unused' },
  load: { filter: { id: /^\0unused$/ }, handler: () => 'module.exports = class Unused {};' },
};

/** One file that is run by itself, as CommonJS, which Node starts quicker than modules. */
function program(input, file) {
  return {
    ...common,
    input,
    plugins: [leaveOut],
    output: {
      file,
      format: 'cjs',
      codeSplitting: false,
      // Names stay, for profiles and stack traces.
      minify: { compress: true, mangle: false, codegen: true },
      sourcemap: true,
    },
  };
}

const programs = [
  program('orchestrator/bin.ts', 'dist/tincan.cjs'),
  program('orchestrator/launch.ts', 'dist/launch.cjs'),
  program('orchestrator/tincan.ts', 'dist/programs/tincan.cjs'),
  ...kinds.map((kind) => program(`devices/${kind}`, `dist/devices/${basename(kind, '.ts')}.cjs`)),
];

// The package as programs import it.
const library = {
  ...common,
  input: { index: 'orchestrator/api.ts' },
  output: {
    dir: 'dist',
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name]-[hash].js',
    minify: { mangle: true, compress: true, codegen: true },
    sourcemap: true,
  },
};

export default [library, ...programs];
