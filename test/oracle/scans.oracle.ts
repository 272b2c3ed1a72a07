// nmap, hping3 and scapy's fuzz() against every device: open is open, closed is closed, nothing breaks.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NetStatus } from '../../orchestrator/api.ts';
import { DNS, Home, ROUTER, TAP, WEB } from './home.ts';

let home: Home;
let before: NetStatus;
beforeAll(async () => {
  home = await Home.start({ unjudged: 'scanners send what is wrong on purpose' });
  before = await home.net.status();
});
afterAll(() => home?.close());

/** The same processes as at the start, and none in trouble. */
async function expectWhole(): Promise<void> {
  const shown = ({ devices }: NetStatus) => devices.map(({ device, state, pid }) => ({ device, state, pid }));
  expect(shown(await home.net.status())).toEqual(shown(before));
  expect(await home.inside.ok('curl', '-sS', '--fail', '-m', '20', 'http://www.example.com/')).toContain(
    '</html>',
  );
}

describe('nmap', () => {
  /** What it says of ports, by `PORT/PROTOCOL`. */
  async function nmap(...args: string[]): Promise<Record<string, string>> {
    const text = await home.inside.ok(
      'nmap',
      '-n',
      '-Pn',
      '--disable-arp-ping',
      '--max-retries',
      '5',
      ...args,
    );
    return Object.fromEntries(
      [...text.matchAll(/^(\d+\S*) +(\S+) /gm)].map(([, port, state]) => [port, state]),
    );
  }

  test.each(['-sS', '-sT'])('%s of a web server', async (type) => {
    expect(await nmap(type, '-p', '22,53,80,443', WEB)).toEqual({
      '22/tcp': 'closed',
      '53/tcp': 'closed',
      '80/tcp': 'open',
      '443/tcp': 'closed',
    });
  });

  test('-sS of many ports: only one is open', async () => {
    const text = await home.inside.ok(
      'nmap',
      '-n',
      '-Pn',
      '-sS',
      '-p',
      '1-2000',
      '--min-rate',
      '1000',
      '--max-retries',
      '5',
      WEB,
    );
    expect(text).toMatch(/Not shown: 1999 closed tcp ports \(reset\)/);
    expect(text).toMatch(/^80\/tcp open /m);
  });

  test('-sU of a name server', async () => {
    expect(await nmap('-sU', '-p', '53,54', DNS)).toEqual({ '53/udp': 'open', '54/udp': 'closed' });
  });

  test('TCP-1 TCP-2 the scans of RFC 793: FIN, none and all flags, ACK', async () => {
    for (const type of ['-sF', '-sN', '-sX'])
      expect([type, await nmap(type, '-p', '80,81', WEB)]).toEqual([
        type,
        { '80/tcp': 'open|filtered', '81/tcp': 'closed' },
      ]);
    expect(await nmap('-sA', '-p', '80,81', WEB)).toEqual({ '80/tcp': 'unfiltered', '81/tcp': 'unfiltered' });
  });

  test('-sO: protocols that nobody has are unreachable', async () => {
    expect(await nmap('-sO', '-p', '1,6,17,99', ROUTER.inside)).toMatchObject({
      '1': 'open',
      '6': 'open',
      '99': 'closed',
    });
  });

  test('NAT-6 from outside all is filtered but what is forwarded', async () => {
    const text = await home.outside.ok(
      'nmap',
      '-n',
      '-Pn',
      '-sS',
      '-p',
      '22,80',
      '--max-retries',
      '1',
      ROUTER.outside,
    );
    expect(text).toMatch(/^22\/tcp filtered /m);
    expect(text).toMatch(/^80\/tcp filtered /m);
  });
});

