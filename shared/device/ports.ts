// The device's ports as the stack sees them: a cable's end, with its impairment and its tap around it.

import { CapturePort } from '../cable/capture.ts';
import type { FilterPort, FrameFilters } from '../cable/filter.ts';
import { ImpairedPort } from '../cable/impairment.ts';
import { CablePort } from '../cable/websocket-port.ts';
import type { Clock } from '../core/clock.ts';
import type { EventLog } from '../core/event-log.ts';
import type { FramePort, FrameReceiver } from '../core/frame-port.ts';
import { sendTrain } from '../core/frame-train.ts';
import type { Train } from '../core/train.ts';
import type { DeviceConfig, PortConfig } from '../topology/device-config.ts';

export interface Port {
  readonly config: PortConfig;
  readonly cable: CablePort;
  readonly impaired: ImpairedPort;
  readonly filter: FilterPort;
  readonly capture: CapturePort;
  /** What an interface or a bridge stands on. */
  readonly top: FramePort;
}

/**
 * @param filters rules that are at the ports
 * @param changed called when the carrier of a port has come or gone
 */
export function openPorts(
  config: DeviceConfig,
  clock: Clock,
  log: EventLog,
  filters: FrameFilters,
  changed: () => void,
): Map<string, Port> {
  return new Map(
    config.ports.map((port) => {
      const opened = openPort(port, config, clock, log, filters);
      return [port.name, { ...opened, top: new WatchedPort(opened.capture, changed) }];
    }),
  );
}

/** Tells of the carrier whoever does not stand on the port. */
class WatchedPort implements FramePort {
  constructor(
    private readonly inner: FramePort,
    private readonly changed: () => void,
  ) {}

  get mtu(): number {
    return this.inner.mtu;
  }

  get carrier(): boolean {
    return this.inner.carrier;
  }

  send(frame: Uint8Array, forwarded = false): void {
    this.inner.send(frame, forwarded);
  }

  sendTrain(frames: Train): void {
    sendTrain(this.inner, frames);
  }

  attach(receiver: FrameReceiver): void {
    this.inner.attach({
      frames: (batch) => receiver.frames(batch),
      carrier: (up) => {
        receiver.carrier(up);
        this.changed();
      },
    });
  }
}

function openPort(
  config: PortConfig,
  device: DeviceConfig,
  clock: Clock,
  log: EventLog,
  filters: FrameFilters,
): Omit<Port, 'top'> {
  const { name, mtu } = config;
  const own = { device: device.spec.name, interface: name, mac: config.mac, mtu };
  const cable = new CablePort({ own, cable: config.cable, token: device.token, clock, log });
  if (device.faults?.cut.includes(name)) cable.cut();
  const seed = [device.seed, `${device.spec.name}:${name}`, device.incarnation];
  const impaired = new ImpairedPort(cable, clock, seed, config.cable?.impairment);
  const filter = filters.port(name, impaired);
  const capture = new CapturePort(filter, clock);
  return { config, cable, impaired, filter, capture };
}
