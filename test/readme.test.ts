// The README's walkthrough is run as it stands, and its reference is held against the sources.
//
// In a ```console block, a line `$ COMMAND` is typed into one bash, and the lines under it are what must then be
// seen, in that order. Numbers and times may be others, but not those of IPv4 addresses, nor a line that is a
// number alone; `…` stands for any text, and a line of its own `…` for any lines. What a command that ends in `&`
// shows is waited for before the next line is typed. Every command must succeed, unless `echo $?` shows with what
// exit code it does not. A ```js block whose first line is `// NAME: …` is the file of that name.

import { readdirSync, readFileSync } from 'node:fs';
import { chmod, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Lab } from './support/lab.ts';

const ROOT = join(import.meta.dirname, '..');
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');

interface Step {
  readonly command: string;
  readonly shown: readonly string[];
}

/** The contents of the blocks of a kind. */
function blocks(language: string): string[] {
  return [...README.matchAll(/^```(\w+)\n(.*?)^```$/gms)]
    .filter(([, name]) => name === language)
    .map(([, , content]) => content!);
}

function stepsOf(block: string): Step[] {
  return block
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const [command = '', ...shown] = part.trimEnd().split('\n');
      return { command, shown };
    });
}

const MARK = '--- ended with';

/** Takes lines from descriptor 3, since commands may read the standard input, and says how each has ended. */
const SHELL = `set -m
code=0
while IFS= read -r -u 3 line; do
  (exit $code)
  eval "$line"
  code=$?
  printf '\\n${MARK} %d\\n' $code
done`;

/** A bash in which the walkthrough is typed, with `npx tincan` as in a checkout. */
class Terminal {
  readonly #shell;
  #output = '';
  #changed: () => void = () => {};

  constructor(lab: Lab) {
    this.#shell = execa('bash', ['--noprofile', '--norc', '-c', SHELL], {
      cwd: lab.folder,
      env: { XDG_RUNTIME_DIR: lab.folder, PATH: `${lab.folder}:${process.env.PATH}` },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      all: true,
      buffer: false,
      reject: false,
    });
    this.#shell.all.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text;
      this.#changed();
    });
  }

  /** Types a line, waits for its end and for what must be seen, and gives its exit code. */
  async type({ command, shown }: Step): Promise<number> {
    const begin = this.#output.length;
    (this.#shell.stdio[3] as Duplex).write(`${command}\n`);
    const pattern = shownPattern(shown);
    const seen = () => this.#output.slice(begin);
    const exitCode = () => new RegExp(`^${MARK} (\\d+)$`, 'm').exec(seen())?.[1];
    const enough = await this.#until(() => exitCode() !== undefined && pattern.test(comparable(seen())));
    if (!enough) expect(seen(), `$ ${command}`).toBe(shown.join('\n'));
    return Number(exitCode());
  }

  async close(): Promise<void> {
    this.#shell.kill('SIGKILL');
    await this.#shell;
  }

  /** False if it has not come to hold after twenty seconds. */
  async #until(holds: () => boolean): Promise<boolean> {
    const end = Date.now() + 20_000;
    while (!holds()) {
      const left = end - Date.now();
      if (left <= 0) return false;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#changed = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return true;
  }
}

/** What is compared of a text: its lines, with one blank for many and N for what differs from run to run. */
function comparable(text: string): string {
  const lines = text.split('\n').map((line) => {
    const plain = line.trim().replaceAll(/\s+/g, ' ');
    if (/^\d+$/.test(plain)) return plain;
    return plain.replaceAll(
      /(\d{1,3}(?:\.\d{1,3}){3}(?!\d))|\d+(?:[.:]\d+)*(?:[hms]\d+[hms])?/g,
      (_, ip) => ip ?? 'N',
    );
  });
  return `\n${lines.join('\n')}\n`;
}

/** Finds the shown lines, in their order, among others. */
function shownPattern(shown: readonly string[]): RegExp {
  const literal = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const lines = comparable(shown.join('\n'))
    .split('\n')
    .filter((line) => line !== '' && line !== '…')
    .map((line) => `\\n${line.split('…').map(literal).join('[^\\n]*')}(?=\\n)`);
  return new RegExp(lines.join('(?:\\n[^\\n]*)*?'));
}

