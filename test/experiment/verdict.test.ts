import { describe, expect, test } from 'vitest';
import { describeExpectation, judge } from '../../orchestrator/experiment/verdict.ts';
import { expectation, failed, fault, ok, played, receipt, run } from './made-run.ts';

/** The verdict on one expectation. */
function verdictOn(entry: Record<string, unknown>, seen: Parameters<typeof run>[0]) {
  const wanted = expectation(entry);
  const made = run({ ...seen, expect: [wanted] });
  const found = judge(made).verdicts.find(({ expected }) => expected === describeExpectation(wanted));
  if (!found) throw new Error('no verdict');
  return found;
}

const outage = [fault('outage', 1000), played('repair', 3000)];
const receipts = [receipt({ cut: 7 })];

describe('fails-at-most', () => {
  const entry = { that: 'fails-at-most', probe: 'page', for: '2s', after: 'outage' };

  test.each([
    { name: 'no failure', samples: [ok(900), ok(1100)], passed: true, seen: 'no try failed' },
    { name: 'nothing at all', samples: [], passed: false, seen: 'no try ended after outage' },
    { name: 'only tries before', samples: [ok(100), failed(300, 500)], passed: false, seen: 'no try ended' },
    {
      name: 'a failure and an answer in time',
      samples: [ok(900), failed(1100, 500), ok(2500, 20)],
      passed: true,
      seen: '1 failure, the first at 1.10 s (ETIMEDOUT); it worked again 1.52 s after outage',
    },
    {
      name: 'an answer exactly in time',
      samples: [failed(1100), ok(2980, 20)],
      passed: true,
      seen: 'worked again 2.00 s',
    },
    { name: 'an answer too late', samples: [failed(1100), ok(2990, 20)], passed: false, seen: '2.01 s' },
    {
      name: 'an answer between failures does not count',
      samples: [failed(1100), ok(1700), failed(2900, 100), ok(3400)],
      passed: false,
      seen: '2 failures, the first at 1.10 s (ETIMEDOUT); it worked again 2.41 s after outage',
    },
    {
      name: 'never again',
      samples: [failed(1100), failed(5000)],
      passed: false,
      seen: 'the last at 5.00 s; no answer came after it',
    },
    {
      name: 'a try that began before the fault and died of it',
      samples: [failed(990, 600), ok(1500)],
      passed: true,
      seen: 'the first at 0.99 s (ETIMEDOUT)',
    },
    {
      name: 'a try that began before the last failure and came back after it',
      samples: [ok(1050, 3000), failed(1100), ok(1700)],
      passed: true,
      seen: 'it worked again 0.71 s',
    },
  ])('$name', ({ samples, passed, seen }) => {
    const verdict = verdictOn(entry, { samples, played: outage, receipts });
    expect(verdict.passed).toBe(passed);
    expect(verdict.seen).toContain(seen);
  });

  test('until ends the look', () => {
    const samples = [failed(1100), ok(2000), failed(6000), ok(9000)];
    const bounded = { ...entry, until: '5s' };
    expect(verdictOn(bounded, { samples, played: outage, receipts }).passed).toBe(true);
    expect(verdictOn(entry, { samples, played: outage, receipts }).passed).toBe(false);
  });

  test('other probes do not matter', () => {
    const samples = [ok(1100), failed(5000, 100, 'X', { probe: 'ping' })];
    expect(verdictOn(entry, { samples, played: outage, receipts }).passed).toBe(true);
  });

  test('a fault that was not played fails it', () => {
    const verdict = verdictOn(entry, { samples: [ok(1)], played: [] });
    expect(verdict).toMatchObject({ passed: false, seen: 'the run ended before outage was played' });
  });
});

describe('recovers', () => {
  const entry = { that: 'recovers', probe: 'page', within: '1s', after: 'repair' };

  test.each([
    {
      name: 'a first answer',
      samples: [failed(1100), ok(3100, 50)],
      passed: true,
      seen: '0.14 s after repair',
    },
    {
      name: 'tries that began before the healing may still fail',
      samples: [failed(2900, 800), ok(3100, 50)],
      passed: true,
      seen: '1 failure, the first at 2.90 s (ETIMEDOUT); it worked again 0.14 s after repair',
    },
    { name: 'too late', samples: [failed(3500), ok(4100)], passed: false, seen: '1.10 s after repair' },
    { name: 'not at all', samples: [failed(3500)], passed: false, seen: 'no answer came after it' },
    { name: 'a first answer that is slow', samples: [ok(4200)], passed: false, seen: '1.21 s after repair' },
  ])('$name', ({ samples, passed, seen }) => {
    const verdict = verdictOn(entry, { samples, played: outage, receipts });
    expect(verdict.passed).toBe(passed);
    expect(verdict.seen).toContain(seen);
  });
});

