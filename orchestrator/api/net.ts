// A running net in the hands of a program.

import { suggest } from '../../shared/topology/suggest.ts';
import { type Attachment, attachmentAt, parseEnd } from '../attachment.ts';
import { Failure } from '../failure.ts';
import type { Receipt } from '../faults/receipt.ts';
import type { Net as OpenNet } from '../net.ts';
import type { NetStatus } from '../net-status.ts';
import {
  type CaptureOptions,
  captureToFile,
  captureToMemory,
  type FileCapture,
  type FrameCapture,
} from './capture.ts';
import { Device } from './device.ts';
import { DeviceLink } from './device-link.ts';
import {
  type DeviceEvent,
  type LogEvent,
  readLogs,
  WatchedEvents,
  watchDevices,
  watchLogs,
} from './events.ts';
import {
  type BlackholeOptions,
  type Direction,
  type FaultEvent,
  FaultReceipt,
  type Healer,
  type ImpairOptions,
  type MisbehaveOptions,
  type PartitionOptions,
} from './faults.ts';
import { type Duration, readDuration } from './units.ts';

/** Events of a net, by name. */
export interface NetEvents {
  /** A device is in another state. */
  device: DeviceEvent;
  /** A fault was made or is over, whoever asked for it: this program, or a command. */
  fault: FaultEvent;
  /** A device logged something. */
  log: LogEvent;
}

/** What waits until something is in effect takes this; 30 s unless told. */
export interface Wait {
  readonly timeout?: Duration;
}

/**
 * A running net. It lives in this process and its devices' own, and ends with `close()`, at the end of an
 * `await using` block, or with this process, however that ends.
 *
 * Faults resolve when they are confirmed everywhere, with a receipt that can heal them. What can't be done
 * rejects with an Error whose message says what would be right, and changes nothing.
 */
