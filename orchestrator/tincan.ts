// The command line. Each command's work is in a file of its own under commands/, loaded when it is used.

import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { parseDuration } from '../shared/core/units.ts';
import { MOST } from '../shared/topology/generate.ts';
import { Failure, messageOf, printable } from './failure.ts';
import { addFaultCommands } from './fault-commands.ts';
import { packageVersion } from './package-root.ts';

const DEFAULT_TIMEOUT = '30s';

/** Bytes: as tcpdump has it, and more than any frame. */
const LONGEST_SNAPSHOT = 262_144;

/** @param net what --net is to this command */
function commonOptions(command: Command, net = 'the net, where several are running'): Command {
  return command.option('--net <name>', net).option('--json', 'print JSON');
}

function duration(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new InvalidArgumentError('it takes a duration with its unit, such as 30s.');
  return ms;
}

function wholeNumber(lowest: number, highest = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= lowest && value <= highest) return value;
    throw new InvalidArgumentError(`it takes a whole number from ${lowest} to ${highest}.`);
  };
}

function timeoutOption(what: string): Option {
  return new Option('--timeout <time>', what)
    .argParser(duration)
    .default(duration(DEFAULT_TIMEOUT), DEFAULT_TIMEOUT);
}

function buildProgram(): Command {
  const program = new Command('tincan')
    .description('A whole mini-internet on one machine: real Ethernet frames between processes.')
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .version(packageVersion(), '--version', 'show the version')
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(oneLine(text)) });
  commonOptions(program);
  const command = (usage: string, description: string, net?: string) =>
    commonOptions(program.command(usage).description(description), net);

  command('up', 'start a net and wait until it is ready', "another name than the file's")
    .argument('[file]', 'topology file; unless told ./topology.json, or else the default net')
    .option('-d, --detach', 'leave it running in the background')
    .option('--tour', 'visit a page when ready, and tell the trip')
    .addOption(timeoutOption('how long to wait until it is ready'))
    .addOption(
      new Option('--log-level <level>', 'what devices log')
        .choices(['trace', 'debug', 'info', 'warn', 'error'])
        .default('info'),
    )
    .addOption(new Option('--background').hideHelp())
    .action(async (file, _, self) => (await import('./commands/up.ts')).up(file, self.optsWithGlobals()));
  command('down', 'end a net, frozen devices too').action(async (_, self) =>
    (await import('./commands/down.ts')).down(self.optsWithGlobals()),
  );
  command('ps', 'show devices and cables').action(async (_, self) =>
    (await import('./commands/ps.ts')).ps(self.optsWithGlobals()),
  );
  command('exec', 'run a command on a device')
    .argument('<device>')
    .argument('<command...>', 'such as: ping 8.8.8.8')
    .passThroughOptions()
    .action(async (device, argv, _, self) =>
      (await import('./commands/exec.ts')).exec(device, argv, self.optsWithGlobals()),
    );
  command('logs', 'show what devices logged, in time order')
    .argument('[device...]', 'all unless told')
    .option('-f, --follow', 'go on until the net ends')
    .action(async (devices, _, self) =>
      (await import('./commands/logs.ts')).logs(devices, self.optsWithGlobals()),
    );
  command('attach', 'print how an outside program sits at a free interface')
    .argument('<end>', 'device:interface')
    .action(async (end, _, self) =>
      (await import('./commands/attach.ts')).attach(end, self.optsWithGlobals()),
    );
  command('capture', 'record frames as pcapng, for Wireshark')
    .argument('<cable...>', 'cables, or ends as device:interface')
    .option('-w, --write <file>', 'the file, standard output unless told', '-')
    .addOption(
      new Option('-s, --snapshot-length <bytes>', 'record at most so many bytes of each frame; 0: all')
        .argParser(wholeNumber(0, LONGEST_SNAPSHOT))
        .default(0),
    )
    .action(async (what, _, self) =>
      (await import('./commands/capture.ts')).capture(what, self.optsWithGlobals()),
    );
  for (const [verb, description] of [
    ['kill', 'cut the power of devices'],
    ['stop', 'end devices in order'],
    ['start', 'start devices again'],
    ['restart', 'stop and start devices'],
    ['freeze', 'stop the processes of devices, as a machine hangs'],
    ['thaw', 'let frozen devices go on'],
  ] as const)
    command(verb, description)
      .argument('<device...>')
      .addOption(timeoutOption('how long to wait until it is in effect'))
      .action(async (devices, _, self) =>
        (await import('./commands/power.ts')).power(verb, devices, self.optsWithGlobals()),
      );
  addFaultCommands(command, timeoutOption);
  command(
    'run',
    'run failure experiments from files, with a report each',
    'refused: it starts nets of its own',
  )
    .argument('<file...>', 'experiments')
    .option('--seed <n>', 'seed of all randomness, instead of that of the file', wholeNumber(0))
    .option('--repeat <n>', 'how often to run each', wholeNumber(1), 1)
    .option('--out <folder>', 'folder that reports go into, ./tincan-report unless told')
    .action(async (files, _, self) => (await import('./commands/run.ts')).run(files, self.optsWithGlobals()));
  command(
    'topology',
    `print the file of a bigger net: homes behind NAT, behind providers; at most ${MOST.devices} devices`,
    'name of that net, homes unless told',
  )
    .option(
      '--homes <n>',
      `homes, each a router with its hosts, at most ${MOST.homesPerIsp} for each ISP`,
      wholeNumber(1, MOST.isps * MOST.homesPerIsp),
      3,
    )
    .option('--hosts <n>', `hosts in each home, at most ${MOST.hosts}`, wholeNumber(1, MOST.hosts), 2)
    .option(
      '--isps <n>',
      `providers that the homes are shared out between, at most ${MOST.isps}`,
      wholeNumber(1, MOST.isps),
      1,
    )
    .option('--seed <n>', 'seed of all randomness', wholeNumber(0), 1)
    .action(async (_, self) => (await import('./commands/topology.ts')).topology(self.optsWithGlobals()));
  return program;
}

/** Errors are one line, with what may have been meant. */
function oneLine(text: string): string {
  return `${printable(
    text
      .trim()
      .replace(/^error: /, 'tincan: ')
      .replaceAll(/\n+/g, ' '),
  )}\n`;
}

async function main(): Promise<void> {
  process.title = 'tincan';
  // Whoever read our output has gone (a closed pipe): there is nobody left to tell.
  process.stdout.on('error', () => process.exit(141));
  process.stderr.on('error', () => {});
  try {
    await buildProgram().parseAsync();
  } catch (error) {
    exit(exitCodeOf(error));
  }
}

/** Once all is written; whatever a command that failed still has open must not keep it. */
function exit(code: number): void {
  const leave = () => process.stderr.write('', () => process.exit(code));
  // A capture has ended it already.
  if (process.stdout.writable) process.stdout.write('', leave);
  else leave();
}

function exitCodeOf(error: unknown): number {
  // Commander has said it already; it gives 0 for --help.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  process.stderr.write(`tincan: ${printable(messageOf(error))}\n`);
  return error instanceof Failure ? error.exitCode : 1;
}

void main();
