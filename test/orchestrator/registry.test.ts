import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { findNet, findNetWithLogs } from '../../orchestrator/net-client.ts';
import {
  checkedSocketPath,
  claimRun,
  controlSocket,
  knownNets,
  newRunId,
  prepareRun,
  registryFolder,
} from '../../orchestrator/registry.ts';
import { writeRecord } from '../../orchestrator/run-record.ts';

let folder: string;
let base: string;
let servers: Server[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'registry-'));
  vi.stubEnv('XDG_RUNTIME_DIR', folder);
  base = registryFolder();
  servers = [];
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all(servers.map(close));
  rmSync(folder, { recursive: true, force: true });
});

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    if (server.listening) server.close(() => resolve());
    else resolve();
  });
}

/** What an orchestrator does to have a name. */
async function claim(net: string): Promise<{ id: string; rundir: string; server: Server }> {
  const id = newRunId();
  prepareRun(base, id);
  const server = createServer((socket) => socket.destroy());
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(controlSocket(base, id), resolve));
  const rundir = await claimRun(base, net, id);
  return { id, rundir, server };
}

function record(net: string, { id, rundir }: { id: string; rundir: string }, unnamed?: true): void {
  const control = `ws+unix:${controlSocket(base, id)}:/control`;
  const made = { net, ...(unnamed && { unnamed }), pid: 1, id, rundir, control };
  writeRecord({ ...made, token: 't', clockOffset: 0, devices: {}, cables: [] });
}

test('a name is had once, and again when its holder is gone', async () => {
  const first = await claim('home');
  expect(first.rundir).toBe(join(base, 'home'));
  await expect(claim('home')).rejects.toThrowError(
    'a net home is running already; end it with: tincan down --net home',
  );
  writeFileSync(join(first.rundir, 'logs', 'web.jsonl'), '');
  await close(first.server);
  const second = await claim('home');
  expect(readdirSync(second.rundir).sort()).toEqual(['logs', `run-${second.id}`]);
  expect(readdirSync(join(second.rundir, 'logs'))).toEqual([]);
});

test('of many that try at once one has the name, over a dead holder too', async () => {
  for (let round = 0; round < 5; round++) {
    const claims = await Promise.allSettled(Array.from({ length: 20 }, () => claim('home')));
    const won = claims.filter((result) => result.status === 'fulfilled');
    expect(won).toHaveLength(1);
    const reasons = claims.flatMap((result) => (result.status === 'rejected' ? [String(result.reason)] : []));
    for (const reason of reasons) expect(reason).toContain('is running already');
    const owner = won[0]?.value;
    expect(readdirSync(join(base, 'home'))).toContain(`run-${owner?.id}`);
    await Promise.all(servers.splice(0).map(close));
  }
  expect(readdirSync(base)).toEqual(['home']);
});

test('a claimer that died half way is no obstacle', async () => {
  const dead = await claim('home');
  await close(dead.server);
  // It had renamed the file that names the owner, and nothing more.
  mkdirSync(join(base, 'lab', 'logs'), { recursive: true });
  writeFileSync(join(base, 'lab', 'run-0123456789'), '');
  expect((await claim('lab')).rundir).toBe(join(base, 'lab'));
});

test('a folder that is no run directory is said to be in the way', async () => {
  mkdirSync(join(base, 'home'));
  writeFileSync(join(base, 'home', 'letter.txt'), '');
  await expect(claim('home')).rejects.toThrowError(/home is no run directory of tincan; remove it/);
  expect(existsSync(join(base, 'home', 'letter.txt'))).toBe(true);
});

test('two names stand side by side, and what has ended is known by its logs', async () => {
  const [home, lab] = [await claim('home'), await claim('lab')];
  record('home', home);
  record('lab', lab);
  await close(lab.server);
  const nets = await knownNets(base);
  expect(nets.map(({ net, running }) => [net, running !== undefined])).toEqual([
    ['home', true],
    ['lab', false],
  ]);
});

test('a net that was given no name is meant only by its name', async () => {
  record('home-0a1b', await claim('home-0a1b'), true);
  await expect(findNet(undefined)).rejects.toThrow('only nets of programs are running: home-0a1b; say which');
  await expect(findNetWithLogs(undefined)).rejects.toThrow('only nets of programs are running: home-0a1b');
  for (const find of [findNet, findNetWithLogs]) expect((await find('home-0a1b')).net).toBe('home-0a1b');
  record('lab', await claim('lab'));
  expect((await findNet(undefined)).net).toBe('lab');
  expect((await findNetWithLogs(undefined)).net).toBe('lab');
  record('other', await claim('other'));
  await expect(findNet(undefined)).rejects.toThrow('several nets are running: lab, other; say which');
});

test('a net that lives without a whole record is told how it can be ended', async () => {
  const home = await claim('home');
  record('home', home);
  const file = join(home.rundir, 'net.json');
  const whole = readFileSync(file, 'utf8');
  for (const text of ['', whole.slice(0, 50), '[]', whole.replace('"devices"', '"device"')]) {
    writeFileSync(file, text);
    expect(await knownNets(base)).toEqual([
      {
        net: 'home',
        rundir: home.rundir,
        unreachable: `home is running, but ${file} is damaged; end it with: kill ${process.pid}`,
      },
    ]);
  }
});

test('what was left by runs that died is swept', async () => {
  const left = [`.new-${newRunId()}`, `.old-${newRunId()}`, `.${newRunId()}.sock`];
  for (const name of left) {
    writeFileSync(join(base, name), '');
    utimesSync(join(base, name), 0, 0);
  }
  await claim('home');
  await expect.poll(() => left.filter((name) => existsSync(join(base, name)))).toEqual([]);
});

test('a registry that others may enter is refused', () => {
  chmodSync(base, 0o755);
  expect(() => registryFolder()).toThrowError(/open to others; close it with: chmod 700/);
});

test('a file in the place of the registry is refused', () => {
  rmSync(base, { recursive: true });
  writeFileSync(base, '');
  expect(() => registryFolder()).toThrowError(/is no folder; remove it/);
});

test.each(['none', '.'])(
  'without a runtime folder the registry is in the folder for temporary files: %s',
  (path) => {
    vi.stubEnv('XDG_RUNTIME_DIR', path);
    vi.stubEnv('TMPDIR', folder);
    expect(registryFolder()).toBe(join(folder, `tincan-${process.geteuid?.()}`));
  },
);

test('a path that no socket can have is refused with what helps', () => {
  expect(checkedSocketPath(`/${'a'.repeat(102)}`)).toHaveLength(103);
  expect(() => checkedSocketPath(`/${'a'.repeat(103)}`)).toThrowError(
    /more than 103 bytes; set XDG_RUNTIME_DIR/,
  );
  expect(() => checkedSocketPath('/tmp/my files/web.sock')).toThrowError(/other characters/);
  expect(() => checkedSocketPath('/tmp/web:sock')).toThrowError(/other characters/);
});