describe('hping3', () => {
  const hping = async (...args: string[]) => {
    const { stdout, stderr } = await home.inside.run('hping3', '-n', '-i', 'u100000', ...args);
    return stdout + stderr;
  };

  test('a SYN gets SYN,ACK from an open port and RST,ACK from a closed one', async () => {
    expect((await hping('-S', '-p', '80', '-c', '3', WEB)).match(/flags=SA /g)).toHaveLength(3);
    expect((await hping('-S', '-p', '81', '-c', '3', WEB)).match(/flags=RA /g)).toHaveLength(3);
  });

  test('UDP-3 a closed port is unreachable', async () => {
    expect(await hping('-2', '-p', '33', '-c', '1', WEB)).toMatch(
      /ICMP Port Unreachable from ip=93\.184\.216\.34/,
    );
  });

  test('IP-5 NAT-7 tiny fragments are put together', async () => {
    expect(
      (await hping('-1', '-d', '400', '-f', '-c', '3', WEB)).match(/len=428 ip=93\.184\.216\.34/g),
    ).toHaveLength(3);
  });

  test('TCP-17 a flood of SYNs does not stop a client', async () => {
    // hping3 --flood would never end: so many, and as fast as it goes.
    const flood = home.inside.start('hping3', [
      '-n',
      '-q',
      '-i',
      'u300',
      '-c',
      '5000',
      '-S',
      '-p',
      '80',
      WEB,
    ]);
    await expectWhole();
    await flood;
    await expectWhole();
  });
});

/** Mutated packets of each protocol to each device, from a seed; they end at nothing that the kernel minds. */
const FUZZ = `
import random, sys
from scapy.all import *
random.seed(int(sys.argv[1]))
count = int(sys.argv[2])
conf.verb = 0
socket = conf.L2socket(iface='${TAP}')
own = get_if_hwaddr('${TAP}')
router = getmacbyip('${ROUTER.inside}')
assert router, 'no MAC address of the router'
ether = Ether(src=own, dst=router)
def upper():
    return random.choice([
        lambda: fuzz(TCP(dport=random.choice([80, 53, 7000]))),
        lambda: fuzz(TCP(dport=80, flags='S')),
        lambda: TCP(dport=80, flags='S', options=[(random.randrange(256), bytes(random.randrange(8)))]),
        lambda: fuzz(UDP()),
        lambda: fuzz(UDP(dport=53)) / Raw(bytes(random.randrange(256) for _ in range(random.randrange(60)))),
        lambda: UDP(dport=53) / fuzz(DNS(qd=DNSQR(qname='www.example.com'))),
        lambda: UDP(sport=68, dport=67) / fuzz(BOOTP()) / DHCP(options=[('message-type', random.randrange(256)), 'end']),
        lambda: fuzz(ICMP()),
        lambda: fuzz(ICMP(type=random.choice([3, 11, 12]))) / fuzz(IP(dst='192.168.0.200')) / fuzz(TCP()),
        lambda: Raw(bytes(random.randrange(256) for _ in range(random.randrange(200)))),
    ])()
def packet():
    to = random.choice(['${WEB}', '${DNS}', '${ROUTER.inside}', '${ROUTER.outside}', '51.0.0.1', '192.168.0.255', '255.255.255.255'])
    lower = random.random()
    if lower < 0.08: return fuzz(ARP())
    if lower < 0.3: return fuzz(IP(dst=to)) / upper()
    if lower < 0.4: return IP(dst=to, flags=random.choice([0, 1, 2]), frag=random.randrange(8192), id=random.randrange(5)) / upper()
    return IP(dst=to) / upper()
sent = 0
while sent < count:
    frame = ether.copy()
    if random.random() < 0.1: frame.dst = random.choice(['ff:ff:ff:ff:ff:ff', '01:00:5e:00:00:01'])
    try: data = bytes(frame / packet())
    # What can't be put into bytes is scapy's own.
    except Exception: continue
    socket.send(data[:1514])
    sent += 1
print('sent', sent)
`;

test("scapy's fuzz(): whatever comes, devices live and the page is served", async () => {
  const said = await home.inside.ok('/usr/bin/python3', '-c', FUZZ, '1', '3000');
  expect(said).toContain('sent 3000');
  await expectWhole();
  // They came: devices tell what they dropped.
  for (const device of ['router', 'web', 'dns']) {
    const { stdout } = await home.net.device(device).exec(['nstat', '-j']);
    const counts = JSON.parse(stdout) as { counter: string; count: number }[];
    expect(
      counts.filter(({ counter }) => /^(ipv4|icmp|udp|tcp|dns|arp)\./.test(counter)).length,
    ).toBeGreaterThan(0);
  }
});
