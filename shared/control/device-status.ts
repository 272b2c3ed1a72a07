// What a device says of itself over /control, by `status` and by `watch`.

export interface InterfaceStatus {
  readonly name: string;
  readonly mac: string;
  /** `a.b.c.d/n`, or null without an address. */
  readonly ipv4: string | null;
  readonly carrier: boolean;
  /** Bytes. */
  readonly mtu: number;
}

export interface DeviceStatus {
  readonly device: string;
  readonly kind: string;
  readonly pid: number;
  /** Every service stands and every DHCP client has its address. */
  readonly ready: boolean;
  /** What it waits for, for people: `a lease on eth0`. */
  readonly waiting: readonly string[];
  /** Resident memory in bytes. */
  readonly rss: number;
  /** ms that the event loop lags. */
  readonly loopLag: number;
  /** ms since it was started. */
  readonly uptime: number;
  readonly frames: { readonly in: number; readonly out: number };
  /** Frames and packets dropped, for whatever reason. */
  readonly drops: number;
  /** Without `lo`. Ports of a bridge are among them. */
  readonly interfaces: readonly InterfaceStatus[];
}