export class Net implements AsyncDisposable {
  readonly #net: OpenNet;
  readonly #devices: ReadonlyMap<string, Device>;
  readonly #events: WatchedEvents<NetEvents>;
  readonly #healer: Healer = {
    healOne: (id) => this.#healOne(id),
    receiptOf: (id) => this.#receiptOf(id),
  };
  #closed: Promise<void> | undefined;

  /** @internal */
  constructor(net: OpenNet) {
    this.#net = net;
    const { token } = net.record;
    this.#devices = new Map(
      [...net.supervisor.machines].map(([name, machine]) => [
        name,
        new Device(new DeviceLink(machine, token), () => machine.report()),
      ]),
    );
    this.#events = new WatchedEvents<NetEvents>({
      device: (tell) => watchDevices(net, tell),
      log: (tell) => watchLogs(net, tell),
      fault: (tell) => net.faults.onFault((change, receipt) => tell({ time: Date.now(), change, receipt })),
    });
  }

  get name(): string {
    return this.#net.record.net;
  }

  /** The run directory: `logs/<device>.jsonl` lies there. */
  get rundir(): string {
    return this.#net.rundir;
  }

  /** In the order of the topology. */
  get devices(): readonly Device[] {
    return [...this.#devices.values()];
  }

  /** @throws Error if there is none of that name, with what there is */
  device(name: string): Device {
    const device = this.#devices.get(name);
    if (device) return device;
    throw new Failure(`no device "${name}" in ${this.name}; ${suggest(name, this.#devices.keys())}`);
  }

  /** Devices and cables as they are now: states, memory in bytes, loop lag in ms, frames, carriers. */
  status(): Promise<NetStatus> {
    return this.#net.status();
  }

  /** Ends the net, frozen devices too. Resolves when nothing of it is left. A second call waits for the first. */
  close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // Power

  /** Cuts the power of a device (SIGKILL): nobody sends a FIN or RST for it. Healed, it is started again. */
  async kill(device: string): Promise<FaultReceipt> {
    return this.#one(this.#net.faults.kill([device]));
  }

  /** Ends a device in order, with its goodbyes. Healed, it is started again. */
  async stop(device: string): Promise<FaultReceipt> {
    return this.#one(this.#net.faults.stop([device]));
  }

  /**
   * Starts a device that is off. Resolves when it is ready and its cables have carrier, with the final receipts
   * of the faults that this undid. Faults that are active on its cables hold again.
   */
  async start(device: string, wait?: Wait): Promise<Receipt[]> {
    return this.#net.faults.start([device], timeoutOf(wait));
  }

  /** Stops a device and starts it again: its tables are empty then. The receipt is final. */
  async restart(device: string, wait?: Wait): Promise<FaultReceipt> {
    return this.#one(this.#net.faults.restart([device], timeoutOf(wait)));
  }

  /** Stops the process of a device as a machine hangs (SIGSTOP): its carriers stay up, and nothing answers. */
  async freeze(device: string): Promise<FaultReceipt> {
    return this.#one(this.#net.faults.freeze([device]));
  }

  /** Lets a frozen device go on (SIGCONT). Resolves when it answers, with the final receipts. */
  async thaw(device: string, wait?: Wait): Promise<Receipt[]> {
    return this.#net.faults.thaw([device], timeoutOf(wait));
  }

  // Cables and frames

  /** Cuts a cable: both ends lose their carrier, and frames under way are lost. */
  async cut(cable: string): Promise<FaultReceipt> {
    return this.#made(await this.#net.faults.cut(cable));
  }

  /** Undoes all cuts of a cable. Resolves when it has carrier, with the final receipts. */
  async splice(cable: string, wait?: Wait): Promise<Receipt[]> {
    return this.#net.faults.splice(cable, timeoutOf(wait));
  }

  /**
   * Sets what frames of a cable meet, such as `{ loss: '10%', delay: '50ms' }`; what is not named stays as it
   * is. Both directions, unless `from` names the end whose frames are meant.
   */
  async impair(cable: string, impairment: ImpairOptions, { from }: Direction = {}): Promise<FaultReceipt> {
    return this.#made(
      await this.#net.faults.impair({ ...impairment, cable, ...(from !== undefined && { from }) }),
    );
  }

  /**
   * Silently drops what passes between two groups of devices, carriers stay up: between direct neighbours
   * every frame, between others the packets that one originates for the other's addresses.
   */
  async partition(
    first: readonly string[],
    second: readonly string[],
    { oneWay }: PartitionOptions = {},
  ): Promise<FaultReceipt> {
    return this.#made(
      await this.#net.faults.partition({
        groups: [[...first], [...second]],
        ...(oneWay !== undefined && { oneWay }),
      }),
    );
  }

  /**
   * Silently drops the frames that a filter finds, such as `{ dns: 'answer' }` or `{ flags: ['syn'], first: 2 }`;
   * without a filter all.
   * @param at a cable, a device, or one end as `device:interface`
   */
  async blackhole(at: string, filter: BlackholeOptions = {}): Promise<FaultReceipt> {
    return this.#made(await this.#net.faults.blackhole({ ...filter, at }));
  }

  // Services and tables

  /** Makes a DNS or DHCP server answer late, wrongly or not at all. */
  async misbehave(device: string, misbehaviour: MisbehaveOptions): Promise<FaultReceipt> {
    return this.#made(await this.#net.faults.misbehave({ ...misbehaviour, device }));
  }

  /** Makes a device forget its ARP table, NAT table, or what its resolver remembers. The receipt is final. */
  async flush(device: string, table: 'arp' | 'nat' | 'dns'): Promise<FaultReceipt> {
    return this.#made(await this.#net.faults.flush({ device, table }));
  }

  // Healing

  /**
   * Undoes faults, all that are active unless told: cables as the topology says, thawed, spliced, started.
   * Resolves when that is in effect, with their final receipts.
   */
  async heal(faults?: Receipt | string | readonly (Receipt | string)[], wait?: Wait): Promise<Receipt[]> {
    const given = faults === undefined ? undefined : [faults].flat();
    const ids = given?.map((fault) => (typeof fault === 'string' ? fault : fault.id));
    return this.#net.faults.heal(ids, timeoutOf(wait));
  }

  /** The receipts of all faults, active and past, the oldest first, with what they have met up to now. */
  faults(): Promise<Receipt[]> {
    return this.#net.faults.faults();
  }

  // Looking

  /**
   * Captures frames at both ends of cables (or at single ends, as `device:interface`; at all cables unless
   * told), to iterate over or, with a `file`, as pcapng. Resolves when every frame is seen.
   */
  capture(
    what: string | readonly string[] | undefined,
    options: CaptureOptions & { file: string },
  ): Promise<FileCapture>;
  capture(what?: string | readonly string[], options?: CaptureOptions): Promise<FrameCapture>;
  capture(
    what: string | readonly string[] = [],
    { file, ...options }: CaptureOptions & { file?: string } = {},
  ): Promise<FrameCapture | FileCapture> {
    const ends = [what].flat();
    return file === undefined
      ? captureToMemory(this.#net, ends, options)
      : captureToFile(this.#net, ends, file, options);
  }

  /**
   * How a program of yours sits at a free interface and exchanges frames, by the cable protocol.
   * @param end `device:interface`
   * @throws Error if there is no such interface, it has a cable, or its device does not run
   */
  attach(end: string): Attachment {
    return attachmentAt(this.#net.record, parseEnd(end));
  }

  /** All that devices logged so far, in the order of its times. */
  logs(): Promise<LogEvent[]> {
    return readLogs(this.#net);
  }

  /** Tells of events from now on. */
  on<Name extends keyof NetEvents>(name: Name, listener: (event: NetEvents[Name]) => void): this {
    this.#events.on(name, listener);
    return this;
  }

  /** Tells of the next one. */
  once<Name extends keyof NetEvents>(name: Name, listener: (event: NetEvents[Name]) => void): this {
    this.#events.once(name, listener);
    return this;
  }

  off<Name extends keyof NetEvents>(name: Name, listener: (event: NetEvents[Name]) => void): this {
    this.#events.off(name, listener);
    return this;
  }

  async #end(): Promise<void> {
    await this.#net.end();
    this.#events.close();
  }

  #made(receipt: Receipt): FaultReceipt {
    return new FaultReceipt(receipt, this.#healer);
  }

  /** Of the one device that was named. */
  async #one(receipts: Promise<Receipt[]>): Promise<FaultReceipt> {
    const [receipt] = await receipts;
    if (!receipt) throw new Error('a fault without a receipt');
    return this.#made(receipt);
  }

  async #healOne(id: string): Promise<Receipt> {
    // With the net everything of it is over.
    const before = await this.#receiptOf(id);
    if (before.until !== null || this.#closed !== undefined) return before;
    const [receipt] = await this.#net.faults.heal([id]);
    return receipt ?? this.#receiptOf(id);
  }

  async #receiptOf(id: string): Promise<Receipt> {
    const receipt = (await this.#net.faults.faults()).find((each) => each.id === id);
    if (!receipt) throw new Error(`no fault ${id}`);
    return receipt;
  }
}

function timeoutOf(wait: Wait | undefined): number | undefined {
  return wait?.timeout === undefined ? undefined : readDuration('timeout', wait.timeout);
}
