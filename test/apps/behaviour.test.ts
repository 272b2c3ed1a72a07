import { describe, expect, test } from 'vitest';
import { Behaviour, type Wrong } from '../../shared/apps/behaviour.ts';
import { ipv4 } from '../../shared/core/address.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

function bench() {
  const clock = new VirtualClock();
  const behaviour = new Behaviour(clock);
  const given: { at: number; wrong: Wrong }[] = [];
  const serve = (hasAddress = true): void => {
    if (behaviour.hears()) behaviour.answer(hasAddress, (wrong) => given.push({ at: clock.now(), wrong }));
  };
  return { clock, behaviour, given, serve };
}

const RIGHT: Wrong = { servfail: false, address: undefined };

describe('a server that behaves', () => {
  test('answers at once, and rightly', () => {
    const { behaviour, given, serve } = bench();
    serve();
    expect(given).toEqual([{ at: 0, wrong: RIGHT }]);
    expect(behaviour.tells(ipv4('6.6.6.6'))).toBe(false);
    expect([behaviour.counts('x'), behaviour.behave('x')]).toEqual([undefined, undefined]);
  });
});

describe('a server that misbehaves', () => {
  test('is late by the sum of all delays, with what was asked of it before too', () => {
    const { clock, behaviour, given, serve } = bench();
    behaviour.misbehave('a', { service: 'dns', delay: 100 });
    behaviour.misbehave('b', { service: 'dns', delay: 50 });
    serve();
    expect(behaviour.behave('a')).toEqual({ seen: 1, affected: 1 });
    serve();
    clock.advance(1000);
    expect(given.map(({ at }) => at)).toEqual([50, 150]);
    expect(behaviour.counts('b')).toEqual({ seen: 2, affected: 2 });
  });

  test('is silent, and what else it would do wrong then touches nothing', () => {
    const { clock, behaviour, given, serve } = bench();
    behaviour.misbehave('late', { service: 'dns', delay: 100 });
    behaviour.misbehave('silent', { service: 'dns', silent: true });
    for (let request = 0; request < 3; request++) serve();
    clock.advance(1000);
    expect(given).toEqual([]);
    expect(behaviour.behave('silent')).toEqual({ seen: 3, affected: 3 });
    expect(behaviour.counts('late')).toEqual({ seen: 3, affected: 0 });
  });

  test('tells the last address that it was told to, where an answer has one', () => {
    const { behaviour, given, serve } = bench();
    behaviour.misbehave('a', { service: 'dns', address: '6.6.6.6' });
    behaviour.misbehave('b', { service: 'dns', address: '7.7.7.7' });
    serve();
    serve(false);
    expect(given.map(({ wrong }) => wrong.address)).toEqual([ipv4('7.7.7.7'), undefined]);
    expect(behaviour.tells(ipv4('7.7.7.7'))).toBe(true);
    expect(behaviour.counts('b')).toEqual({ seen: 2, affected: 1 });
    behaviour.behave('b');
    serve();
    expect(given.at(-1)?.wrong.address).toBe(ipv4('6.6.6.6'));
  });

  test('set again goes on counting', () => {
    const { behaviour, given, serve } = bench();
    behaviour.misbehave('a', { service: 'dns', servfail: true });
    serve();
    expect(behaviour.misbehave('a', { service: 'dns', delay: 5 })).toEqual({ seen: 1, affected: 1 });
    serve();
    expect(given.map(({ wrong }) => wrong.servfail)).toEqual([true]);
    expect(behaviour.counts('a')).toEqual({ seen: 2, affected: 2 });
  });

  test('keeps no more than so many answers back, whoever floods it', () => {
    const { clock, behaviour, given, serve } = bench();
    behaviour.misbehave('a', { service: 'dns', delay: 1000 });
    for (let request = 0; request < 11_000; request++) serve();
    clock.advance(1000);
    expect(given).toHaveLength(10_000);
    serve();
    clock.advance(1000);
    expect(given).toHaveLength(10_001);
  });
});
