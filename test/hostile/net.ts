// One net with a device of every kind, in one process on virtual time, every cable in an attacker's hands.
//
//   laptop ─ switch ─ router ─ isp ─ dns
//   phone ───────────┘   │      ├─── web
//                     (lan3)    └─── (edge)      two free ends

import { OutgoingMessage } from 'node:http';
import type { Ipv4Address } from '../../shared/core/address.ts';
import { Counters } from '../../shared/core/counters.ts';
import { type EventLog, silentLog } from '../../shared/core/event-log.ts';
import { seededRandom } from '../../shared/core/random.ts';
import type { Device, DeviceService } from '../../shared/device/device.ts';
import { bridgePlane, ipPlane } from '../../shared/device/plane.ts';
import type { Port } from '../../shared/device/ports.ts';
import type { Bridge } from '../../shared/stack/bridge.ts';
import type { DeviceKind, DeviceSpec, Topology } from '../../shared/topology/types.ts';
import { validateTopology } from '../../shared/topology/validate.ts';
import { SERVICES } from '../support/kinds.ts';
import { type End, HostileCable, type HostilePort } from './cable.ts';
import type { CountingClock } from './counting-clock.ts';

const TOPOLOGY = {
  name: 'hostile',
  devices: {
    laptop: { kind: 'host', interfaces: { eth0: { mac: 'aa:aa:aa:aa:aa:aa', ipv4: 'dhcp' } } },
    phone: { kind: 'host', interfaces: { eth0: { ipv4: 'dhcp' } } },
    switch: { kind: 'switch', interfaces: { p1: {}, p2: {}, p3: {} } },
    router: {
      kind: 'router',
      interfaces: {
        lan: { bridge: ['lan1', 'lan2', 'lan3'], ipv4: '192.168.0.1/24' },
        wan: { ipv4: '51.0.0.20/24', gateway: '51.0.0.1' },
      },
      nat: { outside: 'wan', forwards: [{ proto: 'tcp', port: 8080, to: '192.168.0.1:80' }] },
      dhcp: {
        interface: 'lan',
        range: ['192.168.0.10', '192.168.0.99'],
        lease: '1h',
        dns: ['8.8.8.8'],
        domain: 'home.test',
      },
    },
    isp: {
      kind: 'isp-router',
      interfaces: {
        home: { ipv4: '51.0.0.1/24', dns: ['8.8.8.8'] },
        dns: { ipv4: '8.8.8.1/24' },
        web: { ipv4: '93.184.216.1/24' },
        edge: { ipv4: '66.0.0.1/24' },
      },
    },
    dns: {
      kind: 'dns-server',
      interfaces: { eth0: { ipv4: '8.8.8.8/24', gateway: '8.8.8.1' } },
      dns: {
        zones: {
          'example.com': {
            www: { A: ['93.184.216.34'], ttl: '5m' },
            alias: { CNAME: 'www.example.com' },
            big: { TXT: Array.from({ length: 20 }, (_, index) => `${index}`.repeat(99)) },
            '@': { MX: [{ preference: 10, exchange: 'mail.example.com' }], NS: ['ns.example.com'] },
          },
          'ifconfig.me': { '@': { A: ['93.184.216.34'], ttl: '5m' } },
        },
        // Nobody answers there: questions wait.
        forwarders: ['66.0.0.66'],
      },
    },
    web: {
      kind: 'web-server',
      interfaces: { eth0: { ipv4: '93.184.216.34/24', gateway: '93.184.216.1', dns: ['8.8.8.8'] } },
      http: {
        sites: {
          'www.example.com': { root: 'devices/sites/www.example.com' },
          'ifconfig.me': { answer: 'client-address' },
        },
      },
    },
  },
  cables: {
    'laptop-switch': { ends: ['laptop:eth0', 'switch:p1'] },
    'switch-router': { ends: ['switch:p2', 'router:lan1'] },
    'phone-router': { ends: ['phone:eth0', 'router:lan2'] },
    uplink: { ends: ['router:wan', 'isp:home'] },
    'isp-dns': { ends: ['isp:dns', 'dns:eth0'] },
    'isp-web': { ends: ['isp:web', 'web:eth0'] },
  },
} as const;

/** Ends that no cable of the topology has: there the attacker is a station of its own. */
const FREE_ENDS = ['switch:p3', 'router:lan3', 'isp:edge'] as const;

// node:http writes the time of the machine into answers, which would be another storm each second.
Object.defineProperty(OutgoingMessage.prototype, 'sendDate', { get: () => false, set: () => {} });

export type DeviceName = keyof typeof TOPOLOGY.devices;

/** Where frames can be put in: an interface, and what comes and goes by it. */
export interface Entrance {
  /** `device:interface`. */
  readonly name: string;
  readonly device: DeviceName;
  readonly kind: DeviceKind;
  readonly port: HostilePort;
  readonly mac: string;
  /** Of the interface behind it, as it is now. */
  readonly address: () => Ipv4Address | undefined;
}

/** A frame that a device sends, before anything happens to it. */
export interface Sighting {
  readonly frame: Uint8Array;
  /** Who sent it, and for whom it is. */
  readonly from: Entrance;
  readonly to: Entrance | undefined;
}

