// tincan cut, splice, impair, partition, blackhole, misbehave, flush, heal, faults: return when they are in
// effect, carriers included, and print what became of it.

import type { Receipt } from '../faults/receipt.ts';
import { formatReceipt, formatReceipts } from '../faults/receipt-text.ts';
import {
  blackholeRequest,
  flushRequest,
  impairRequest,
  misbehaveRequest,
  partitionRequest,
  readRequest,
} from '../faults/requests.ts';
import { askNet, findNet } from '../net-client.ts';
import type { CommonOptions } from '../options.ts';

/** Options as the command line hands them over: all that is given is text, or true. */
export type FaultOptions = CommonOptions & Readonly<Record<string, unknown>>;

export function cut(cable: string, options: FaultOptions): Promise<void> {
  return ask('cut', { cable }, options);
}

export function splice(cable: string, options: FaultOptions): Promise<void> {
  return ask('splice', { cable }, options);
}

export function impair(cable: string, options: FaultOptions): Promise<void> {
  const { net: _, json: __, limit, ...values } = options;
  const request = { cable, ...values, ...(limit !== undefined && { limit: numberOf(limit) }) };
  return ask('impair', readRequest(impairRequest, request), options);
}

export function partition(first: string, second: string, options: FaultOptions): Promise<void> {
  const { oneWay } = options;
  const groups = [first, second].map((group) => group.split(',').filter((name) => name !== ''));
  return ask('partition', readRequest(partitionRequest, { groups, oneWay }), options);
}

export function blackhole(at: string, options: FaultOptions): Promise<void> {
  const { from, direction, proto, src, dst, sport, dport, flags, dns, first, every } = options;
  const request = {
    at,
    from,
    direction,
    protocol: proto,
    source: src,
    destination: dst,
    sourcePort: numberOf(sport),
    destinationPort: numberOf(dport),
    flags: typeof flags === 'string' ? flags.split(',') : flags,
    dns,
    first: numberOf(first),
    every: numberOf(every),
  };
  return ask('blackhole', readRequest(blackholeRequest, request), options);
}

export function misbehave(device: string, service: string, options: FaultOptions): Promise<void> {
  const { delay, silent, servfail, address } = options;
  const request = { device, service, delay, silent, servfail, address };
  return ask('misbehave', readRequest(misbehaveRequest, request), options);
}

export function flush(device: string, table: string, options: FaultOptions): Promise<void> {
  return ask('flush', readRequest(flushRequest, { device, table }), options);
}

export async function heal(receipts: readonly string[], options: FaultOptions): Promise<void> {
  const params = { timeout: options.timeout, ...(receipts.length > 0 && { receipts }) };
  const healed = (await askNet(await findNet(options.net), 'heal', params)) as Receipt[];
  if (options.json) process.stdout.write(`${JSON.stringify(healed)}\n`);
  else
    process.stdout.write(healed.length === 0 ? 'no fault is active\n' : healed.map(formatReceipt).join(''));
}

export async function faults(options: FaultOptions): Promise<void> {
  const all = (await askNet(await findNet(options.net), 'faults')) as Receipt[];
  if (options.json) process.stdout.write(`${JSON.stringify(all)}\n`);
  else process.stdout.write(all.length === 0 ? 'no fault was made\n' : formatReceipts(all));
}

async function ask(method: string, request: object, options: CommonOptions): Promise<void> {
  const answer = await askNet(await findNet(options.net), method, request);
  printReceipts(answer as Receipt | Receipt[], options);
}

/** With --json one receipt alone stands for itself, and several make an array. */
export function printReceipts(answer: Receipt | readonly Receipt[], options: CommonOptions): void {
  const receipts = [answer].flat() as Receipt[];
  const json = receipts.length === 1 ? receipts[0] : receipts;
  process.stdout.write(options.json ? `${JSON.stringify(json)}\n` : receipts.map(formatReceipt).join(''));
}

/** A number as it was written; what is none is left for the check of the request to refuse. */
function numberOf(text: unknown): unknown {
  return typeof text === 'string' && /^\d+$/.test(text) ? Number(text) : text;
}
