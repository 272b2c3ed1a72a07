// The command line as built, in a folder of its own whose devices are fakes, and a registry of its own.

import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { build } from 'rolldown';
import { KINDS } from '../../shared/topology/schema.ts';

const root = new URL('../..', import.meta.url).pathname;

export class FakePackage {
  private constructor(
    /** Where commands are run, and files for them may be put. */
    readonly folder: string,
    /** XDG_RUNTIME_DIR of the commands. */
    readonly runtime: string,
  ) {}

  static async make(): Promise<FakePackage> {
    const folder = mkdtempSync(join(tmpdir(), 'tc-'));
    const runtime = join(folder, 'run');
    mkdirSync(runtime, { mode: 0o700 });
    writeFileSync(join(folder, 'package.json'), '{ "type": "module", "version": "1.2.3" }');
    const { output } = await build({
      input: join(root, 'test/support/fake-device.ts'),
      platform: 'node',
      output: { codeSplitting: false, format: 'esm' },
      write: false,
    });
    mkdirSync(join(folder, 'dist/devices'), { recursive: true });
    writeFileSync(join(folder, 'dist/devices/fake.mjs'), output[0].code);
    // The launcher runs scripts; the fake is a module, which only a file that Node loads itself may import.
    writeFileSync(join(folder, 'dist/devices/fake.cjs'), "import('./fake.mjs');");
    for (const kind of KINDS)
      writeFileSync(join(folder, `dist/devices/${kind}.cjs`), "require('./fake.cjs');");
    for (const part of ['tincan.cjs', 'launch.cjs', 'programs'])
      cpSync(join(root, 'dist', part), join(folder, 'dist', part), { recursive: true });
    return new FakePackage(folder, runtime);
  }

  /** Starts `tincan …` in the folder, with `input` on its standard input. */
  tincan(argv: readonly string[], input = '') {
    return execa(process.execPath, [join(this.folder, 'dist/tincan.cjs'), ...argv], {
      cwd: this.folder,
      env: { XDG_RUNTIME_DIR: this.runtime },
      input,
      reject: false,
    });
  }

  /** Writes a topology of two hosts and a web server's worth of cables between them. */
  topology(name: string, hostnames: Record<string, string> = {}, more: object = {}): string {
    const host = (device: string, interfaces: readonly string[]) => ({
      kind: 'host',
      hostname: hostnames[device] ?? device,
      interfaces: Object.fromEntries(interfaces.map((face) => [face, {}])),
    });
    const json = {
      name,
      devices: { one: host('one', ['a', 'free']), two: host('two', ['a', 'b']), three: host('three', ['b']) },
      cables: { first: { ends: ['one:a', 'two:a'] }, second: { ends: ['two:b', 'three:b'] } },
      ...more,
    };
    const file = join(this.folder, `${name}.json`);
    writeFileSync(file, JSON.stringify(json));
    return file;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
