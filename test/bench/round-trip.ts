// How long an idle net takes to carry a small packet there and back.

import { type Figure, median } from './figure.ts';
import { home, WEB } from './nets.ts';
import { chain } from './station.ts';

/** 98 bytes: as long as the frame of a ping with its usual 56 bytes of data. */
const PING_FRAME = `0200000000aa0200000000bb88b5${'00'.repeat(84)}`;

/** ms between two round trips, so that each meets a net at rest. */
const INTERVAL = 10;

export const roundTrip: Figure = {
  name: 'round-trip',
  title: 'round trip, ping laptop to web',
  against: 'bare relay chain',
  unit: 'ms',
  goal: { at: 'most', ratio: 1.3 },
  async open({ pings }) {
    const net = await home();
    const relays = await chain(2, { frame: PING_FRAME, echo: true });
    return {
      ours: async () => {
        const options = { count: pings, interval: `${INTERVAL}ms` } as const;
        const { replies } = await net.device('laptop').ping(WEB, options);
        if (replies.length !== pings) throw new Error(`${replies.length} of ${pings} pings were answered`);
        return median(replies.map((reply) => reply.time));
      },
      against: async () => {
        const question = { do: 'ping', count: pings, interval: INTERVAL };
        return median((await relays.source.ask<{ trips: number[] }>(question)).trips);
      },
      close: async () => {
        await relays.close();
        await net.close();
      },
    };
  },
};
