#!/usr/bin/env node
// The command `tincan`.

import { join } from 'node:path';
import { runCompiled } from '../shared/core/compiled.ts';

runCompiled(join(__dirname, 'programs/tincan.cjs'));
