import { expect, test } from 'vitest';
import { CommandBench } from '../../support/command-bench.ts';
import { ADDRESSES, DefaultNet, type DefaultNetOptions } from '../../support/default-net.ts';

async function laptop(options: DefaultNetOptions = {}): Promise<CommandBench> {
  const net = new DefaultNet(options);
  const bench = new CommandBench(net, net.laptop);
  bench.sockets.lookup = async (name) => {
    if (name === 'www.example.com') return [ADDRESSES.web];
    throw Object.assign(new Error(name), { code: 'ENOTFOUND' });
  };
  await bench.run(`ping -c 1 -W 1 ${ADDRESSES.web}`);
  return bench;
}

const SLOW: DefaultNetOptions = {
  fates: { 'laptop-router': () => [1], uplink: () => [1], 'isp-web': () => [1] },
};

const HEADER = 'traceroute to www.example.com (93.184.216.34), 30 hops max, 60 byte packets\n';

test('NAT-4: UDP probes through the NAT name every hop', async () => {
  const bench = await laptop(SLOW);
  expect(await bench.run('traceroute www.example.com')).toEqual({
    code: 0,
    stderr: '',
    stdout:
      HEADER +
      ' 1  192.168.0.1 (192.168.0.1)  2.000 ms  2.000 ms  2.000 ms\n' +
      ' 2  51.0.0.1 (51.0.0.1)  4.000 ms  4.000 ms  4.000 ms\n' +
      ' 3  93.184.216.34 (93.184.216.34)  6.000 ms  6.000 ms  6.000 ms\n',
  });
  expect(bench.net.faults).toEqual([]);
});

test('-I -n -q 1, and -f', async () => {
  const bench = await laptop(SLOW);
  expect((await bench.run('traceroute -In -q1 www.example.com')).stdout).toBe(
    `${HEADER} 1  192.168.0.1  2.000 ms\n 2  51.0.0.1  4.000 ms\n 3  93.184.216.34  6.000 ms\n`,
  );
  expect((await bench.run('traceroute -n -f 3 --queries=2 www.example.com 100')).stdout).toBe(
    'traceroute to www.example.com (93.184.216.34), 30 hops max, 100 byte packets\n' +
      ' 3  93.184.216.34  6.000 ms  6.000 ms\n',
  );
});

test('hops that keep silent are stars', async () => {
  const bench = await laptop();
  bench.net.cables['isp-web'].setCarrier(false);
  const { stdout } = await bench.run('traceroute -n -q 2 -w 0.5 -m 4 www.example.com');
  expect(stdout).toBe(
    'traceroute to www.example.com (93.184.216.34), 4 hops max, 60 byte packets\n' +
      ' 1  192.168.0.1  0.000 ms  0.000 ms\n' +
      ' 2  51.0.0.1  0.000 ms  0.000 ms\n' +
      ' 3  * *\n' +
      ' 4  * *\n',
  );
});

test('!N where there is no route on the way', async () => {
  const bench = await laptop();
  const { stdout } = await bench.run('traceroute -n -q 1 9.9.9.9');
  expect(stdout).toMatch(/^ 2 {2}51\.0\.0\.1 {2}0\.000 ms !N$/m);
});

test('-F where the way is narrower', async () => {
  const bench = await laptop({ mtus: { 'isp-web': 1200 } });
  const { stdout } = await bench.run('traceroute -F -n -q 1 www.example.com 1400');
  expect(stdout).toMatch(/^ 3 {2}51\.0\.0\.1 {2}0\.000 ms !F-1200$/m);
  // What was learned of the path does not count, as with Linux's IP_PMTUDISC_PROBE.
  expect(await bench.run('ip route get 93.184.216.34')).toMatchObject({
    stdout: expect.stringContaining(' mtu 1200 ') as string,
  });
  expect(await bench.run('traceroute -F -n -q 1 www.example.com 1400')).toEqual({
    code: 0,
    stdout,
    stderr: '',
  });
});

test.each(['', '-I '])(
  '-F %swith more than the own link takes: nothing leaves, and it says why',
  async (method) => {
    const bench = await laptop();
    expect(await bench.run(`traceroute -F ${method}www.example.com 1501`)).toEqual({
      code: 0,
      stdout:
        'traceroute to www.example.com (93.184.216.34), 30 hops max, 1501 byte packets\n' +
        ' 1  *  0.000 ms !F-1500 *  0.000 ms !F-1500 *  0.000 ms !F-1500\n',
      stderr: '',
    });
  },
);

test.each([
  [
    'traceroute nope',
    'nope: Name or service not known\nCannot handle "host" cmdline arg `nope\' on position 1\n',
  ],
  ['traceroute -m x host', "Cannot handle `-m' option with arg `x'\n"],
  ['traceroute -m 0 host', 'first hop out of range\n'],
  ['traceroute -q 11 host', 'no more than 10 probes per hop\n'],
  ['traceroute -Z host', "Bad option `-Z'\n"],
  ['traceroute -q', "Option `-q' requires an argument\n"],
  ['traceroute host 60 more', "Extra arg `more'\n"],
])('%s', async (line, stderr) => {
  const bench = await laptop();
  expect(await bench.run(line)).toEqual({ code: 2, stdout: '', stderr });
});

test('no route of its own', async () => {
  const net = new DefaultNet();
  const { code, stderr } = await new CommandBench(net, net.isp).run('traceroute 9.9.9.9');
  expect({ code, stderr }).toEqual({ code: 1, stderr: 'connect: Network is unreachable\n' });
});
