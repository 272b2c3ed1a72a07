// How much of a cable the stack, the NAT and the routers leave to an application.

import type { Figure, Goal, Size, Trial } from './figure.ts';
import { download, home } from './nets.ts';
import { chain, flood } from './station.ts';

/** 1,514 bytes, the longest frame at an MTU of 1500: to nobody, of an ethertype for experiments. */
const LONGEST_FRAME = `0200000000aa0200000000bb88b5${'00'.repeat(1500)}`;

const RELAYS = 'bare relay chain';

/** Rounds: it takes some GB until V8 has optimised what each message, and not each frame, comes by. */
const WARM_UP = 4;

async function open(size: Size, connections: number): Promise<Trial> {
  const net = await home();
  const relays = await chain(2, { frame: LONGEST_FRAME });
  return {
    ours: () => download(net, size.bytes, connections),
    against: async () => (await flood(relays, size.duration)).bytes * 8,
    close: async () => {
      await relays.close();
      await net.close();
    },
  };
}

function goodput(name: string, title: string, connections: number, ratio: number, gross: number): Figure {
  const goal: Goal = { at: 'least', ratio, gross };
  return {
    name,
    title,
    against: RELAYS,
    unit: 'bit/s',
    goal,
    warmUp: WARM_UP,
    open: (size) => open(size, connections),
  };
}

/** With pcapng of every cable written meanwhile, against the same net without. @param snapshotLength bytes of each frame */
async function openCaptured(size: Size, snapshotLength?: number): Promise<Trial> {
  const net = await home();
  return {
    ours: async () => {
      const capture = await net.capture([], { file: '/dev/null', snapshotLength });
      try {
        return await download(net, size.bytes, 1);
      } finally {
        await capture.stop();
      }
    },
    against: () => download(net, size.bytes, 1),
    close: () => net.close(),
  };
}

function captured(name: string, title: string, snapshotLength?: number): Figure {
  return {
    name,
    title,
    against: 'without captures',
    unit: 'bit/s',
    goal: { at: 'least', ratio: 0.9, gross: 0.15 },
    warmUp: WARM_UP,
    open: (size) => openCaptured(size, snapshotLength),
  };
}

export const goodputFigures: readonly Figure[] = [
  goodput('goodput', 'goodput of one download through NAT', 1, 0.6, 0.2),
  goodput('goodput-8', 'goodput of 8 downloads at once', 8, 0.7, 0.2),
  captured('captured', 'goodput with captures on all cables'),
  captured('captured-96', 'goodput with captures of 96 bytes a frame on all cables', 96),
];
