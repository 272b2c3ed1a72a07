// Commands that show the tables of a device, compared with what the real tools print.

import { describe, expect, test } from 'vitest';
import type { DeviceTables, SocketRow } from '../../../shared/device/command.ts';
import { runOnTables } from '../../support/command-bench.ts';

const HOST: Partial<DeviceTables> = {
  arp: () => [
    { address: '192.168.0.1', interface: 'eth0', mac: '02:00:00:00:00:bb', state: 'reachable', age: 1200 },
    { address: '192.168.0.9', interface: 'eth0', state: 'failed', age: 5000 },
  ],
  links: () => [
    {
      name: 'lo',
      mac: '00:00:00:00:00:00',
      mtu: 65536,
      carrier: true,
      loopback: true,
      ipv4: [{ address: '127.0.0.1', prefixLength: 8 }],
    },
    {
      name: 'eth0',
      mac: 'aa:aa:aa:aa:aa:aa',
      mtu: 1500,
      carrier: true,
      loopback: false,
      ipv4: [{ address: '192.168.0.24', prefixLength: 24, validFor: 3599_400 }],
    },
    {
      name: 'lan1',
      mac: 'bb:00:00:00:00:01',
      mtu: 1500,
      carrier: false,
      master: 'lan',
      loopback: false,
      ipv4: [],
    },
  ],
  routes: () => [
    {
      destination: '192.168.0.0/24',
      interface: 'eth0',
      source: '192.168.0.24',
      protocol: 'kernel',
    },
    { destination: 'default', via: '192.168.0.1', interface: 'eth0', protocol: 'dhcp' },
    { destination: '10.0.0.0/8', via: '192.168.0.9', interface: 'eth0', protocol: 'static' },
  ],
};

async function stdout(line: string, tables: Partial<DeviceTables> = HOST): Promise<string> {
  const outcome = await runOnTables(line, tables);
  expect(outcome).toMatchObject({ code: 0, stderr: '' });
  return outcome.stdout;
}

describe('arp', () => {
  test('-n, in the layout of net-tools', async () => {
    expect(await stdout('arp -n')).toBe(
      'Address                  HWtype  HWaddress           Flags Mask            Iface\n' +
        '192.168.0.1              ether   02:00:00:00:00:bb   C                     eth0\n' +
        '192.168.0.9                      (incomplete)                              eth0\n',
    );
  });

  test('-a', async () => {
    expect(await stdout('arp -a')).toBe(
      '? (192.168.0.1) at 02:00:00:00:00:bb [ether] on eth0\n? (192.168.0.9) at <incomplete> on eth0\n',
    );
  });

  test('one address, there and not there', async () => {
    expect(await stdout('arp -an 192.168.0.1')).toBe(
      '? (192.168.0.1) at 02:00:00:00:00:bb [ether] on eth0\n',
    );
    expect(await stdout('arp 192.168.0.77')).toBe('192.168.0.77 (192.168.0.77) -- no entry\n');
    expect(await stdout('arp -a 192.168.0.77')).toBe('arp: in 2 entries no match found.\n');
  });

  test('-j prints the rows', async () => {
    expect(JSON.parse(await stdout('arp -j'))).toEqual(JSON.parse(JSON.stringify(HOST.arp?.())));
  });

  test('a wrong option', async () => {
    const { code, stderr } = await runOnTables('arp -z', HOST);
    expect(code).toBe(3);
    expect(stderr).toMatch(/^arp: invalid option -- 'z'\nUsage:\n/);
  });
});