describe('failures', () => {
  const samples = [failed(1005), failed(2000, 10, 'ECONNREFUSED'), ok(2500), failed(3000)];

  test.each([
    [{ atLeast: 3 }, true],
    [{ atLeast: 4 }, false],
    [{ atMost: 3 }, true],
    [{ atMost: 2 }, false],
    [{ atLeast: 3, atMost: 3 }, true],
    [{ atLeast: 2, from: 'outage', until: 'repair' }, true],
    [{ atLeast: 3, from: 'outage', until: 'repair' }, false],
    [{ atMost: 1, from: 'outage + 500ms', until: 'repair' }, true],
    [{ atLeast: 1, atMost: 1, code: 'ECONNREFUSED' }, true],
    [{ atLeast: 1, code: 'EHOSTUNREACH' }, false],
    [{ atMost: 0, from: '4s' }, true],
  ])('%o is %s', (bounds, passed) => {
    const verdict = verdictOn(
      { that: 'failures', probe: 'page', ...bounds },
      { samples, played: outage, receipts },
    );
    expect(verdict.passed).toBe(passed);
  });

  test('a window begins once its entry is in effect, and ends as its entry is asked for', () => {
    const slow = [fault('outage', 1000, { done: 1800 }), played('repair', 3000, { done: 4200 })];
    const tries = [failed(1500), failed(1900), failed(2900), failed(3500)];
    const entry = { that: 'failures', probe: 'page', atLeast: 2, from: 'outage', until: 'repair' };
    expect(verdictOn(entry, { samples: tries, played: slow, receipts }).seen).toContain(
      '2 failures of 2 tries',
    );
  });

  test('a window whose entry never was in effect has no beginning', () => {
    const entry = { that: 'failures', probe: 'page', atMost: 0, from: 'outage' };
    const never = [fault('outage', 1000, { done: undefined })];
    expect(verdictOn(entry, { samples, played: never })).toMatchObject({
      passed: false,
      seen: 'the run ended before the window began',
    });
  });

  test('tells the codes', () => {
    const verdict = verdictOn({ that: 'failures', probe: 'page', atMost: 0 }, { samples });
    expect(verdict.seen).toBe('3 failures of 4 tries: ETIMEDOUT 2, ECONNREFUSED 1');
    expect(verdict.expected).toBe('page has no failures');
  });

  test('tries of the steady state do not count', () => {
    const entry = { that: 'failures', probe: 'page', atMost: 0 };
    expect(verdictOn(entry, { samples: [failed(-500)] }).passed).toBe(true);
  });
});

describe('unaffected', () => {
  const entry = { that: 'unaffected', probe: 'page', from: 'outage', until: 'repair' };

  test.each([
    { name: 'answers', samples: [ok(1005), ok(2999)], passed: true, seen: 'no failure in 2 tries' },
    {
      name: 'a failure in the window',
      samples: [ok(1005), failed(2000)],
      passed: false,
      seen: 'at 2.00 s: no answer',
    },
    {
      name: 'failures around it',
      samples: [failed(999), ok(1500), failed(3000)],
      passed: true,
      seen: '1 try',
    },
    { name: 'no try', samples: [ok(100)], passed: false, seen: 'no failure in 0 tries' },
  ])('$name', ({ samples, passed, seen }) => {
    const verdict = verdictOn(entry, { samples, played: outage, receipts });
    expect(verdict.passed).toBe(passed);
    expect(verdict.seen).toContain(seen);
  });
});

describe('latency and rate', () => {
  test.each([
    [{ atLeast: '15ms', atMost: '25ms' }, true],
    [{ atLeast: '21ms' }, false],
    [{ atMost: '19ms' }, false],
  ])('the median against %o is %s', (bounds, passed) => {
    const samples = [ok(1, 10), ok(2, 20), ok(3, 500), failed(4)];
    const verdict = verdictOn({ that: 'latency', probe: 'page', ...bounds }, { samples });
    expect(verdict.passed).toBe(passed);
    expect(verdict.seen).toBe('the median latency was 20 ms, from 10 ms to 500 ms in 3 answers');
  });

  test('of an even number, the mean of the two in the middle', () => {
    const entry = { that: 'latency', probe: 'page', atLeast: '30ms', atMost: '30ms' };
    expect(verdictOn(entry, { samples: [ok(1, 20), ok(2, 40)] }).passed).toBe(true);
  });

  test('no answer is no latency', () => {
    const verdict = verdictOn({ that: 'latency', probe: 'page', atMost: '1s' }, { samples: [failed(1)] });
    expect(verdict).toMatchObject({ passed: false, seen: 'no answer came in the window' });
  });

  test('rates', () => {
    const samples = [ok(1, 10, { rate: 8e6 }), ok(2, 10, { rate: 9e6 }), ok(3, 10, { rate: 12e6 })];
    const verdict = verdictOn({ that: 'rate', probe: 'page', atLeast: '8500kbit' }, { samples });
    expect(verdict.passed).toBe(true);
    expect(verdict.seen).toContain('9 mbit/s, from 8 mbit/s to 12 mbit/s');
    expect(verdictOn({ that: 'rate', probe: 'page', atMost: '8mbit' }, { samples }).passed).toBe(false);
  });
});

