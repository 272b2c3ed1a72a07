// The device's ports as the stack sees them: a cable's end, with its impairment and its tap around it.

import { CapturePort } from '../cable/capture.ts';
import { ImpairedPort } from '../cable/impairment.ts';
import { CablePort } from '../cable/websocket-port.ts';
import { mac } from '../core/address.ts';
import type { Clock } from '../core/clock.ts';
import type { EventLog } from '../core/event-log.ts';
import type { FramePort } from '../core/frame-port.ts';
import type { DeviceConfig, PortConfig } from '../topology/device-config.ts';

export interface Port {
  readonly config: PortConfig;
  readonly cable: CablePort;
  readonly impaired: ImpairedPort;
  readonly capture: CapturePort;
  /** What an interface or a bridge stands on. */
  readonly top: FramePort;
}

export function openPorts(config: DeviceConfig, clock: Clock, log: EventLog): Map<string, Port> {
  return new Map(config.ports.map((port) => [port.name, openPort(port, config, clock, log)]));
}

function openPort(config: PortConfig, device: DeviceConfig, clock: Clock, log: EventLog): Port {
  const { name, mtu } = config;
  const own = { device: device.spec.name, interface: name, mac: config.mac, mtu };
  const cable = new CablePort({ own, cable: config.cable, token: device.token, clock, log });
  const seed = [device.seed, `${device.spec.name}:${name}`, device.incarnation];
  const impaired = new ImpairedPort(cable, clock, seed, config.cable?.impairment);
  const capture = new CapturePort(impaired, clock, device.clockOffset);
  return { config, cable, impaired, capture, top: capture };
}
