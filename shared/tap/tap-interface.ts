// A TAP interface of the Linux kernel (Documentation/networking/tuntap.rst): made, named and brought up.
// What the kernel sends on it is read from a file descriptor, and what is written there it receives.

import { closeSync, constants, openSync } from 'node:fs';
import type { MacAddress } from '../core/address.ts';
import { writeU48 } from '../core/bytes.ts';
import type { Libc } from './libc.ts';

export interface TapInterface {
  /** At most 15 bytes. */
  readonly name: string;
  readonly mac: MacAddress;
  /** Bytes of the largest packet. */
  readonly mtu: number;
}

const CLONE_DEVICE = '/dev/net/tun';

/** linux/if_tun.h, linux/sockios.h, linux/if.h, linux/if_arp.h */
const TUNSETIFF = 0x400454ca;
const TUNSETCARRIER = 0x400454e2;
const SIOCGIFFLAGS = 0x8913;
const SIOCSIFFLAGS = 0x8914;
const SIOCSIFMTU = 0x8922;
const SIOCSIFHWADDR = 0x8924;
const IFF_TAP = 0x0002;
const IFF_NO_PI = 0x1000;
const IFF_UP = 0x0001;
const ARPHRD_ETHER = 1;

const AF_INET = 2;
const SOCK_DGRAM = 2;

/** struct ifreq: a name, then a union; those koffi has Linux builds for are little-endian. */
const IFREQ_LENGTH = 40;
const IFREQ_VALUE = 16;

/**
 * Opens the interface in the network namespace that this thread is in, without carrier. One that is there
 * already is taken and outlives this; else it is made, and goes when its file descriptor is closed.
 * @returns the file descriptor, non-blocking: a frame for each read and write
 * @throws Error in one line
 */
export function openTapInterface(libc: Libc, tap: TapInterface): number {
  const fd = openCloneDevice();
  const control = libc.socket(AF_INET, SOCK_DGRAM, 0);
  try {
    if (control < 0) throw new Error(`no socket to set up ${tap.name} with: ${libc.errno()}`);
    const attached = libc.ioctl(fd, TUNSETIFF, flagsRequest(tap.name, IFF_TAP | IFF_NO_PI)) === 0;
    if (!attached) throw new Error(whyNotAttached(tap.name, libc.errno()));
    setTapCarrier(libc, fd, false);
    configure(libc, control, tap);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  } finally {
    if (control >= 0) closeSync(control);
  }
}

/** What the kernel sees of the plug. Before Linux 5.0 it can't be told, and always sees carrier. */
export function setTapCarrier(libc: Libc, fd: number, up: boolean): void {
  const value = Buffer.alloc(4);
  value.writeInt32LE(up ? 1 : 0);
  libc.ioctl(fd, TUNSETCARRIER, value);
}

function openCloneDevice(): number {
  try {
    return openSync(CLONE_DEVICE, constants.O_RDWR | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const missing = code === 'ENOENT' || code === 'ENODEV' || code === 'ENXIO';
    throw new Error(
      missing
        ? `there is no ${CLONE_DEVICE}: load the kernel's module with \`modprobe tun\``
        : `${CLONE_DEVICE} can't be opened (${code}): run as root`,
      { cause: error },
    );
  }
}

function configure(libc: Libc, control: number, { name, mac, mtu }: TapInterface): void {
  const set = (request: number, argument: Uint8Array, what: string): void => {
    if (libc.ioctl(control, request, argument) < 0)
      throw new Error(`the kernel refuses ${what} for ${name}: ${libc.errno()}`);
  };
  const address = ifreq(name);
  address.writeUInt16LE(ARPHRD_ETHER, IFREQ_VALUE);
  writeU48(address, IFREQ_VALUE + 2, mac);
  set(SIOCSIFHWADDR, address, 'the MAC address');
  const size = ifreq(name);
  size.writeInt32LE(mtu, IFREQ_VALUE);
  set(SIOCSIFMTU, size, `an MTU of ${mtu}`);
  const flags = ifreq(name);
  set(SIOCGIFFLAGS, flags, 'to tell the flags');
  set(SIOCSIFFLAGS, flagsRequest(name, flags.readUInt16LE(IFREQ_VALUE) | IFF_UP), 'to go up');
}

function ifreq(name: string): Buffer {
  const request = Buffer.alloc(IFREQ_LENGTH);
  request.write(name, 'latin1');
  return request;
}

function flagsRequest(name: string, flags: number): Buffer {
  const request = ifreq(name);
  request.writeUInt16LE(flags, IFREQ_VALUE);
  return request;
}

function whyNotAttached(name: string, code: string): string {
  switch (code) {
    case 'EPERM':
      return `${name} may not be made: run as root, or with CAP_NET_ADMIN in its network namespace`;
    case 'EBUSY':
      return `${name} is in use by another program: take another name`;
    case 'EINVAL':
      return `${name} is an interface of another type already: take another name`;
    default:
      return `${name} can't be made: ${code}`;
  }
}
