// The topology file's own form: keys, descriptions, and what each value must look like. What several keys
// must agree on is in the checks beside this file; the JSON Schema is made from this one.
// An error text here completes the sentence "should be …".

import { z } from 'zod';
import { parseCidr, parseIpv4, parseMac } from '../core/address.ts';
import { parseDuration, parsePercentage, parseRate } from '../core/units.ts';
import { GILBERT_ELLIOTT_RULE, parseGilbertElliott } from './gilbert-elliott.ts';
import type { DeviceKind, JitterDistribution } from './types.ts';

/** Names of nets, devices, interfaces and cables. */
export const NAME = /^[a-z][a-z0-9-]{0,30}$/;

export const NAME_RULE =
  'a name of 1 to 31 small letters, digits and hyphens that begins with a letter, such as "lan-1"';

export const KINDS = [
  'host',
  'router',
  'isp-router',
  'dns-server',
  'web-server',
  'switch',
  'tap',
] as const satisfies readonly DeviceKind[];

/** The least an IPv4 link must carry (RFC 791 §3.2) and the most an IPv4 packet can have. */
const MTU_RANGE = [68, 65_535] as const;

/** Text of a pattern, which the JSON Schema shows too, that must also be read without complaint. */
function text(pattern: RegExp, read: (value: string) => unknown, should: string, description: string) {
  return z
    .string({ error: should })
    .regex(pattern, { error: should, abort: true })
    .refine((value) => read(value) !== undefined, { error: should })
    .describe(description);
}

function whole(lowest: number, highest: number, what: string, description: string) {
  const error = `${what} from ${lowest} to ${highest}, without quotes`;
  return z.int({ error }).min(lowest, { error }).max(highest, { error }).describe(description);
}

function oneOf<const T extends readonly [string, ...string[]]>(values: T, description: string) {
  const list = values.map((value) => JSON.stringify(value)).join(', ');
  return z.enum(values, { error: `one of ${list}` }).describe(description);
}

function list<T extends z.ZodType>(item: T, should: string, description: string) {
  return z.array(item, { error: should }).min(1, { error: should }).describe(description);
}

/** An object with these keys and no others. */
function block<T extends z.core.$ZodLooseShape>(shape: T, description: string) {
  return z.strictObject(shape, { error: 'an object, { … }' }).describe(description);
}

const name = z.string({ error: NAME_RULE }).regex(NAME, { error: NAME_RULE });

const ADDRESS = /^\d{1,3}(\.\d{1,3}){3}$/;
export const HOSTNAME_RULE = 'a DNS name, such as "www.example.com"';
/** Labels of 1 to 63 letters, digits and hyphens (RFC 1123 §2.1), and underscores as service names have. */
export const HOSTNAME =
  /^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*$/;

const always = (value: string) => value;

const address = (description: string) =>
  text(ADDRESS, parseIpv4, 'an IPv4 address, such as "192.168.0.1"', description);

const network = (description: string) =>
  text(
    /^[\d.]+\/\d{1,2}$/,
    parseCidr,
    'an IPv4 network with its prefix length, such as "10.0.0.0/8"',
    description,
  );

const duration = (description: string) =>
  text(
    /^\d+(\.\d+)?(us|ms|s|m|h|d)$/,
    parseDuration,
    'a duration with its unit (us, ms, s, m, h, d), such as "8ms"',
    description,
  );

const percentage = (description: string) =>
  text(/^\d+(\.\d+)?%$/, parsePercentage, 'a percentage from 0% to 100%, such as "0.1%"', description);

const hostname = (description: string) => text(HOSTNAME, always, HOSTNAME_RULE, description);

export const JITTER_DISTRIBUTIONS = [
  'uniform',
  'normal',
  'pareto',
  'paretonormal',
] as const satisfies readonly JitterDistribution[];

export const MOST_FRAMES_WAITING = 1_000_000;

