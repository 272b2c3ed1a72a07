// What `up` shows while a net starts: one line that is redrawn on a terminal, else a line for each news.

import type { WriteStream } from 'node:tty';

export interface Progress {
  /** What is still missing, for people. */
  show(missing: readonly string[]): void;
  /** Takes the line away again. */
  done(): void;
}

export function progressOn(stream: WriteStream | NodeJS.WriteStream, net: string): Progress {
  return stream.isTTY ? redrawnLine(stream, net) : plainLines(stream, net);
}

function redrawnLine(stream: NodeJS.WriteStream, net: string): Progress {
  const started = performance.now();
  return {
    show(missing) {
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      const text = `${net} ${seconds} s  ${missing.join(', ')}`;
      stream.write(`\r\x1b[K${text.slice(0, (stream.columns || 80) - 1)}`);
    },
    done: () => stream.write('\r\x1b[K'),
  };
}

/** Of what is missing, in a line. */
const NAMED = 5;

/** A line whenever less is missing than ever before. */
function plainLines(stream: NodeJS.WriteStream, net: string): Progress {
  let fewest = Number.POSITIVE_INFINITY;
  return {
    show(missing) {
      if (missing.length >= fewest) return;
      fewest = missing.length;
      const named = missing.slice(0, NAMED).join(', ');
      const more = fewest > NAMED ? ', …' : '';
      stream.write(`${net}: ${fewest === 0 ? 'ready' : `${fewest} to go: ${named}${more}`}\n`);
    },
    done() {},
  };
}
