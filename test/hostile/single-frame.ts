// One frame into a net at rest, to see what it does.

import { CountingClock } from './counting-clock.ts';
import { HostileNet } from './net.ts';

/** Prints what devices send after the frame, and what they count. */
export async function tryFrame(hex: string, at: string): Promise<void> {
  const clock = new CountingClock();
  let shown = false;
  const net = new HostileNet({
    clock,
    seed: 1,
    pass: ({ frame, from }) => {
      if (shown) console.log(`${from.name} sends ${Buffer.from(frame).toString('hex')}`);
      return [frame];
    },
  });
  const pump = async (): Promise<void> => {
    clock.advance(2000);
    await new Promise<void>((resolve) => setImmediate(resolve));
  };
  await pump();
  const entrance = net.entrances.find(({ name }) => name === at);
  if (!entrance || !/^([0-9a-f]{2})*$/i.test(hex)) {
    const names = net.entrances.map(({ name }) => name).join(', ');
    console.error(`--frame takes a frame in hex, --at one of ${names}`);
    process.exit(2);
  }
  const before = [...net.nodes.values()].map(({ counters }) => counters.snapshot());
  shown = true;
  entrance.port.arrive(Uint8Array.from(Buffer.from(hex, 'hex')));
  for (let count = 0; count < 5; count++) await pump();
  for (const [index, { name, counters }] of [...net.nodes.values()].entries())
    for (const [counter, count] of Object.entries(counters.snapshot()))
      if (count !== before[index]?.[counter])
        console.log(`${name} counts ${counter} ${count - (before[index]?.[counter] ?? 0)}`);
  process.exit(0);
}
