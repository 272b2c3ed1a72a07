import { describe, expect, test } from 'vitest';
import { formatRoundTrip } from '../../../shared/device/commands/ping.ts';
import { CommandBench, stuckStream } from '../../support/command-bench.ts';
import { ADDRESSES, DefaultNet, type DefaultNetOptions } from '../../support/default-net.ts';

/** Every cable takes 1 ms each way: what crosses three takes 6 ms there and back. */
const SLOW: DefaultNetOptions = {
  fates: {
    'laptop-router': () => [1],
    uplink: () => [1],
    'isp-dns': () => [1],
    'isp-web': () => [1],
  },
};

function laptop(options: DefaultNetOptions = {}): CommandBench {
  const net = new DefaultNet(options);
  const bench = new CommandBench(net, net.laptop);
  bench.sockets.lookup = async (name) => {
    if (name === 'www.example.com') return [ADDRESSES.web];
    throw Object.assign(new Error(name), { code: name === 'again' ? 'EAI_AGAIN' : 'ENOTFOUND' });
  };
  return bench;
}

/** Settles ARP on the way, so that the first round trip is as the others. */
async function warm(bench: CommandBench): Promise<CommandBench> {
  await bench.run(`ping -c 1 ${ADDRESSES.web}`);
  await bench.run(`ping -c 1 ${ADDRESSES.dns}`);
  return bench;
}

test('replies and statistics read as those of iputils', async () => {
  const bench = await warm(laptop(SLOW));
  expect(await bench.run('ping -c 3 www.example.com')).toEqual({
    code: 0,
    stderr: '',
    stdout:
      'PING www.example.com (93.184.216.34) 56(84) bytes of data.\n' +
      '64 bytes from 93.184.216.34: icmp_seq=1 ttl=62 time=6.00 ms\n' +
      '64 bytes from 93.184.216.34: icmp_seq=2 ttl=62 time=6.00 ms\n' +
      '64 bytes from 93.184.216.34: icmp_seq=3 ttl=62 time=6.00 ms\n' +
      '\n--- www.example.com ping statistics ---\n' +
      '3 packets transmitted, 3 received, 0% packet loss, time 2006ms\n' +
      'rtt min/avg/max/mdev = 6.000/6.000/6.000/0.000 ms\n',
  });
});

test('-q prints the frame alone, -s below 16 has no times', async () => {
  const bench = await warm(laptop(SLOW));
  expect((await bench.run('ping -q -c1 8.8.8.8')).stdout).toBe(
    'PING 8.8.8.8 (8.8.8.8) 56(84) bytes of data.\n' +
      '\n--- 8.8.8.8 ping statistics ---\n' +
      '1 packets transmitted, 1 received, 0% packet loss, time 6ms\n' +
      'rtt min/avg/max/mdev = 6.000/6.000/6.000/0.000 ms\n',
  );
  expect((await bench.run('ping -c 1 -s 10 8.8.8.8')).stdout).toBe(
    'PING 8.8.8.8 (8.8.8.8) 10(38) bytes of data.\n' +
      '18 bytes from 8.8.8.8: icmp_seq=1 ttl=62\n' +
      '\n--- 8.8.8.8 ping statistics ---\n' +
      '1 packets transmitted, 1 received, 0% packet loss, time 6ms\n\n',
  );
});

describe('-f', () => {
  test('shows a dot for each that is under way, and how far apart they went', async () => {
    const bench = await warm(laptop(SLOW));
    expect(await bench.run('ping -f -c 3 8.8.8.8')).toEqual({
      code: 0,
      stderr: '',
      stdout:
        'PING 8.8.8.8 (8.8.8.8) 56(84) bytes of data.\n' +
        '.\b \b.\b \b.\b \b\n--- 8.8.8.8 ping statistics ---\n' +
        '3 packets transmitted, 3 received, 0% packet loss, time 18ms\n' +
        'rtt min/avg/max/mdev = 6.000/6.000/6.000/0.000 ms, ipg/ewma 9.000/6.000 ms\n',
    });
  });

  test('-q shows nothing of that, -i sets the gap, and an interval of 0 is a flood with lines', async () => {
    const bench = await warm(laptop(SLOW));
    const quiet = await bench.run('ping -fq -i 0.1 -c 3 8.8.8.8');
    expect(quiet.stdout).toMatch(/of data\.\n\n---.*time 206ms\n.* ms, ipg\/ewma 103\.000\/6\.000 ms\n$/s);
    const fast = await bench.run('ping -i 0 -c 3 8.8.8.8');
    expect(fast.stdout).toMatch(
      /icmp_seq=3 ttl=62 time=6\.00 ms\n.*time 18ms\n.*, ipg\/ewma 9\.000\/6\.000 ms\n$/s,
    );
  });

  test('-f of what does not answer shows what is missing, and errors', async () => {
    const silent = await laptop({ fates: { 'isp-dns': () => [] } }).run('ping -f -c 3 -W 0.2 8.8.8.8');
    expect(silent.stdout).toContain('of data.\n...\n--- 8.8.8.8');
    const refused = await laptop().run('ping -f -c 2 9.9.9.9');
    expect(refused.stdout).toContain('of data.\n.\bE.\bE\n---');
    expect(refused.stdout).toContain('2 packets transmitted, 0 received, +2 errors, 100% packet loss, time');
  });
});

