// A topology after validation: names resolved, quantities as numbers. The file's own form is schema.ts.

/** What a sending end does to frames; all absent means a perfect cable. */
export interface Impairment {
  /** ms each frame waits. */
  readonly delay?: number;
  /** ms the delay varies to either side; never reorders by itself. */
  readonly jitter?: number;
  /** How the jitter is spread, as netem's tables do it; uniformly unless told. */
  readonly distribution?: JitterDistribution;
  /** Probabilities from 0 to 1. */
  readonly loss?: number;
  /** Loss in bursts; never beside `loss`. */
  readonly gemodel?: GilbertElliott;
  readonly duplicate?: number;
  readonly corrupt?: number;
  /** Share of frames that skip the delay and so overtake (netem's `reorder`). */
  readonly reorder?: number;
  /** bits/s of frame bytes without FCS. */
  readonly rate?: number;
  /** How many frames may wait for rate. */
  readonly limit?: number;
}

export type JitterDistribution = 'uniform' | 'normal' | 'pareto' | 'paretonormal';

/** Loss in two states, as netem's `loss gemodel`; all probabilities from 0 to 1, each taken once a frame. */
export interface GilbertElliott {
  /** Of going from the good state, in which it starts, to the bad one. */
  readonly p: number;
  /** Of going back. */
  readonly r: number;
  /** Of losing a frame in the bad state: netem's 1-h. */
  readonly bad: number;
  /** Of losing a frame in the good state: netem's 1-k. */
  readonly good: number;
}

export type DeviceKind = 'host' | 'router' | 'isp-router' | 'dns-server' | 'web-server' | 'switch' | 'tap';

export interface InterfaceSpec {
  readonly name: string;
  /** Given in the file, or derived from device and interface. */
  readonly mac: string;
  /** `a.b.c.d/n`, `dhcp`, or none. */
  readonly ipv4?: string;
  readonly gateway?: string;
  /** Name servers for the device's resolver, where DHCP does not give them. */
  readonly dns?: readonly string[];
  /** Member ports, for a bridge; they are free of addresses and have no entry of their own. */
  readonly bridge?: readonly { readonly name: string; readonly mac: string }[];
  /** Bytes: the smallest of the cables at it. Ports without a cable do not count, and take what their LAN takes. */
  readonly mtu: number;
}

export interface RouteSpec {
  /** `a.b.c.d/n`. */
  readonly to: string;
  readonly via: string;
}

export interface PortForward {
  readonly proto: 'tcp' | 'udp';
  readonly port: number;
  /** `address:port` inside. */
  readonly to: string;
}

export interface NatSpec {
  readonly outside: string;
  readonly forwards: readonly PortForward[];
}

export interface DhcpServerSpec {
  readonly interface: string;
  readonly range: readonly [string, string];
  /** ms. */
  readonly lease: number;
  readonly dns: readonly string[];
  readonly domain?: string;
}

/** Records of one owner name. */
export interface DnsRecords {
  readonly A?: readonly string[];
  readonly CNAME?: string;
  readonly TXT?: readonly string[];
  readonly NS?: readonly string[];
  readonly PTR?: readonly string[];
  readonly MX?: readonly { readonly preference: number; readonly exchange: string }[];
  /** ms. */
  readonly ttl: number;
}

export interface DnsServerSpec {
  /** Zone name to owner name (relative, `@` for the zone itself) to records. */
  readonly zones: Readonly<Record<string, Readonly<Record<string, DnsRecords>>>>;
  /** Who is asked first about what is outside the zones. */
  readonly forwarders: readonly string[];
  /** Root servers, name to address, where recursion begins; without any there is none. */
  readonly roots: Readonly<Record<string, string>>;
}

export interface SiteSpec {
  /** Folder, absolute after validation. */
  readonly root?: string;
  /** `client-address` answers with the address that the request came from. */
  readonly answer?: 'client-address';
}

export interface HttpServerSpec {
  readonly port: number;
  readonly sites: Readonly<Record<string, SiteSpec>>;
}

/** An interface of this machine's kernel, which a cable ends at. */
export interface TapSpec {
  readonly name: string;
  /** Its network namespace: a name as of `ip netns`, or an absolute path. Absent: that of `tincan up`. */
  readonly netns?: string;
}

export interface DeviceSpec {
  readonly name: string;
  readonly kind: DeviceKind;
  readonly hostname: string;
  readonly interfaces: readonly InterfaceSpec[];
  readonly routes: readonly RouteSpec[];
  readonly nat?: NatSpec;
  readonly dhcp?: DhcpServerSpec;
  readonly dns?: DnsServerSpec;
  readonly http?: HttpServerSpec;
  readonly tap?: TapSpec;
  readonly restart: 'never' | 'on-failure' | 'always';
}

export interface CableEnd {
  readonly device: string;
  /** A port: an interface, or a member of a bridge. */
  readonly interface: string;
}

export interface CableSpec {
  readonly name: string;
  /** The second dials the first. */
  readonly ends: readonly [CableEnd, CableEnd];
  readonly mtu: number;
  /** What each end does to the frames that it sends, in the order of `ends`. */
  readonly impairments: readonly [Impairment, Impairment];
}

export interface Topology {
  readonly name: string;
  readonly seed: number;
  readonly timing: 'fast' | 'rfc';
  readonly transport: 'unix' | 'tcp';
  readonly devices: readonly DeviceSpec[];
  readonly cables: readonly CableSpec[];
}
