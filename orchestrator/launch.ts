// What a device's process is started with: node launch.cjs PROGRAM.

import { runCompiled } from '../shared/core/compiled.ts';

const [program = ''] = process.argv.splice(2, 1);
runCompiled(program);