export interface HostileNetOptions {
  readonly clock: CountingClock;
  readonly seed: number;
  /** Sees each frame, and says what of it arrives. */
  readonly pass: (sighting: Sighting) => readonly Uint8Array[];
}

export interface Node {
  readonly name: DeviceName;
  readonly kind: DeviceKind;
  readonly counters: Counters;
  /** What has a stack. */
  readonly device: Device | undefined;
  /** What has none. */
  readonly bridge: Bridge | undefined;
}

export class HostileNet {
  readonly nodes: ReadonlyMap<DeviceName, Node>;
  readonly entrances: readonly Entrance[];
  readonly #cables: readonly HostileCable[];
  readonly #topology: Topology;
  readonly #ports = new Map<string, HostilePort>();
  readonly #services: DeviceService[] = [];

  constructor(private readonly options: HostileNetOptions) {
    this.#topology = validateTopology(TOPOLOGY, `${process.cwd()}/topology.json`);
    const ends = [
      ...this.#topology.cables.map(({ ends: [a, b] }) => [
        `${a.device}:${a.interface}`,
        `${b.device}:${b.interface}`,
      ]),
      ...FREE_ENDS.map((end) => [end]),
    ];
    const byName = new Map<string, Entrance>();
    this.#cables = ends.map(([a, b]) => {
      const names = { a: a!, b: b ?? '' };
      const other = (end: End): End => (end === 'a' ? 'b' : 'a');
      const cable: HostileCable = new HostileCable({
        name: `${a}-${b ?? 'free'}`,
        clock: options.clock,
        pass: (frame, from) =>
          options.pass({ frame, from: byName.get(names[from])!, to: byName.get(names[other(from)]) }),
      });
      this.#ports.set(names.a, cable.a);
      if (b) this.#ports.set(b, cable.b);
      return cable;
    });
    this.nodes = new Map(this.#topology.devices.map((spec) => [spec.name as DeviceName, this.#start(spec)]));
    this.entrances = this.#topology.devices.flatMap((spec) =>
      portsOf(spec).map(({ name, mac, own }) => {
        const port = this.#ports.get(`${spec.name}:${name}`)!;
        const device = spec.name as DeviceName;
        const address = () => this.#addressAt(device, name);
        return { name: `${spec.name}:${name}`, device, kind: spec.kind, port, mac: own ?? mac, address };
      }),
    );
    for (const entrance of this.entrances) byName.set(entrance.name, entrance);
  }

  device(name: DeviceName): Device {
    const device = this.nodes.get(name)?.device;
    if (!device) throw new Error(`${name} has no stack`);
    return device;
  }

  /** Pulls out every cable and puts it in again. */
  replug(): void {
    for (const cable of this.#cables) cable.setCarrier(false);
    this.options.clock.settle();
    for (const cable of this.#cables) cable.setCarrier(true);
    this.options.clock.settle();
  }

  async close(): Promise<void> {
    for (const service of this.#services) void service.close();
    this.options.clock.settle();
    await new Promise<void>((resolve) => setImmediate(resolve));
    for (const { device } of this.nodes.values()) device?.stack.close();
  }

  #addressAt(name: DeviceName, port: string): Ipv4Address | undefined {
    const interfaces = this.nodes.get(name)?.device?.stack.interfaces ?? [];
    const through = interfaces.find((each) => port.startsWith(each.name) && !each.loopback);
    return through?.addresses[0]?.address;
  }

  #start(spec: DeviceSpec): Node {
    const counters = new Counters();
    const log: EventLog = silentLog;
    const ports = new Map(
      portsOf(spec).map(({ name }) => {
        const port = this.#ports.get(`${spec.name}:${name}`);
        if (!port) throw new Error(`nothing is cabled to ${spec.name}:${name}`);
        return [name, { top: port } as unknown as Port];
      }),
    );
    const { clock, seed } = this.options;
    const config = {
      net: this.#topology.name,
      spec,
      seed,
      incarnation: 0,
      timing: 'fast',
      token: '',
      listen: { path: '' },
      logFile: '',
      logLevel: 'info',
      clockOffset: 0,
      ports: [],
    } as const;
    const plane = { config, clock, log, counters, ports, changed: () => {} };
    const name = spec.name as DeviceName;
    if (spec.kind === 'switch')
      return { name, kind: spec.kind, counters, device: undefined, bridge: bridgePlane(plane) };
    if (spec.kind === 'tap') throw new Error('a tap is part of the machine');
    const device = ipPlane(plane, spec.kind === 'router' || spec.kind === 'isp-router');
    for (const start of SERVICES[spec.kind]) this.#services.push(start(device));
    return { name, kind: spec.kind, counters, device, bridge: undefined };
  }
}

/** The ports of a device; `own` is the MAC that answers behind a port of a bridge. */
function portsOf(spec: DeviceSpec): { name: string; mac: string; own?: string }[] {
  return spec.interfaces.flatMap(({ name, mac, bridge }) =>
    bridge ? bridge.map((member) => ({ ...member, own: mac })) : [{ name, mac }],
  );
}

/** A generator for one use of one storm. */
export function stormRandom(seed: number, round: number, use: string) {
  return seededRandom('hostile', seed, round, use);
}