/** What a cable may do to frames, by its key in the file. */
export const impairmentFields = {
  delay: duration('How long each frame waits.'),
  jitter: duration('How much the delay varies to either side. Never reorders by itself.'),
  distribution: oneOf(JITTER_DISTRIBUTIONS, 'How the jitter is spread, uniformly unless told.'),
  loss: percentage('Share of frames that are lost, each by itself.'),
  gemodel: text(
    /^\d+(\.\d+)?%( \d+(\.\d+)?%){0,3}$/,
    parseGilbertElliott,
    GILBERT_ELLIOTT_RULE,
    'Loss in bursts, by the model of Gilbert and Elliott: the chance of going from the good state to the bad one, of going back, of a loss in the bad state (100% unless told), and in the good one (0% unless told). Instead of loss.',
  ),
  duplicate: percentage('Share of frames that arrive twice.'),
  corrupt: percentage('Share of frames that arrive with a bit turned over.'),
  reorder: percentage('Share of frames that skip the delay and so overtake others. Needs a delay.'),
  rate: text(
    /^\d+(\.\d+)?(bit|kbit|mbit|gbit)$/,
    (value) => parseRate(value) || undefined,
    'a rate above 0 with its unit (bit, kbit, mbit, gbit), such as "100mbit"',
    'How fast frames leave, counted in frame bytes without the checksum.',
  ),
  limit: whole(
    1,
    MOST_FRAMES_WAITING,
    'a whole number',
    'How many frames may wait for rate. Those beyond are dropped.',
  ),
};

const bothWays = z.object(impairmentFields).partial().shape;

export const impairmentSchema = block(bothWays, 'What the frames of one direction meet instead.');

export const interfaceSchema = block(
  {
    mac: text(
      /^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$/,
      parseMac,
      'a MAC address, such as "02:00:00:00:00:01"',
      'Hardware address. Without one it is derived from device and interface, the same from run to run.',
    ).optional(),
    ipv4: text(
      /^(dhcp|[\d.]+\/\d{1,2})$/,
      (value) => (value === 'dhcp' ? value : parseCidr(value)),
      'an IPv4 address with its prefix length, such as "192.168.0.1/24", or "dhcp"',
      'Address with its prefix length, or "dhcp". Without one the interface has no address.',
    ).optional(),
    gateway: address('Default gateway, in the network of this interface.').optional(),
    dns: list(
      address('A name server.'),
      'a list of IPv4 addresses, such as ["8.8.8.8"]',
      'Name servers that this device asks, where DHCP does not give them.',
    ).optional(),
    bridge: list(
      name,
      'a list of names for the ports, such as ["lan1", "lan2"]',
      'Ports that this interface joins to one LAN. Cables end at the ports.',
    ).optional(),
  },
  'An interface: a port where a cable may end, or a bridge over ports.',
);

export const routeSchema = block(
  {
    to: network('The network that the route leads to.'),
    via: address('The next hop, in a network of this device.'),
  },
  'A static route.',
);

export const natSchema = block(
  {
    outside: name.describe('The interface whose address outbound packets take.'),
    forwards: z
      .array(
        block(
          {
            proto: oneOf(['tcp', 'udp'], 'The protocol.'),
            port: whole(1, 65_535, 'a port', 'The outer port.'),
            to: text(
              /^\d{1,3}(\.\d{1,3}){3}:\d{1,5}$/,
              readEndpoint,
              'an address and port inside, such as "192.168.0.50:80"',
              'Where it leads, as address:port.',
            ),
          },
          'A port that is open from outside.',
        ),
        { error: 'a list of forwards, [{ "proto": "tcp", "port": 8080, "to": "192.168.0.50:80" }]' },
      )
      .describe('Ports that lead inside.')
      .optional(),
  },
  'Network address translation.',
);