describe('answered-once', () => {
  const entry = { that: 'answered-once', probe: 'page' };
  const samples = [ok(1, 10, { request: 'page-1' }), failed(2, 10, 'ETIMEDOUT', { request: 'page-2' })];

  test('answers that got lost are told, and are no failure', () => {
    const verdict = verdictOn(entry, { samples, answers: { 'page-1': 1, 'page-2': 1 } });
    expect(verdict.passed).toBe(true);
    expect(verdict.seen).toBe('none of 2 requests was answered twice; 1 answer never reached who asked');
  });

  test('a second answer fails it', () => {
    const verdict = verdictOn(entry, { samples, answers: { 'page-1': 2 } });
    expect(verdict.passed).toBe(false);
    expect(verdict.seen).toContain('1 request answered twice, such as page-1 (2 times)');
  });

  test('of another probe it does not', () => {
    expect(verdictOn(entry, { samples, answers: { 'page-1': 1, 'other-1': 2 } }).passed).toBe(true);
  });

  test('without a trace of any request at a server it fails', () => {
    expect(verdictOn(entry, { samples })).toMatchObject({
      passed: false,
      seen: "no server's log has any of 2 requests",
    });
  });
});

describe('affected', () => {
  const more = { played: outage, receipts: [receipt({ loss: 3, delay: 10 })] };

  test.each([
    [{ atLeast: 13 }, true],
    [{ atLeast: 14 }, false],
    [{ atMost: 3, cause: 'loss' }, true],
    [{ atLeast: 1, cause: 'corrupt' }, false],
  ])('%o is %s', (bounds, passed) => {
    const verdict = verdictOn({ that: 'affected', fault: 'outage', ...bounds }, more);
    expect(verdict.passed).toBe(passed);
    expect(verdict.seen).toBe('40 frames seen, loss 3, delay 10');
  });
});

describe('what holds for every run', () => {
  test('a fault that touched no frame fails it, unless the file allows it', () => {
    const untouched = { played: [fault('outage', 1000)], receipts: [receipt({})] };
    const result = judge(run(untouched));
    expect(result.passed).toBe(false);
    expect(result.verdicts[1]?.seen).toContain('40 frames seen, none affected');
    const allowed = [fault('outage', 1000, { allowUntouched: true })];
    expect(judge(run({ ...untouched, played: allowed })).passed).toBe(true);
    expect(judge(run({ played: outage, receipts })).passed).toBe(true);
  });

  test('so does one that could not be made, or gave no receipt', () => {
    const failing = judge(run({ played: [fault('outage', 1000, { failed: 'no cable' })] }));
    expect(failing.verdicts[1]).toMatchObject({ passed: false, seen: 'no cable' });
    expect(judge(run({ played: [fault('outage', 1000)] })).passed).toBe(false);
  });

  test('and a healing that never was in effect', () => {
    expect(judge(run({ played: [played('repair', 1000, { done: undefined })] })).passed).toBe(false);
  });

  test('without a steady state nothing else is judged', () => {
    const expectations = [expectation({ that: 'unaffected', probe: 'page' })];
    const { passed, verdicts } = judge(run({ unsteady: 'page fails', expect: expectations }));
    expect(passed).toBe(false);
    expect(verdicts).toEqual([{ expected: 'a steady state of 0.50 s', passed: false, seen: 'page fails' }]);
  });

  test('troubles of the run fail it', () => {
    expect(judge(run({ troubles: ['after the roll-back isp is crashed'] })).passed).toBe(false);
  });

  test('lag makes timings not to be trusted, and fails nothing', () => {
    const lags = [
      { device: 'isp', at: 1, lag: 300 },
      { device: 'web', at: 2, lag: 900 },
    ];
    const result = judge(run({ lags }));
    expect(result.passed).toBe(true);
    expect(result.untrusted).toBe(
      'the machine was overloaded: web got to its work 900 ms late, the bound is 250 ms (so did isp)',
    );
    expect(judge(run()).untrusted).toBeUndefined();
  });
});
