// Loaded before a device's program (node --import): profiles it from its start to its end, and leaves
// PID.cpuprofile in the folder that BENCH_PROFILES names. (--cpu-prof can't be given to a child's child.)

import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { join } from 'node:path';

const session = new Session();
session.connect();
session.post('Profiler.enable');
session.post('Profiler.start');
process.on('exit', () => {
  session.post('Profiler.stop', (error, result) => {
    if (error) throw error;
    writeFileSync(
      join(process.env.BENCH_PROFILES, `${process.pid}.cpuprofile`),
      JSON.stringify(result.profile),
    );
  });
});
