// tincan topology: prints the file of a bigger net.

import { join } from 'node:path';
import { devicesOf, generateTopology, MOST } from '../../shared/topology/generate.ts';
import { NAME, NAME_RULE } from '../../shared/topology/schema.ts';
import { WrongUsage } from '../failure.ts';
import type { TopologyOptions } from '../options.ts';
import { packageRoot } from '../package-root.ts';

export function topology(options: TopologyOptions): void {
  const { homes, hosts, isps, seed, net: name = 'homes' } = options;
  if (!NAME.test(name)) throw new WrongUsage(`--net ${name} should be ${NAME_RULE}`);
  if (isps > MOST.isps) throw new WrongUsage(`--isps ${isps} should be at most ${MOST.isps}`);
  if (hosts > MOST.hosts) throw new WrongUsage(`--hosts ${hosts} should be at most ${MOST.hosts}`);
  const mostHomes = isps * MOST.homesPerIsp;
  if (homes > mostHomes)
    throw new WrongUsage(`--homes ${homes} should be at most ${mostHomes}, ${MOST.homesPerIsp} for each ISP`);
  const devices = devicesOf({ homes, hosts, isps });
  if (devices > MOST.devices)
    throw new WrongUsage(
      `--homes ${homes} --hosts ${hosts} make ${devices} devices; ${MOST.devices} are the most`,
    );
  const site = join(packageRoot, 'devices', 'sites', 'www.example.com');
  const file = generateTopology({ name, seed, homes, hosts, isps, site });
  process.stdout.write(`${JSON.stringify(file, null, 2)}\n`);
}
