// How late this process gets to its work: the overload figure of `ps`.

const SAMPLE_EVERY = 100;
const WINDOW = 50;

export interface LoopLag {
  /** The worst lateness in ms of the last five seconds. */
  worst(): number;
  close(): void;
}

export function watchLoopLag(): LoopLag {
  const samples: number[] = [];
  let expected = performance.now() + SAMPLE_EVERY;
  // A process that was stopped from outside was late for no fault of its own.
  const begin = (): void => {
    samples.length = 0;
    expected = performance.now() + SAMPLE_EVERY;
  };
  process.on('SIGCONT', begin);
  const timer = setInterval(() => {
    const now = performance.now();
    samples.push(Math.max(0, now - expected));
    if (samples.length > WINDOW) samples.shift();
    expected = now + SAMPLE_EVERY;
  }, SAMPLE_EVERY);
  timer.unref();
  return {
    worst: () => Math.round(Math.max(0, ...samples) * 10) / 10,
    close: () => {
      clearInterval(timer);
      process.off('SIGCONT', begin);
    },
  };
}