test('several that are under way at a time are told as pipe', async () => {
  const bench = await warm(laptop(SLOW));
  expect((await bench.run('ping -q -i 0.004 -c 5 8.8.8.8')).stdout).toMatch(/0\.000 ms, pipe 2\n$/);
});

describe('errors on the way', () => {
  test('a host that is not there', async () => {
    const { code, stdout } = await laptop().run('ping -c 2 192.168.0.99');
    expect(stdout).toMatch(/^From 192\.168\.0\.10 icmp_seq=1 Destination Host Unreachable$/m);
    expect(stdout).toMatch(/^2 packets transmitted, 0 received, \+2 errors, 100% packet loss, time \d+ms$/m);
    expect(code).toBe(1);
  });

  test('a TTL that runs out', async () => {
    const { code, stdout } = await laptop().run('ping -c 1 -t 2 8.8.8.8');
    expect(stdout).toContain('From 51.0.0.1 icmp_seq=1 Time to live exceeded\n');
    expect(stdout).toContain('1 packets transmitted, 0 received, +1 errors, 100% packet loss, time 0ms\n\n');
    expect(code).toBe(1);
  });

  test('a net that is not there', async () => {
    const { stdout } = await laptop().run('ping -c 1 9.9.9.9');
    expect(stdout).toContain('From 51.0.0.1 icmp_seq=1 Destination Net Unreachable\n');
  });

  test('-M do and a cable with a smaller MTU', async () => {
    const bench = laptop({ mtus: { 'isp-web': 1200 } });
    const { stdout, stderr, code } = await bench.run('ping -c 2 -M do -s 1400 www.example.com');
    expect(stdout).toContain('From 51.0.0.1 icmp_seq=1 Frag needed and DF set (mtu = 1200)\n');
    expect(stderr).toBe('ping: local error: message too long, mtu=1200\n');
    expect(stdout).toContain('2 packets transmitted, 0 received, +2 errors, 100% packet loss');
    expect(code).toBe(1);
    const again = await bench.run('ping -c 1 -M do -s 1173 www.example.com');
    expect(again.stderr).toBe('ping: local error: message too long, mtu=1200\n');
  });

  test('-M do beyond the own interface', async () => {
    const { stderr } = await laptop().run('ping -c 1 -M do -s 1473 8.8.8.8');
    expect(stderr).toBe('ping: local error: message too long, mtu=1500\n');
  });

  test('silence', async () => {
    const bench = laptop({ fates: { 'isp-dns': () => [] } });
    bench.net.clock.advance(0);
    const { stdout, code } = await bench.run('ping -c 3 -W 1 8.8.8.8');
    expect(stdout).toMatch(/3 packets transmitted, 0 received, (\+\d errors, )?100% packet loss/);
    expect(code).toBe(1);
  });

  test('duplicates', async () => {
    const bench = laptop({ fates: { 'laptop-router': (_frame, from) => (from === 'b' ? [0, 1] : [0]) } });
    await warm(bench);
    const { stdout } = await bench.run('ping -c 2 8.8.8.8');
    expect(stdout).toContain('(DUP!)\n');
    expect(stdout).toMatch(/2 packets transmitted, 2 received, \+\d duplicates, 0% packet loss/);
  });
});