describe('ip', () => {
  test('addr', async () => {
    expect(await stdout('ip addr')).toBe(
      '1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000\n' +
        '    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n' +
        '    inet 127.0.0.1/8 scope host lo\n' +
        '       valid_lft forever preferred_lft forever\n' +
        '2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default qlen 1000\n' +
        '    link/ether aa:aa:aa:aa:aa:aa brd ff:ff:ff:ff:ff:ff\n' +
        '    inet 192.168.0.24/24 brd 192.168.0.255 scope global dynamic eth0\n' +
        '       valid_lft 3599sec preferred_lft 3599sec\n' +
        '3: lan1: <NO-CARRIER,BROADCAST,MULTICAST,UP> mtu 1500 qdisc noqueue master lan state DOWN group default qlen 1000\n' +
        '    link/ether bb:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff\n',
    );
  });

  test('a, address show, addr show dev eth0, -o and -br', async () => {
    expect(await stdout('ip a')).toBe(await stdout('ip address show'));
    expect(await stdout('ip a s eth0')).toBe(await stdout('ip addr show dev eth0'));
    expect(await stdout('ip -o addr show eth0')).toBe(
      '2: eth0    inet 192.168.0.24/24 brd 192.168.0.255 scope global dynamic eth0\\       valid_lft 3599sec preferred_lft 3599sec\n',
    );
    expect(await stdout('ip -br addr')).toBe(
      'lo               UNKNOWN        127.0.0.1/8 \n' +
        'eth0             UP             192.168.0.24/24 \n' +
        'lan1             DOWN           \n',
    );
  });

  test('-j addr has the field names of iproute2', async () => {
    expect(JSON.parse(await stdout('ip -j addr show eth0'))).toEqual([
      {
        ifindex: 2,
        ifname: 'eth0',
        flags: ['BROADCAST', 'MULTICAST', 'UP', 'LOWER_UP'],
        mtu: 1500,
        qdisc: 'noqueue',
        operstate: 'UP',
        group: 'default',
        txqlen: 1000,
        link_type: 'ether',
        address: 'aa:aa:aa:aa:aa:aa',
        broadcast: 'ff:ff:ff:ff:ff:ff',
        addr_info: [
          {
            family: 'inet',
            local: '192.168.0.24',
            prefixlen: 24,
            broadcast: '192.168.0.255',
            scope: 'global',
            dynamic: true,
            label: 'eth0',
            valid_life_time: 3599,
            preferred_life_time: 3599,
          },
        ],
      },
    ]);
  });

  test('link', async () => {
    expect(await stdout('ip link show eth0')).toBe(
      '2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP mode DEFAULT group default qlen 1000\n' +
        '    link/ether aa:aa:aa:aa:aa:aa brd ff:ff:ff:ff:ff:ff\n',
    );
    expect(await stdout('ip -br link show eth0')).toBe(
      'eth0             UP             aa:aa:aa:aa:aa:aa <BROADCAST,MULTICAST,UP,LOWER_UP> \n',
    );
  });

  test('route, in the order of the kernel', async () => {
    expect(await stdout('ip route')).toBe(
      'default via 192.168.0.1 dev eth0 proto dhcp \n' +
        '10.0.0.0/8 via 192.168.0.9 dev eth0 proto static \n' +
        '192.168.0.0/24 dev eth0 proto kernel scope link src 192.168.0.24 \n',
    );
    expect(await stdout('ip r show default')).toBe('default via 192.168.0.1 dev eth0 proto dhcp \n');
    expect(JSON.parse(await stdout('ip -j route list 192.168.0.0/24'))).toEqual([
      {
        dst: '192.168.0.0/24',
        dev: 'eth0',
        protocol: 'kernel',
        scope: 'link',
        prefsrc: '192.168.0.24',
        flags: [],
      },
    ]);
  });

  test('route get: the longest prefix wins', async () => {
    expect(await stdout('ip route get 8.8.8.8')).toBe(
      '8.8.8.8 via 192.168.0.1 dev eth0 src 192.168.0.24 uid 0 \n    cache \n',
    );
    expect(await stdout('ip route get 10.1.2.3')).toMatch(/^10\.1\.2\.3 via 192\.168\.0\.9 /);
    expect(await stdout('ip route get 192.168.0.7')).toBe(
      '192.168.0.7 dev eth0 src 192.168.0.24 uid 0 \n    cache \n',
    );
    expect(await stdout('ip r g 192.168.0.24')).toBe(
      'local 192.168.0.24 dev lo src 192.168.0.24 uid 0 \n    cache <local> \n',
    );
  });

  test('route get: a path that carries less than its link', async () => {
    const learned: Partial<DeviceTables> = { ...HOST, pathMtu: () => ({ mtu: 1400, expiresIn: 595_900 }) };
    expect(await stdout('ip route get 8.8.8.8', learned)).toBe(
      '8.8.8.8 via 192.168.0.1 dev eth0 src 192.168.0.24 uid 0 \n    cache expires 595sec mtu 1400 \n',
    );
    expect(JSON.parse(await stdout('ip -j route get 8.8.8.8', learned))).toEqual([
      {
        dst: '8.8.8.8',
        gateway: '192.168.0.1',
        dev: 'eth0',
        prefsrc: '192.168.0.24',
        flags: [],
        uid: 0,
        cache: [],
        expires: 595,
        metrics: [{ mtu: 1400 }],
      },
    ]);
  });

  test('neigh', async () => {
    expect(await stdout('ip neigh')).toBe(
      '192.168.0.1 dev eth0 lladdr 02:00:00:00:00:bb REACHABLE \n192.168.0.9 dev eth0 FAILED \n',
    );
    expect(await stdout('ip n show dev eth0')).toBe(
      '192.168.0.1 lladdr 02:00:00:00:00:bb REACHABLE \n192.168.0.9 FAILED \n',
    );
    expect(JSON.parse(await stdout('ip -json neigh'))).toEqual([
      { dst: '192.168.0.1', dev: 'eth0', lladdr: '02:00:00:00:00:bb', state: ['REACHABLE'] },
      { dst: '192.168.0.9', dev: 'eth0', state: ['FAILED'] },
    ]);
  });

  test.each([
    ['ip foo', 1, 'Object "foo" is unknown, try "ip help".\n'],
    ['ip addr foo', 255, 'Command "foo" is unknown, try "ip address help".\n'],
    ['ip -Z addr', 255, 'Option "-Z" is unknown, try "ip -help".\n'],
    ['ip addr show nope', 1, 'Device "nope" does not exist.\n'],
    ['ip route get nope', 1, 'Error: any valid prefix is expected rather than "nope".\n'],
  ])('%s', async (line, code, stderr) => {
    expect(await runOnTables(line, HOST)).toEqual({ code, stdout: '', stderr });
  });

  test('-help is the usage, as of no object at all', async () => {
    const help = await runOnTables('ip -help', HOST);
    expect(help).toEqual(await runOnTables('ip', HOST));
    expect(help).toMatchObject({ code: 255, stderr: expect.stringMatching(/^Usage: ip /) as string });
  });

  test('-c takes nothing from what is shown', async () => {
    expect(await stdout('ip -c addr')).toBe(await stdout('ip addr'));
  });

  test('route get without a route', async () => {
    const outcome = await runOnTables('ip route get 8.8.8.8', { ...HOST, routes: () => [] });
    expect(outcome).toEqual({ code: 2, stdout: '', stderr: 'RTNETLINK answers: Network is unreachable\n' });
  });
});

