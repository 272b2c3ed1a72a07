// The plan of a soak: the same for the same seed, and never more than the net can do.

import { expect, test } from 'vitest';
import { describe as describeFault } from './faults.ts';
import { plan } from './plan.ts';
import { SoakNet } from './soak-net.ts';

const net = new SoakNet(1);
const COUNT = 200;

test('follows from the seed', () => {
  const text = (seed: number) => JSON.stringify(plan(net, seed, COUNT));
  expect(text(1)).toBe(text(1));
  expect(text(1)).not.toBe(text(2));
});

test.each([1, 2, 3, 4, 5, 6, 7, 8])('holds what it promises with seed %d', (seed) => {
  const steps = plan(net, seed, COUNT);
  expect(steps.map(({ at }) => at)).toEqual(steps.map(({ at }) => at).sort((a, b) => a - b));
  const state = new Map(net.devices.map((device) => [device, 'on']));
  const active = new Set<number>();
  let most = 0;
  for (const { does, planned, participants } of steps) {
    const { number, fault } = planned;
    const said = `${does} ${number}: ${describeFault(fault)}`;
    const states = participants.map((device) => state.get(device));
    if (does === 'make') {
      active.add(number);
      most = Math.max(most, active.size);
      if (fault.kind === 'freeze' || fault.kind === 'flush') expect(states, said).toEqual(['on']);
      else if ('device' in fault && fault.kind !== 'misbehave') expect(states, said).not.toContain('off');
      else if (fault.kind === 'cut') expect(states, said).not.toEqual(['frozen', 'frozen']);
      else expect(states, said).not.toContain('frozen');
    } else if (fault.kind !== 'freeze') expect(states, said).not.toContain('frozen');
    if (does !== 'make' || fault.kind === 'restart' || fault.kind === 'flush') active.delete(number);
    if ('device' in fault && fault.kind !== 'misbehave' && fault.kind !== 'flush') {
      const becomes = fault.kind === 'freeze' ? 'frozen' : fault.kind === 'restart' ? 'on' : 'off';
      state.set(fault.device, does === 'make' ? becomes : 'on');
    }
  }
  const made = steps.filter(({ does }) => does === 'make').map(({ planned }) => planned);
  expect(made.map(({ number }) => number)).toEqual(Array.from({ length: COUNT }, (_, index) => index + 1));
  expect(most).toBeGreaterThan(2);
  expect(new Set(made.map(({ fault }) => fault.kind))).toEqual(
    new Set([
      ...['kill', 'stop', 'restart', 'freeze', 'kill -9', 'cut', 'impair', 'partition', 'blackhole'],
      ...['misbehave', 'flush'],
    ]),
  );
});
