// dig +trace: asks the device's name server for the root servers, and follows referrals from there, as a
// recursive server does.

import { formatIpv4 } from '../../core/address.ts';
import { canonicalName, isWithin, ROOT } from '../../wire/dns/name.ts';
import type { DnsMessage } from '../../wire/dns/types.ts';
import type { CommandContext } from '../command.ts';
import { CommandFailure, type Console } from './console.ts';
import { formatReceived, formatResponse, formatShort } from './dig-format.ts';
import type { DigLookup } from './dig-options.ts';
import { DigQuery, type DigServer, serversFor } from './dig-query.ts';
import { resolveHost } from './host.ts';

/** Prints what each server says; false when no server of a zone answers. */
export async function trace(lookup: DigLookup, console: Console, context: CommandContext): Promise<boolean> {
  const { show } = lookup;
  let servers: readonly DigServer[] = await serversFor(lookup, console, context);
  let asking: DigLookup = { ...lookup, name: ROOT, type: 'NS', recurse: true };
  let zone: string | undefined;
  for (;;) {
    const received = await new DigQuery(console, context, asking).ask(servers);
    if (!received) return false;
    const { response } = received;
    await console.print(
      show.short
        ? formatShort(response)
        : formatResponse(response, { ...show, comments: false, question: false, additional: false }) +
            formatReceived({ ...received, port: lookup.port }),
    );
    const referral = zone === undefined ? referralIn(response.answers) : referralIn(response.authorities);
    if (!referral || (zone !== undefined && response.answers.length > 0)) return true;
    if (zone !== undefined && !leadsDown(referral.zone, zone, lookup.name)) {
      await console.print(`;; BAD REFERRAL to ${referral.zone}\n`);
      return true;
    }
    zone = referral.zone;
    servers = await addressesOf(referral.names, response, console, context);
    asking = { ...lookup, recurse: false };
  }
}

function referralIn(records: DnsMessage['answers']): { zone: string; names: readonly string[] } | undefined {
  const servers = records.flatMap((record) => (record.type === 'NS' ? [record] : []));
  return servers[0] && { zone: servers[0].name, names: servers.map(({ target }) => target) };
}

function leadsDown(to: string, from: string, name: string): boolean {
  return isWithin(to, from) && canonicalName(to) !== canonicalName(from) && isWithin(name, to);
}

/** By what the referral tells, or else as any name is looked up. @throws CommandFailure if that gives none */
async function addressesOf(
  names: readonly string[],
  { additionals }: DnsMessage,
  console: Console,
  context: CommandContext,
): Promise<DigServer[]> {
  const servers: DigServer[] = [];
  for (const name of names) {
    const glue = additionals.find(
      (record) => record.type === 'A' && canonicalName(record.name) === canonicalName(name),
    );
    const address =
      glue?.type === 'A'
        ? formatIpv4(glue.address)
        : await resolveHost(context.sockets, name, console.signal).catch(() => undefined);
    console.signal.throwIfAborted();
    if (address !== undefined) servers.push({ address, name });
  }
  if (servers.length > 0) return servers;
  throw new CommandFailure(1, `dig: couldn't get address for '${names[0]}': not found`);
}