describe('ss', () => {
  const SOCKETS: Partial<DeviceTables> = {
    tcp: (): SocketRow[] => [
      {
        state: 'LISTEN',
        local: '0.0.0.0:80',
        remote: '0.0.0.0:*',
        receiveQueue: 0,
        sendQueue: 511,
        details: {},
      },
      {
        state: 'ESTABLISHED',
        local: '192.168.0.24:50000',
        remote: '93.184.216.34:80',
        receiveQueue: 3,
        sendQueue: 1448,
        details: { cwnd: 10, rto: 204 },
        timer: { name: 'on', expiresIn: 2420.3, tries: 3 },
      },
      {
        state: 'TIME-WAIT',
        local: '192.168.0.24:50001',
        remote: '93.184.216.34:80',
        receiveQueue: 0,
        sendQueue: 0,
        details: {},
        timer: { name: 'timewait', expiresIn: 59_311, tries: 0 },
      },
    ],
    udp: () => [
      {
        state: 'UNCONN',
        local: '0.0.0.0:68',
        remote: '0.0.0.0:*',
        receiveQueue: 0,
        sendQueue: 0,
        details: {},
      },
    ],
  };

  test('-an shows all, UDP first', async () => {
    expect(await stdout('ss -an', SOCKETS)).toBe(
      'Netid State     Recv-Q Send-Q Local Address:Port   Peer Address:Port\n' +
        'udp   UNCONN    0      0            0.0.0.0:68          0.0.0.0:*\n' +
        'tcp   LISTEN    0      511          0.0.0.0:80          0.0.0.0:*\n' +
        'tcp   ESTAB     3      1448    192.168.0.24:50000 93.184.216.34:80\n' +
        'tcp   TIME-WAIT 0      0       192.168.0.24:50001 93.184.216.34:80\n',
    );
  });

  test('alone, what is connected; -l, what listens; -i, TCP figures', async () => {
    expect(await stdout('ss -ti', SOCKETS)).toBe(
      'State Recv-Q Send-Q Local Address:Port   Peer Address:Port\n' +
        'ESTAB 3      1448    192.168.0.24:50000 93.184.216.34:80\n' +
        '\t cwnd:10 rto:204\n',
    );
    expect(await stdout('ss -lntH', SOCKETS)).toBe('LISTEN 0 511 0.0.0.0:80 0.0.0.0:*\n');
    expect(await stdout('ss -u', SOCKETS)).toBe('State Recv-Q Send-Q Local Address:Port Peer Address:Port\n');
  });

  test('-o, what each waits for, in the times of iproute2', async () => {
    expect(await stdout('ss -Htano', SOCKETS)).toBe(
      'LISTEN    0 511       0.0.0.0:80          0.0.0.0:*\n' +
        'ESTAB     3 1448 192.168.0.24:50000 93.184.216.34:80 timer:(on,2.420ms,3)\n' +
        'TIME-WAIT 0 0    192.168.0.24:50001 93.184.216.34:80 timer:(timewait,59sec,0)\n',
    );
    const times = [7_199_500, 63_700, 12_345, 200, 1000];
    const rows = times.map(
      (expiresIn): SocketRow => ({
        state: 'ESTABLISHED',
        local: '10.0.0.1:1',
        remote: '10.0.0.2:2',
        receiveQueue: 0,
        sendQueue: 0,
        details: {},
        timer: { name: 'keepalive', expiresIn, tries: 0 },
      }),
    );
    const shown = await stdout('ss -Hto', { tcp: () => rows });
    expect([...shown.matchAll(/keepalive,(.*?),0/g)].map(([, time]) => time)).toEqual([
      '119min',
      '1min3sec',
      '12sec',
      '200ms',
      '1sec',
    ]);
  });

  test('a wrong option', async () => {
    const { code, stderr } = await runOnTables('ss -?', SOCKETS);
    expect(code).toBe(255);
    expect(stderr).toMatch(/^ss: invalid option -- '\?'\nUsage: ss /);
  });
});