export const dhcpSchema = block(
  {
    interface: name.describe('The interface that leases are given out at.'),
    range: z
      .tuple([address('The first address.'), address('The last address.')], {
        error: 'the first and the last address, such as ["192.168.0.10", "192.168.0.99"]',
      })
      .describe('First and last address of the pool.'),
    lease: duration('How long a lease lasts, 1h unless told.').optional(),
    dns: list(
      address('A name server.'),
      'a list of IPv4 addresses, such as ["8.8.8.8"]',
      'Name servers that clients are told.',
    ).optional(),
    domain: hostname('Domain that clients are told.').optional(),
  },
  'A DHCP server.',
);

export const recordsSchema = block(
  {
    A: list(address('An address.'), 'a list of IPv4 addresses', 'Addresses.').optional(),
    CNAME: hostname('The canonical name. Stands alone.').optional(),
    TXT: list(
      z.string({ error: 'a text' }).max(255, { error: 'a text of at most 255 characters' }),
      'a list of texts',
      'Texts.',
    ).optional(),
    NS: list(
      hostname('A name server.'),
      'a list of DNS names',
      'Name servers. Below the zone itself they take over everything from there down.',
    ).optional(),
    PTR: list(
      hostname('A name.'),
      'a list of DNS names',
      'Names of an address, in a zone such as "0.168.192.in-addr.arpa".',
    ).optional(),
    MX: list(
      block(
        {
          preference: whole(0, 65_535, 'a number', 'Lower is tried first.'),
          exchange: hostname('Name of the mail server.'),
        },
        'A mail server.',
      ),
      'a list of { "preference": 10, "exchange": "mail.example.com" }',
      'Mail servers.',
    ).optional(),
    ttl: duration('How long the answer may be kept, 1h unless told. Whole seconds.').optional(),
  },
  'The records of one name.',
);

export const dnsSchema = block(
  {
    zones: z
      .record(
        z.string(),
        z.record(z.string(), recordsSchema, { error: 'names with their records, { "www": { … } }' }),
        { error: 'zones by name, { "example.com": { … } }' },
      )
      .describe('Zone name to names in it ("@" is the zone itself) to records.')
      .optional(),
    forwarders: list(
      address('A name server.'),
      'a list of IPv4 addresses',
      'Name servers that are asked about what is outside the zones, before any recursion.',
    ).optional(),
    recursion: z
      .boolean({ error: 'true or false, without quotes' })
      .describe(
        'Whether it finds out from the root servers what is outside the zones. Without it and without forwarders such questions are refused.',
      )
      .optional(),
    roots: z
      .record(z.string(), address('Its address.'), {
        error: 'root servers by name, { "a.root-servers.net": "198.41.0.4" }',
      })
      .describe('Root servers, where recursion begins, by name with their addresses.')
      .optional(),
  },
  'A DNS server.',
);

export const siteSchema = block(
  {
    root: z
      .string({ error: 'a folder, relative to this file' })
      .min(1, { error: 'a folder, relative to this file' })
      .describe('Folder that the site is served from, relative to this file.')
      .optional(),
    answer: oneOf(
      ['client-address'],
      'Instead of a folder: answers with the address that the request came from.',
    ).optional(),
  },
  'A site: a folder or a made answer.',
);

export const httpSchema = block(
  {
    port: whole(1, 65_535, 'a port', 'Port, 80 unless told.').optional(),
    sites: z
      .record(z.string(), siteSchema, { error: 'sites by name, { "www.example.com": { "root": "…" } }' })
      .describe('Virtual hosts by name.'),
  },
  'An HTTP server.',
);

export const tapSchema = block(
  {
    name: text(
      /^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/,
      always,
      'a name of 1 to 15 letters, digits, dots, hyphens and underscores, such as "tap0"',
      'Name of the interface in Linux. It is made, or taken if there is a TAP interface of that name that nobody uses.',
    ),
    netns: text(
      /^(\/.+|[A-Za-z0-9][A-Za-z0-9_.-]{0,254})$/,
      always,
      'a name as `ip netns` shows, such as "lab", or an absolute path, such as "/proc/4711/ns/net"',
      'Network namespace of the interface: a name as of ip netns, or an absolute path. That of tincan itself unless told.',
    ).optional(),
  },
  'A TAP interface of Linux.',
);

