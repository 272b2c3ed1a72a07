import { describe, expect, test } from 'vitest';
import { idOf, impairmentOf, misbehaviourOf, rulesOf } from '../../shared/device/fault-params.ts';

describe('an impairment', () => {
  test('is taken with every field that there is; what is null is left out', () => {
    const whole = {
      delay: 50,
      jitter: 5.5,
      distribution: 'normal',
      gemodel: { p: 0.01, r: 0.2, bad: 1, good: 0 },
      duplicate: 0.1,
      corrupt: 0,
      reorder: 1,
      rate: 1e7,
      limit: 100,
    };
    expect(impairmentOf({ ...whole, loss: null })).toEqual(whole);
    expect(impairmentOf({})).toEqual({});
  });

  test.each([
    [undefined, 'impairment is to be a map'],
    [[], 'impairment is to be a map'],
    [{ latency: 5 }, 'impairment.latency is nothing: there are delay, jitter, distribution, loss, gemodel,'],
    [{ delay: '50ms' }, 'impairment.delay is to be a number of ms'],
    [{ delay: -1 }, 'impairment.delay is to be a number of ms'],
    [{ delay: Number.NaN }, 'impairment.delay is to be a number of ms'],
    [{ loss: 10 }, 'impairment.loss is to be a probability from 0 to 1'],
    [{ rate: 0 }, 'impairment.rate is to be a number of bits/s above 0'],
    [{ limit: 2.5 }, 'impairment.limit is to be a whole number above 0'],
    [
      { distribution: 'gauss' },
      'impairment.distribution is to be one of uniform, normal, pareto, paretonormal',
    ],
    [{ gemodel: { p: 1 } }, 'impairment.gemodel.r is to be given'],
    [
      { gemodel: { p: 1, r: 1, bad: 2, good: 0 } },
      'impairment.gemodel.bad is to be a probability from 0 to 1',
    ],
    [
      { loss: 0.1, gemodel: { p: 1, r: 1, bad: 1, good: 0 } },
      'impairment.loss and impairment.gemodel exclude each other',
    ],
  ])('%j is refused', (value, message) => {
    expect(() => impairmentOf(value)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    expect(() => impairmentOf(value)).toThrow(message);
  });
});

describe('rules', () => {
  test('are taken', () => {
    const rules = [
      { direction: 'out', match: {} },
      {
        interface: 'eth0',
        direction: 'in',
        match: { protocol: 'udp', source: ['8.8.8.8/32'], sourcePort: 53, dns: 'answer' },
        first: 2,
      },
      { direction: 'out', match: { originated: true, flags: ['syn', 'ack'], destination: [] }, every: 10 },
    ];
    expect(rulesOf(rules)).toEqual(rules);
  });

  test.each([
    [{}, 'rules is to be a list'],
    [[{ match: {} }], 'rules[0].direction is to be given'],
    [[{ direction: 'out' }], 'rules[0].match is to be given'],
    [[{ direction: 'up', match: {} }], 'rules[0].direction is to be one of in, out'],
    [
      [{ direction: 'in', match: { source: ['8.8.8.8'] } }],
      'rules[0].match.source[0] is to be a network a.b.c.d/n',
    ],
    [[{ direction: 'in', match: { source: '8.8.8.8/32' } }], 'rules[0].match.source is to be a list'],
    [
      [{ direction: 'in', match: { sourcePort: 70_000 } }],
      'rules[0].match.sourcePort is to be a port from 0',
    ],
    [[{ direction: 'in', match: { flags: ['urgent'] } }], 'rules[0].match.flags[0] is to be one of syn, ack'],
    [[{ direction: 'in', match: { originated: true } }], 'rules[0].match.originated is for direction out'],
    [[{ direction: 'out', match: { delivered: true } }], 'rules[0].match.delivered is for direction in'],
    [[{ direction: 'in', match: { protocol: 'udp', flags: ['syn'] } }], 'flags are those of tcp'],
    [[{ direction: 'in', match: { protocol: 'icmp', dns: 'query' } }], 'looks for ports, which icmp has not'],
    [[{ direction: 'in', match: {}, first: 1, every: 2 }], 'rules[0] has both first and every'],
    [[{ direction: 'in', match: {}, first: 0 }], 'rules[0].first is to be a whole number above 0'],
  ])('%j are refused', (value, message) => {
    expect(() => rulesOf(value)).toThrow(message);
  });
});

describe('a misbehaviour', () => {
  test('is taken', () => {
    const late = { service: 'dns', delay: 5000, address: '6.6.6.6' };
    expect(misbehaviourOf({ ...late, silent: null })).toEqual(late);
  });

  test.each([
    [{ service: 'http', silent: true }, 'misbehaviour.service is to be one of dns, dhcp'],
    [{ service: 'dns' }, 'this one does nothing wrong'],
    [{ service: 'dhcp', servfail: true }, 'misbehaviour.servfail is for dns'],
    [{ service: 'dns', address: '6.6.6' }, 'misbehaviour.address is to be an address a.b.c.d'],
  ])('%j is refused', (value, message) => {
    expect(() => misbehaviourOf(value)).toThrow(message);
  });
});

test('an id is a name', () => {
  expect(idOf('f1')).toBe('f1');
  expect(() => idOf('')).toThrow('id is to be a name');
  expect(() => idOf(7)).toThrow('id is to be a name');
});
