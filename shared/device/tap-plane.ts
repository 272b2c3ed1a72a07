// A device that is no machine of its own but a plug of this one: its cable ends at a TAP interface of the
// kernel. Linux only; it needs the rights to make such an interface.

import { mac } from '../core/address.ts';
import type { FramePort } from '../core/frame-port.ts';
import { loadLibc } from '../tap/libc.ts';
import { inNetworkNamespace } from '../tap/network-namespace.ts';
import { openTapInterface } from '../tap/tap-interface.ts';
import { TapPort } from '../tap/tap-port.ts';
import type { PlaneOptions } from './plane.ts';

/** @throws Error in one line: what is missing, and what would be right */
export async function tapPlane({ config, ports, counters }: PlaneOptions): Promise<void> {
  if (process.platform !== 'linux')
    throw new Error(`a tap is for Linux only, and this is ${process.platform}`);
  const { tap, interfaces } = config.spec;
  const [port] = ports.values();
  if (!tap || !port || !interfaces[0]) throw new Error("no tap in the device's configuration");
  const { name, netns } = tap;
  const libc = loadLibc();
  const wanted = { name, mac: mac(interfaces[0].mac), mtu: port.top.mtu };
  const open = () => openTapInterface(libc, wanted);
  const fd = netns === undefined ? open() : inNetworkNamespace(libc, netns, open);
  const { mtu } = wanted;
  join(port.top, new TapPort({ libc, fd, name, mtu, counters, gone }));
}

/** Thrown where the device's own handler hears it, which is not in a callback from another thread. */
function gone(error: Error): void {
  setImmediate(() => {
    throw error;
  });
}

/** The kernel sees carrier while the cable has it. */
function join(cable: FramePort, tap: TapPort): void {
  cable.attach({
    frames: (batch) => {
      for (const frame of batch) tap.send(frame);
    },
    carrier: (up) => tap.setCarrier(up),
  });
  tap.attach({
    frames: (batch) => {
      for (const frame of batch) cable.send(frame);
    },
    carrier: () => {},
  });
}