/** Keys whose names are the user's: checked by name only in the JSON Schema, since the checks word it better. */
function named<T extends z.ZodType>(names: 'checked' | 'free', value: T, what: string) {
  return z.record(names === 'checked' ? name : z.string(), value, {
    error: `${what} by name, { "…": { … } }`,
  });
}

function device(names: 'checked' | 'free') {
  return block(
    {
      kind: oneOf(KINDS, 'What the device is.'),
      hostname: hostname('What it calls itself to DHCP, its name unless told.').optional(),
      interfaces: named(names, interfaceSchema, 'interfaces').describe('Interfaces by name.'),
      routes: z
        .array(routeSchema, { error: 'a list of routes, [{ "to": "10.0.0.0/8", "via": "51.0.0.9" }]' })
        .describe('Static routes.')
        .optional(),
      nat: natSchema.optional(),
      dhcp: dhcpSchema.optional(),
      dns: dnsSchema.optional(),
      http: httpSchema.optional(),
      tap: tapSchema.optional(),
      restart: oneOf(
        ['never', 'on-failure', 'always'],
        'Whether it is started again when it ends by itself: never unless told.',
      ).optional(),
    },
    'A device: one process.',
  );
}

const end = z.string({ error: 'device:interface, such as "laptop:eth0"' });

export const cableSchema = block(
  {
    ends: z
      .tuple([end, end], { error: 'two ends, such as ["laptop:eth0", "router:lan1"]' })
      .describe('The two ends, as device:interface. The second dials the first.'),
    ...bothWays,
    mtu: whole(
      ...MTU_RANGE,
      'a number of bytes',
      'Largest packet in bytes, 1500 unless told; a frame has 14 more.',
    ).optional(),
    from: z
      .record(z.string(), impairmentSchema, { error: 'impairments by sending device, { "isp": { … } }' })
      .describe('What only the frames that this device sends meet, over what both directions have.')
      .optional(),
  },
  'A cable between two interfaces.',
);

function topology(names: 'checked' | 'free') {
  return block(
    {
      $schema: z
        .string({ error: 'the path of the JSON Schema' })
        .describe('The JSON Schema, for editors.')
        .optional(),
      name: name.describe('Name of the net.'),
      seed: whole(
        0,
        Number.MAX_SAFE_INTEGER,
        'a whole number',
        'Seed of all randomness, 1 unless told.',
      ).optional(),
      timing: oneOf(
        ['fast', 'rfc'],
        'Waits of protocols on a fresh net: shortened (fast, the default) or as the RFCs say (rfc).',
      ).optional(),
      transport: oneOf(['unix', 'tcp'], 'What cables run over: Unix sockets or TCP on loopback.').optional(),
      devices: named(names, device(names), 'devices').describe('Devices by name.'),
      cables: named(names, cableSchema, 'cables').describe('Cables by name.').optional(),
    },
    'A net of devices and cables, run by tincan.',
  );
}

/** The file without the rules for names of devices, interfaces and cables. */
export const topologySchema = topology('free');
export const deviceSchema = device('free');

export type TopologyFile = z.infer<typeof topologySchema>;
export type DeviceEntry = z.infer<typeof deviceSchema>;
export type InterfaceEntry = z.infer<typeof interfaceSchema>;
export type DnsEntry = z.infer<typeof dnsSchema>;
export type DnsRecordsEntry = z.infer<typeof recordsSchema>;
export type CableEntry = z.infer<typeof cableSchema>;
export type ImpairmentEntry = z.infer<typeof impairmentSchema>;

/** The JSON Schema (draft 2020-12) of the topology file, for editors. */
export function jsonSchema(): Record<string, unknown> {
  return { ...z.toJSONSchema(topology('checked'), { io: 'input' }) };
}

function readEndpoint(value: string): string | undefined {
  const [host = '', port] = value.split(':');
  const number = Number(port);
  return parseIpv4(host) !== undefined && number >= 1 && number <= 65_535 ? value : undefined;
}
