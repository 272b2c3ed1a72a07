// The story of a page visit, out of what the devices logged: one line a step, in the order of their times.

import { styleText } from 'node:util';

/** A line of a device's log, as far as the story needs it. */
export interface StoryEvent {
  /** Unix ms. */
  readonly time: number;
  readonly device: string;
  readonly event: string;
  readonly msg: string;
  /** Of DHCP's server side: whom it speaks to. */
  readonly mac?: string;
}

export interface StoryOptions {
  /** The host that visits. */
  readonly host: string;
  readonly hostMac: string;
  /** When its visit began, Unix ms. */
  readonly visitBegan: number;
  readonly colours: boolean;
}

const HOST_DHCP = new Set(['dhcp.discover', 'dhcp.request', 'dhcp.lease', 'dhcp.nak', 'dhcp.decline']);
const SERVER_DHCP = new Set(['dhcp.offer', 'dhcp.ack', 'dhcp.nak']);
const TRIP = new Set([
  'arp.request',
  'arp.reply',
  'arp.learn',
  'arp.failed',
  'dns.query',
  'dns.answer',
  'dns.failure',
  'dns.cache',
  'dns.serve',
  'nat.bind',
  'tcp.open',
  'tcp.close',
  'tcp.reset',
  'tcp.refused',
  'tcp.timeout',
  'http.request',
  'http.cache',
]);

/** The steps of the trip: how the host came by its address, then everything from the visit's first moment on. */
export function stepsOfTrip(events: readonly StoryEvent[], options: StoryOptions): StoryEvent[] {
  const { host, hostMac, visitBegan } = options;
  return events
    .filter(({ event, device, mac, time }) => {
      if (device === host && HOST_DHCP.has(event)) return true;
      if (mac === hostMac && SERVER_DHCP.has(event)) return true;
      return time >= visitBegan && TRIP.has(event);
    })
    .sort((a, b) => a.time - b.time);
}

/** ` 7   12.3 ms  laptop  dns.query    asks 8.8.8.8 for www.example.com A` */
export function tellSteps(steps: readonly StoryEvent[], { colours }: StoryOptions): string[] {
  const began = steps[0]?.time ?? 0;
  const width = Math.max(...steps.map(({ device }) => device.length));
  const eventWidth = Math.max(...steps.map(({ event }) => event.length));
  const dim = (text: string): string => (colours ? styleText('dim', text) : text);
  return steps.map(({ time, device, event, msg }, index) =>
    [
      dim(`${String(index + 1).padStart(2)}  ${(time - began).toFixed(1).padStart(7)} ms`),
      device.padEnd(width),
      dim(event.padEnd(eventWidth)),
      msg,
    ].join('  '),
  );
}