describe('nat', () => {
  const ROWS = [
    {
      protocol: 'tcp',
      inside: '192.168.0.24:50000',
      outside: '51.0.0.20:60123',
      destination: '93.184.216.34:80',
      state: 'established',
      age: 12_345,
      expiresIn: 7_439_000,
    },
  ] as const;

  test('the table', async () => {
    expect(await stdout('nat', { nat: () => ROWS })).toBe(
      'PROTO  INSIDE              OUTSIDE          DESTINATION       STATE        AGE  EXPIRES\n' +
        'tcp    192.168.0.24:50000  51.0.0.20:60123  93.184.216.34:80  established  12s  2h03m\n',
    );
    expect(JSON.parse(await stdout('nat --json', { nat: () => ROWS }))).toEqual(ROWS);
  });

  test('a device without one', async () => {
    expect(await runOnTables('nat')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'nat: laptop has no NAT table: it does not translate addresses\n',
    });
  });

  test('wrong usage', async () => {
    expect(await runOnTables('nat -x')).toMatchObject({ code: 2 });
    expect(await runOnTables('nat more')).toMatchObject({ code: 2 });
  });
});

test('leases', async () => {
  const leases: DeviceTables['leases'] = () => [
    {
      address: '192.168.0.24',
      mac: 'aa:aa:aa:aa:aa:aa',
      hostname: 'laptop',
      state: 'bound',
      expiresIn: 3_599_000,
    },
    { address: '192.168.0.59', mac: '02:00:00:00:00:01', state: 'offered', expiresIn: 9_000 },
  ];
  expect(await stdout('leases', { leases })).toBe(
    'MAC                ADDRESS       HOSTNAME  STATE    EXPIRES\n' +
      'aa:aa:aa:aa:aa:aa  192.168.0.24  laptop    bound    59m59s\n' +
      '02:00:00:00:00:01  192.168.0.59  -         offered  9s\n',
  );
});

test('help lists every command', async () => {
  const names = (await stdout('help')).split('\n').flatMap((line) => line.split(' ')[0] || []);
  expect(names).toEqual([
    'arp',
    'curl',
    'dig',
    'ip',
    'leases',
    'nat',
    'nstat',
    'ping',
    'ss',
    'traceroute',
    'visit',
    'help',
  ]);
});
