// How the commands that make faults, and undo them, are called.

import { type Command, Option } from 'commander';

type Register = (usage: string, description: string) => Command;

const work = () => import('./commands/faults.ts');

/** @param command adds one to the program; @param timeout the option of those that wait */
export function addFaultCommands(command: Register, timeout: (what: string) => Option): void {
  command('cut', 'take the carrier of a cable')
    .argument('<cable>')
    .action(async (cable, _, self) => (await work()).cut(cable, self.optsWithGlobals()));
  command('splice', 'mend a cable that was cut')
    .argument('<cable>')
    .action(async (cable, _, self) => (await work()).splice(cable, self.optsWithGlobals()));
  command('impair', 'make a cable worse: sets what is named, and leaves the rest')
    .argument('<cable>')
    .option('--from <end>', 'only frames that this end sends')
    .option('--delay <time>', 'how long each frame waits, such as 50ms')
    .option('--jitter <time>', 'how much the delay varies, such as 5ms')
    .option('--distribution <name>', 'of the jitter: uniform, normal, pareto, paretonormal')
    .option('--loss <percentage>', 'of frames, each by itself, such as 1%')
    .option('--gemodel <percentages>', 'loss in bursts: "P R BAD GOOD", such as "1% 25% 100% 0%"')
    .option('--duplicate <percentage>', 'of frames')
    .option('--corrupt <percentage>', 'of frames, by one bit')
    .option('--reorder <percentage>', 'of frames, which skip the delay')
    .option('--rate <rate>', 'such as 10mbit')
    .option('--limit <frames>', 'how many may wait for rate')
    .option('--clear', 'sets all that is not named to none')
    .action(async (cable, _, self) => (await work()).impair(cable, self.optsWithGlobals()));
  command('partition', 'silently drop what passes between two groups of devices')
    .argument('<devices>', 'such as laptop,phone')
    .argument('<devices>', 'such as web')
    .option('--one-way', 'only from the first to the second')
    .action(async (first, second, _, self) =>
      (await work()).partition(first, second, self.optsWithGlobals()),
    );
  command('blackhole', 'silently drop the frames that a filter finds')
    .argument('<where>', 'a cable, a device, or one end as device:interface')
    .option('--from <end>', 'of a cable: only frames that this end sends')
    .addOption(new Option('--direction <way>', 'of a device or an end: only in or out'))
    .option('--proto <protocol>', 'arp, ipv4, icmp, udp, tcp')
    .option('--src <address>', 'from this address or network')
    .option('--dst <address>', 'to this address or network')
    .option('--sport <port>', 'from this port')
    .option('--dport <port>', 'to this port')
    .option('--flags <flags>', 'TCP segments that have all of these, such as syn or syn,ack')
    .option('--dns <kind>', 'DNS messages: query or answer')
    .option('--first <n>', 'only the first so many, in each direction')
    .option('--every <n>', 'only every nth, in each direction')
    .action(async (at, _, self) => (await work()).blackhole(at, self.optsWithGlobals()));
  command('misbehave', 'make a server do its work badly')
    .argument('<device>')
    .argument('<service>', 'dns or dhcp')
    .option('--delay <time>', 'every answer is so late, such as 2s')
    .option('--silent', 'no answer')
    .option('--servfail', 'of DNS: SERVFAIL to everything')
    .option('--address <address>', 'in every answer')
    .action(async (device, service, _, self) =>
      (await work()).misbehave(device, service, self.optsWithGlobals()),
    );
  command('flush', 'make a device forget a table')
    .argument('<device>')
    .argument('<table>', 'arp, nat or dns')
    .action(async (device, table, _, self) => (await work()).flush(device, table, self.optsWithGlobals()));
  command('heal', 'undo faults')
    .argument('[receipt...]', 'such as f1; all that are active unless told')
    .addOption(timeout('how long to wait until it is in effect'))
    .action(async (receipts, _, self) => (await work()).heal(receipts, self.optsWithGlobals()));
  command('faults', 'show active and past faults').action(async (_, self) =>
    (await work()).faults(self.optsWithGlobals()),
  );
}
