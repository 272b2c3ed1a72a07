// Which connection a packet of the script is about. As in packetdrill it is the one that was listened for or
// connected last; a packet that names its ports is about the connection of these ports.

import type { IpAddress } from '../../../shared/core/address.ts';
import type { TcpSpec } from '../language/script.ts';
import { type Endpoint, Flow } from './flow.ts';

/** Ports of the peers that the script plays, one after the other. */
const FIRST_PEER_PORT = 40_000;

export interface FlowAddresses {
  readonly local: IpAddress;
  readonly remote: IpAddress;
  /** The port that listeners are bound to where the script does not say. */
  readonly bindPort: number;
}

export class Flows {
  readonly #flows: Flow[] = [];
  #current: Flow | undefined;
  /** Port of the listener that the next packet of the script is for. */
  #listening: number | undefined;
  #nextPeerPort = FIRST_PEER_PORT;

  constructor(private readonly addresses: FlowAddresses) {}

  get current(): Flow | undefined {
    return this.#current;
  }

  /** `listen` was called: the next packet that comes in is a new peer's. */
  listening(port: number): void {
    this.#listening = port;
    this.#current = undefined;
  }

  /** `connect` was called. */
  connecting(local: Endpoint, remote: Endpoint): void {
    this.#listening = undefined;
    this.#current = this.#add(local, remote);
  }

  /** The connection that an inbound segment is for; `first`: there was none. */
  inbound({ ports }: Pick<TcpSpec, 'ports'>): { flow: Flow; first: boolean } {
    if (ports) return this.#byPorts(ports.destination, ports.source);
    if (this.#current) return { flow: this.#current, first: false };
    const local = { address: this.addresses.local, port: this.#listening ?? this.addresses.bindPort };
    const remote = { address: this.addresses.remote, port: this.#nextPeerPort++ };
    this.#current = this.#add(local, remote);
    return { flow: this.#current, first: true };
  }

  /** The connection that an outbound segment is expected of. */
  outbound({ ports }: Pick<TcpSpec, 'ports'>): Flow | undefined {
    return ports ? this.#byPorts(ports.source, ports.destination).flow : this.#current;
  }

  /** The connection that a packet of ours belongs to. */
  of(local: Endpoint, remote: Endpoint): Flow | undefined {
    return this.#flows.findLast((flow) => same(flow.local, local) && same(flow.remote, remote));
  }

  #byPorts(own: number, peer: number): { flow: Flow; first: boolean } {
    const local = { address: this.addresses.local, port: own };
    const remote = { address: this.addresses.remote, port: peer };
    const known = this.of(local, remote);
    this.#current = known ?? this.#add(local, remote);
    return { flow: this.#current, first: known === undefined };
  }

  #add(local: Endpoint, remote: Endpoint): Flow {
    const flow = new Flow(local, remote);
    this.#flows.push(flow);
    return flow;
  }
}

function same(a: Endpoint, b: Endpoint): boolean {
  return a.address === b.address && a.port === b.port;
}
