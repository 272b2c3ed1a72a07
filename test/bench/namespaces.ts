// Network namespaces with other systems between them, and what it takes to make them.

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { iperf } from '../support/iperf.ts';
import { Namespace } from '../support/namespace.ts';
import type { Figure, Size, Trial } from './figure.ts';
import { download, home, WEB } from './nets.ts';
import { Teardown } from './teardown.ts';

const IPERF_PORT = 5201;

/** Programs that namespaces take, and the Debian packages that have them. */
const PROGRAMS = { ip: 'iproute2', sysctl: 'procps' };

/** What is not here of Linux, root and the programs, which are given with their Debian packages. */
export function lackOf(programs: Readonly<Record<string, string>>): string | undefined {
  if (process.platform !== 'linux') return `it takes Linux, and this is ${process.platform}`;
  const lacks = Object.entries({ ...PROGRAMS, ...programs })
    .filter(([program]) => !isInstalled(program))
    .map(([program, inPackage]) => `${program} is not installed (Debian: ${inPackage})`);
  if (process.getuid?.() !== 0) lacks.unshift('it takes root');
  return lacks.length > 0 ? lacks.join(', ') : undefined;
}

function isInstalled(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** A namespace whose name tells of the bench. */
export async function namespace(teardown: Teardown): Promise<Namespace> {
  const made = await Namespace.create(undefined, `tincan-bench-${process.pid}`);
  teardown.add(() => made.close());
  return made;
}

/** Two namespaces with a way between them; the server has the address of the default net's. */
export interface Ends {
  readonly client: Namespace;
  readonly server: Namespace;
}

/**
 * A download of the default net against one between two namespaces.
 * @param join makes them, and what lies between
 */
export function downloadAgainst(join: (teardown: Teardown) => Promise<Ends>): Figure['open'] {
  return async (size: Size): Promise<Trial> => {
    const teardown = new Teardown();
    try {
      const ends = await join(teardown);
      const net = await home();
      teardown.add(() => net.close());
      return {
        ours: () => download(net, size.bytes, 1),
        against: () => iperfDownload(ends, size.duration),
        close: () => teardown.close(),
      };
    } catch (error) {
      await teardown.close();
      throw error;
    }
  };
}

/** Bits a second that reach the client. @param duration ms; iperf3 takes whole seconds */
async function iperfDownload({ client, server }: Ends, duration: number): Promise<number> {
  const seconds = String(Math.ceil(duration / 1000));
  const sums = await iperf(server, client, WEB, IPERF_PORT, '-R', '-t', seconds);
  return sums.sum_received!.bits_per_second;
}
