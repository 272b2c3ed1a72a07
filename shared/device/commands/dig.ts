// dig, with BIND's command line, output and exit codes. dig-options.ts reads the command line, dig-query.ts
// asks, dig-trace.ts follows referrals, dig-format.ts holds the layout.

import type { CommandContext } from '../command.ts';
import { type Console, command } from './console.ts';
import { formatGreeting, formatResponse, formatShort, formatStatistics } from './dig-format.ts';
import { HELP, parseDig } from './dig-options.ts';
import { DigQuery, serversFor } from './dig-query.ts';
import { trace } from './dig-trace.ts';

const NO_SERVER_EXIT = 9;

async function run(args: readonly string[], console: Console, context: CommandContext): Promise<number> {
  if (args.length === 1 && args[0] === '-h') {
    await console.print(HELP);
    return 0;
  }
  let exitCode = 0;
  let greeted = false;
  for (const lookup of parseDig(args)) {
    const greeting = lookup.show.command && !greeted ? formatGreeting(args, lookup.server !== undefined) : '';
    greeted = true;
    if (lookup.trace) {
      await console.print(greeting);
      if (await trace(lookup, console, context)) continue;
      await console.print(';; no servers could be reached\n');
      exitCode = NO_SERVER_EXIT;
      continue;
    }
    const servers = await serversFor(lookup, console, context);
    const received = await new DigQuery(console, context, lookup).ask(servers);
    if (!received) {
      await console.print(`${greeting};; no servers could be reached\n`);
      exitCode = NO_SERVER_EXIT;
      continue;
    }
    const { response, server, transport, duration, size } = received;
    if (lookup.show.short) await console.print(formatShort(response));
    else {
      const statistics = lookup.show.statistics
        ? formatStatistics({ duration, server, port: lookup.port, transport, size, at: new Date() })
        : '';
      await console.print(`${greeting}${formatResponse(response, lookup.show)}${statistics}`);
    }
  }
  return exitCode;
}

export const dig = command('dig', run);
