// Waiting on the monotonic clock: for moments, never for spans, so that nothing drifts.

/** ms on the monotonic clock of this process. */
export function now(): number {
  return performance.now();
}

/** Resolves at that moment, or when the signal comes. */
export function until(moment: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, Math.max(0, Math.ceil(moment - now())));
    signal.addEventListener('abort', end, { once: true });
  });
}