let lab: Lab;
let terminal: Terminal;

beforeAll(async () => {
  lab = await Lab.create('home');
  await writeFile(
    join(lab.folder, 'npx'),
    `#!/bin/sh\nshift\nexec "${process.execPath}" "${ROOT}/dist/tincan.cjs" "$@"\n`,
  );
  await chmod(join(lab.folder, 'npx'), 0o755);
  await symlink(join(ROOT, 'node_modules'), join(lab.folder, 'node_modules'));
  for (const block of blocks('js')) {
    const name = /^\/\/ (\S+):/.exec(block)?.[1];
    if (name !== undefined) await writeFile(join(lab.folder, name), block);
  }
  terminal = new Terminal(lab);
});
afterAll(async () => {
  await terminal.close();
  await lab.close();
});

test('the walkthrough does what it shows', async () => {
  const steps = blocks('console').flatMap(stepsOf);
  expect(steps.length).toBeGreaterThan(20);
  for (const [index, step] of steps.entries()) {
    const exitCode = await terminal.type(step);
    if (steps[index + 1]?.command !== 'echo $?') expect(exitCode, `$ ${step.command}`).toBe(0);
  }
});

describe('the reference names', () => {
  /** What stands in backticks, or in a block. */
  const named = (text: string) => README.includes(`\`${text}\``) || README.includes(`\`${text} `);

  const commandLine = () =>
    ['tincan.ts', 'fault-commands.ts']
      .map((file) => readFileSync(join(ROOT, 'orchestrator', file), 'utf8'))
      .join('\n');

  test('every script of package.json', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    // npm calls `prepare` itself.
    const names = Object.keys(scripts).filter((name) => name !== 'prepare');
    expect(names).toContain('soak');
    expect(names.filter((name) => !README.includes(`npm ${name}`) && !named(`npm run ${name}`))).toEqual([]);
  });

  test('every option of the command line', () => {
    const source = commandLine();
    const options = [...source.matchAll(/'(?:-\w, )?(--[a-z-]+)/g)].map(([, option]) => option!);
    expect(options.length).toBeGreaterThan(5);
    expect(options.filter((option) => option !== '--background' && !named(option))).toEqual([]);
  });

  test('every command of the command line and of devices', () => {
    const source = commandLine();
    const verbs = [...source.matchAll(/(?:command\(\s*|\[)'([a-z]+)',\s*'/g)].map(([, verb]) => verb!);
    const table = readFileSync(join(ROOT, 'shared/device/commands/table.ts'), 'utf8');
    const commands = [...table.matchAll(/^ {2}\['([a-z]+)', /gm)].map(([, name]) => name!);
    expect(verbs.length).toBeGreaterThan(8);
    expect(commands.length).toBeGreaterThan(8);
    expect([...verbs, ...commands].filter((name) => !named(name))).toEqual([]);
  });

  test('every key of the topology file', () => {
    const schema = JSON.parse(readFileSync(join(ROOT, 'shared/topology/schema.json'), 'utf8')) as unknown;
    const keys = new Set<string>();
    const collect = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return;
      for (const [key, part] of Object.entries(value)) {
        if (key === 'properties') for (const name of Object.keys(part as object)) keys.add(name);
        collect(part);
      }
    };
    collect(schema);
    expect(keys.size).toBeGreaterThan(30);
    expect([...keys].filter((key) => !named(key))).toEqual([]);
  });

  test('every event of the logs', () => {
    const sources = readdirSync(join(ROOT, 'shared'), { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.ts'),
    );
    const logged =
      /(?:log|info|warn|error|debug|trace)(?:\?\.)?\(\s*(?:'(?:error|warn|info|debug|trace)',\s*)?'([a-z]+\.[a-z-]+)'/g;
    const events = sources.flatMap((name) =>
      [...readFileSync(join(ROOT, 'shared', name), 'utf8').matchAll(logged)].map(([, event]) => event!),
    );
    expect(events.length).toBeGreaterThan(40);
    expect([...new Set(events)].filter((event) => !named(event))).toEqual([]);
  });
});
