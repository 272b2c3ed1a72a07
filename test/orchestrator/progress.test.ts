import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { progressOn } from '../../orchestrator/progress.ts';

test('off a terminal, a line whenever less is missing, with five names at most', async () => {
  const stream = new PassThrough();
  const progress = progressOn(stream as never, 'home');
  const all = Array.from({ length: 100 }, (_, index) => `d${index} is starting`);
  for (const length of [100, 100, 6, 7, 5, 0]) progress.show(all.slice(0, length));
  progress.done();
  stream.end();
  const five = 'd0 is starting, d1 is starting, d2 is starting, d3 is starting, d4 is starting';
  expect(await text(stream)).toBe(
    [`100 to go: ${five}, …`, `6 to go: ${five}, …`, `5 to go: ${five}`, 'ready']
      .map((line) => `home: ${line}\n`)
      .join(''),
  );
});