test('without -c it goes on until SIGINT, which prints the statistics', async () => {
  const bench = await warm(laptop(SLOW));
  const running = bench.start('ping -i 0.5 8.8.8.8');
  await bench.net.clock.runUntilAsync(() => running.printed().includes('icmp_seq=4'), 10_000);
  running.signal('SIGINT');
  const { code, stdout } = await bench.finish(running);
  expect(code).toBe(0);
  expect(stdout).toContain('\n4 packets transmitted, 4 received, 0% packet loss, time 1506ms\n');
});

test('SIGTERM ends it without a word', async () => {
  const bench = laptop();
  const running = bench.start('ping 8.8.8.8');
  await bench.net.clock.runUntilAsync(() => running.printed().includes('icmp_seq=2'), 10_000);
  running.signal('SIGTERM');
  const { code, stdout } = await bench.finish(running);
  expect(code).toBe(143);
  expect(stdout).not.toContain('statistics');
});

test('a closed stdout ends it', async () => {
  const { stream } = stuckStream(Number.POSITIVE_INFINITY);
  const bench = laptop();
  const running = bench.start('ping 8.8.8.8', { stdout: stream });
  bench.net.clock.advance(2000);
  stream.destroy();
  expect((await bench.finish(running)).code).toBe(141);
});

test('-w ends it, with 1 if fewer than -c were answered', async () => {
  const bench = laptop({ fates: { 'isp-dns': () => [] } });
  const before = bench.net.clock.now();
  const { code } = await bench.run('ping -w 2 -c 5 192.168.0.1');
  expect(bench.net.clock.now() - before).toBeLessThanOrEqual(2001);
  expect(code).toBe(1);
});

test('-I names an interface or an address', async () => {
  const bench = laptop();
  expect((await bench.run('ping -c 1 -I eth0 8.8.8.8')).stdout).toMatch(
    /^PING 8\.8\.8\.8 \(8\.8\.8\.8\) from 192\.168\.0\.10 eth0: 56\(84\) bytes of data\.\n64 bytes from 8\.8\.8\.8:/,
  );
  expect((await bench.run('ping -c 1 -I 192.168.0.10 8.8.8.8')).stdout).toMatch(/ from 192\.168\.0\.10 : 56/);
  expect(await bench.run('ping -c 1 -I nope 8.8.8.8')).toEqual({
    code: 2,
    stdout: '',
    stderr: 'ping: SO_BINDTODEVICE nope: No such device\n',
  });
  expect((await bench.run('ping -c 1 -I 1.2.3.4 8.8.8.8')).stderr).toBe(
    'ping: bind: Cannot assign requested address\n',
  );
});

describe('wrong command lines', () => {
  test.each([
    ['ping nope', 2, 'ping: nope: Name or service not known\n'],
    ['ping again', 2, 'ping: again: Temporary failure in name resolution\n'],
    ['ping', 1, 'ping: usage error: Destination address required\n'],
    ['ping -c x 8.8.8.8', 1, "ping: invalid argument: 'x'\n"],
    ['ping -c 0 8.8.8.8', 1, "ping: invalid argument: '0': out of range: 1 <= value <= 9007199254740991\n"],
    ['ping -t 256 8.8.8.8', 1, "ping: invalid argument: '256': out of range: 0 <= value <= 255\n"],
    ['ping -t 0 8.8.8.8', 2, 'ping: cannot set unicast time-to-live: Invalid argument\n'],
    ['ping -M foo 8.8.8.8', 1, 'ping: invalid -M argument: foo\n'],
  ])('%s', async (line, code, stderr) => {
    expect(await laptop().run(line)).toEqual({ code, stdout: '', stderr });
  });

  test('an unknown flag', async () => {
    const { code, stderr } = await laptop().run('ping -Z 8.8.8.8');
    expect(code).toBe(2);
    expect(stderr).toMatch(/^ping: invalid option -- 'Z'\n\nUsage\n {2}ping \[options\] <destination>\n/);
  });

  test('no route', async () => {
    const net = new DefaultNet();
    const bench = new CommandBench(net, net.isp);
    expect(await bench.run('ping -c 1 9.9.9.9')).toEqual({
      code: 2,
      stdout: '',
      stderr: 'ping: connect: Network is unreachable\n',
    });
  });
});

test.each([
  [0.0404, '0.040'],
  [0.9999, '0.999'],
  [1.234, '1.23'],
  [9.994, '9.99'],
  [9.996, '10.0'],
  [12.34, '12.3'],
  [99.96, '100'],
  [1234.5, '1235'],
])('a round trip of %d ms', (ms, text) => {
  expect(formatRoundTrip(ms)).toBe(text);
});
