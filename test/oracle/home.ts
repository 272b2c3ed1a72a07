// The default net with two Linux kernels on it: one at a free port of the router, so behind its NAT, and one
// beyond the provider. All cables are captured, and what crossed them is judged at the end.

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FileCapture, type Net, type TopologyFile, up } from '../../orchestrator/api.ts';
import { complaints } from '../support/capture-judges.ts';
import { Namespace } from '../support/namespace.ts';

const ROOT = join(import.meta.dirname, '../..');

/** Of both kernels. */
export const TAP = 'tap0';

export const ROUTER = { inside: '192.168.0.1', outside: '51.0.0.20' };
export const ISP = '51.0.0.1';
export const DNS = '8.8.8.8';
export const WEB = '93.184.216.34';
export const INSIDE = '192.168.0.200';
export const OUTSIDE = '203.0.113.2';
/** TCP and UDP ports of the router that lead to the kernel inside. */
export const FORWARDED = 7000;

export type Devices = TopologyFile['devices'];
export type Cables = NonNullable<TopologyFile['cables']>;

export interface HomeOptions {
  /** Makes the net another one before it starts. */
  readonly change?: (devices: Devices, cables: Cables) => void;
  /** Why what crosses the cables is not judged, if so: too much, or frames that are wrong on purpose. */
  readonly unjudged?: string;
}

export class Home {
  private constructor(
    readonly net: Net,
    readonly inside: Namespace,
    readonly outside: Namespace,
    /** For files of the test. */
    readonly folder: string,
    private readonly capture: FileCapture | undefined,
  ) {}

  static async start({ change = () => {}, unjudged }: HomeOptions = {}): Promise<Home> {
    if (unjudged !== undefined) console.info(`What crosses the cables is not judged: ${unjudged}`);
    const kernels = await Promise.all([Namespace.create(DNS), Namespace.create(DNS)]);
    const folder = await mkdtemp(join(tmpdir(), 'oracle-'));
    const [inside, outside] = kernels;
    let net: Net | undefined;
    try {
      net = await up(await topology(inside.name, outside.name, change));
      await inside.address(TAP, `${INSIDE}/24`, ROUTER.inside);
      await outside.address(TAP, `${OUTSIDE}/24`, '203.0.113.1');
      const capture = unjudged === undefined ? await captureAll(net, folder) : undefined;
      return new Home(net, inside, outside, folder, capture);
    } catch (error) {
      await takeDown(net, kernels);
      await rm(folder, { recursive: true });
      throw error;
    }
  }

  /** Takes everything down. @throws Error with the frames that were wrong */
  async close(): Promise<void> {
    await this.capture?.stop();
    await takeDown(this.net, [this.inside, this.outside]);
    const wrong = this.capture ? await this.#judge(this.capture) : [];
    await rm(this.folder, { recursive: true });
    if (wrong.length > 0) throw new Error(`Wrong frames on the cables:\n${wrong.join('\n')}`);
  }

  async #judge({ file, frames, dropped }: FileCapture): Promise<string[]> {
    if (frames === 0) return ['not one frame was captured'];
    if (dropped > 0)
      console.info(`The capture missed ${dropped} of ${frames + dropped} frames: too much at once.`);
    return complaints(file);
  }
}

/** Ends a net, then the kernels on it. */
export async function takeDown(net: Net | undefined, kernels: readonly Namespace[]): Promise<void> {
  await net?.close();
  await Promise.all(kernels.map((kernel) => kernel.close()));
}

/** Captures all cables of a net to a file in the folder. */
export async function captureAll(net: Net, folder: string): Promise<FileCapture> {
  // One end of each cable sees what both send.
  const ends = (await net.status()).cables.map(({ ends: [first] }) => first);
  return net.capture(ends, { file: join(folder, 'everything.pcapng') });
}

async function topology(
  inside: string,
  outside: string,
  change: HomeOptions['change'],
): Promise<TopologyFile> {
  const text = await readFile(join(ROOT, 'topology.json'), 'utf8');
  const rooted = text.replaceAll('"devices/sites/', `"${ROOT}/devices/sites/`);
  const file = JSON.parse(rooted) as TopologyFile & { cables: Cables };
  delete file.$schema;
  file.name = 'oracle';
  const { devices, cables } = file;
  const tap = (netns: string): Devices[string] => ({
    kind: 'tap',
    tap: { name: TAP, netns },
    interfaces: { eth0: {} },
  });
  devices.inside = tap(inside);
  devices.outside = tap(outside);
  cables['inside-router'] = { ends: ['inside:eth0', 'router:lan3'] };
  cables['outside-isp'] = { ends: ['outside:eth0', 'isp:far'] };
  devices.isp!.interfaces.far = { ipv4: '203.0.113.1/24' };
  devices.router!.nat!.forwards = (['tcp', 'udp'] as const).map((proto) => ({
    proto,
    port: FORWARDED,
    to: `${INSIDE}:${FORWARDED}`,
  }));
  change?.(devices, cables);
  return file;
}
