// tincan topology: prints the file of a bigger net.

import { join } from 'node:path';
import { devicesOf, generateTopology, MOST } from '../../shared/topology/generate.ts';
import { NAME, NAME_RULE } from '../../shared/topology/schema.ts';
import { WrongUsage } from '../failure.ts';
import type { TopologyOptions } from '../options.ts';
import { packageRoot } from '../package-root.ts';

export function topology(options: TopologyOptions): void {
  const { homes, hosts, isps, seed, net: name = 'homes' } = options;
  if (!NAME.test(name)) throw new WrongUsage(`--net ${JSON.stringify(name)} should be ${NAME_RULE}`);
  const mostHomes = isps * MOST.homesPerIsp;
  if (homes > mostHomes)
    throw new WrongUsage(`--homes ${homes} should be at most ${mostHomes}, ${MOST.homesPerIsp} for each ISP`);
  if (isps > homes)
    throw new WrongUsage(
      `--isps ${isps} should be at most ${homes}: every ISP has a home of --homes ${homes}`,
    );
  const devices = devicesOf(options);
  if (devices > MOST.devices)
    throw new WrongUsage(
      `a net of ${devices} devices is too big, ${MOST.devices} are the most: take fewer homes or hosts`,
    );
  const site = join(packageRoot, 'devices', 'sites', 'www.example.com');
  const file = generateTopology({ name, seed, homes, hosts, isps, site });
  process.stdout.write(`${JSON.stringify(file, null, 2)}\n`);
}
