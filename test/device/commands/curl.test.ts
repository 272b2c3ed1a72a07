// curl against a node:http server on the web server's stack, across the whole default net.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { TcpSocket } from '../../../shared/socket/sockets.ts';
import {
  CommandBench,
  type Outcome,
  openStdin,
  socketsOf,
  stuckStream,
} from '../../support/command-bench.ts';
import { ADDRESSES, DefaultNet } from '../../support/default-net.ts';

type Handler = (request: IncomingMessage, response: ServerResponse, socket: TcpSocket) => void;

let bench: CommandBench;
let folder: string;
let server: http.Server;
let pages: Record<string, Handler>;

function text(body: string): Handler {
  return (_request, response) => {
    response.setHeader('Content-Length', Buffer.byteLength(body));
    response.end(body);
  };
}

/** Says what was asked, with the body's length. */
const echo: Handler = (request, response) => {
  let length = 0;
  request.on('data', (chunk: Buffer) => {
    length += chunk.length;
  });
  request.on('end', () => {
    const { rawHeaders } = request;
    const lines = [`${request.method} ${request.url}`];
    for (let index = 0; index < rawHeaders.length; index += 2)
      lines.push(`${rawHeaders[index]}: ${rawHeaders[index + 1]}`);
    response.end(`${[...lines, String(length)].join('\n')}\n`);
  });
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'curl-'));
  const net = new DefaultNet();
  bench = new CommandBench(net, net.laptop);
  bench.sockets.lookup = async (name) => {
    if (name === 'www.example.com') return [ADDRESSES.web];
    throw Object.assign(new Error(name), { code: 'ENOTFOUND' });
  };
  pages = { '/': text('hello\n'), '/echo': echo };
  server = http.createServer((request, response) => {
    response.sendDate = false;
    const page = pages[request.url ?? ''];
    if (page) page(request, response, request.socket as unknown as TcpSocket);
    else {
      response.statusCode = 404;
      response.end('not here\n');
    }
  });
  socketsOf(net, net.web)
    .createServer({ allowHalfOpen: true }, (socket) => server.emit('connection', socket))
    .listen(80);
  await bench.run(`ping -c 1 ${ADDRESSES.web}`);
});

afterEach(async () => {
  server.closeAllConnections();
  await rm(folder, { recursive: true });
});

function curl(line: string, options: Parameters<CommandBench['run']>[1] = {}): Promise<Outcome> {
  return bench.run(`curl ${line}`, { cwd: folder, ...options });
}

async function output(line: string, options: Parameters<CommandBench['run']>[1] = {}): Promise<string> {
  const outcome = await curl(line, options);
  expect(outcome).toMatchObject({ code: 0, stderr: '' });
  return outcome.stdout;
}

describe('requests', () => {
  test('GET, with the header fields of curl in their order', async () => {
    expect(await output('www.example.com')).toBe('hello\n');
    expect(await output('http://www.example.com/echo')).toBe(
      'GET /echo\nHost: www.example.com\nUser-Agent: curl/7.88.1\nAccept: */*\n0\n',
    );
  });

  test('-d is a form, joined by &', async () => {
    expect(await output('-d a=b --data c=d http://www.example.com/echo')).toBe(
      'POST /echo\nHost: www.example.com\nUser-Agent: curl/7.88.1\nAccept: */*\nContent-Length: 7\n' +
        'Content-Type: application/x-www-form-urlencoded\n7\n',
    );
  });

  test('-H adds, replaces and removes; -A -e -u -r -X', async () => {
    const line = ['curl', '-H', 'X: y', '-H', 'Accept:', '-H', 'Z;', '-A', 'ua', '-e', 'ref', '-u', 'a:b'];
    const { stdout } = await bench.run([...line, '-r', '0-3', '-X', 'PUT', 'http://www.example.com/echo']);
    expect(stdout).toBe(
      'PUT /echo\nHost: www.example.com\nAuthorization: Basic YTpi\nRange: bytes=0-3\nUser-Agent: ua\n' +
        'Referer: ref\nContent-Length: 0\nX: y\nZ: \n0\n',
    );
    const host = await bench.run(['curl', '-H', 'Host: other', 'http://www.example.com/echo']);
    expect(host.stdout).toContain('GET /echo\nHost: other\nUser-Agent');
  });

  test('-d @file drops line ends, --data-binary @file keeps them', async () => {
    await writeFile(join(folder, 'data'), 'one\r\ntwo\n');
    expect(await output('-d @data www.example.com/echo')).toMatch(/\n6\n$/);
    expect(await output('--data-binary @data www.example.com/echo')).toMatch(/\n9\n$/);
    expect(await curl('-d @nope www.example.com/echo')).toMatchObject({
      code: 26,
      stderr: "curl: (26) Failed to open/read local data from file/application: can't open 'nope'\n",
    });
  });

  test('-T sends a file, or stdin in chunks', async () => {
    await writeFile(join(folder, 'data'), Buffer.alloc(300_000, 'x'));
    const file = await output('-T data www.example.com/echo');
    expect(file).toContain('PUT /echo\n');
    expect(file).toContain('Content-Length: 300000\n');
    expect(file).toMatch(/\n300000\n$/);
    pages['/up/data'] = echo;
    expect(await output('-T data www.example.com/up/')).toContain('PUT /up/data\n');
    const stdin = Readable.from([Buffer.from('abc'), Buffer.from('defg')]);
    const chunked = await output('-T - www.example.com/echo', { stdin });
    expect(chunked).toContain('Transfer-Encoding: chunked\n');
    expect(chunked).toMatch(/\n7\n$/);
    const data = await output('-d @- www.example.com/echo', { stdin: Readable.from([Buffer.from('abc')]) });
    expect(data).toMatch(/\n3\n$/);
  });

  test('--compressed asks for gzip and undoes it', async () => {
    pages['/zip'] = (request, response) => {
      expect(request.headers['accept-encoding']).toBe('deflate, gzip, br');
      response.setHeader('Content-Encoding', 'gzip');
      response.end(gzipSync('unzipped\n'));
    };
    expect(await output('--compressed www.example.com/zip')).toBe('unzipped\n');
  });

  test('--resolve takes the place of DNS', async () => {
    expect(await output(`--resolve foo.test:80:${ADDRESSES.web} foo.test/echo`)).toContain(
      'Host: foo.test\n',
    );
  });
});

describe('what is shown', () => {
  test('-i and -I', async () => {
    const head =
      'HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\n\r\n';
    expect(await output('-i www.example.com')).toBe(`${head}hello\n`);
    expect(await output('-I www.example.com')).toBe(head);
  });

  test('-v tells each step', async () => {
    const { stdout, stderr } = await curl('-v www.example.com');
    expect(stdout).toBe('hello\n');
    expect(stderr).toBe(
      '*   Trying 93.184.216.34:80...\n' +
        '* Connected to www.example.com (93.184.216.34) port 80 (#0)\n' +
        '> GET / HTTP/1.1\n> Host: www.example.com\n> User-Agent: curl/7.88.1\n> Accept: */*\n> \n' +
        '< HTTP/1.1 200 OK\n< Content-Length: 6\n< Connection: keep-alive\n< Keep-Alive: timeout=5\n< \n' +
        '* Connection #0 to host www.example.com left intact\n',
    );
  });

  test('several URLs go over one connection', async () => {
    const { stdout, stderr } = await curl('-v www.example.com www.example.com/echo');
    expect(stdout).toMatch(/^hello\nGET \/echo\n/);
    expect(stderr.match(/Trying/g)).toHaveLength(1);
    expect(stderr).toContain('* Re-using existing connection #0 with host www.example.com\n');
  });

  test('a server that closes gets a new connection', async () => {
    pages['/close'] = (_request, response) => {
      response.setHeader('Connection', 'close');
      response.end('bye\n');
    };
    const { stderr, code } = await curl('-v www.example.com/close www.example.com');
    expect(code).toBe(0);
    expect(stderr).toContain('* Closing connection 0\n');
    expect(stderr.match(/Trying/g)).toHaveLength(2);
  });

  test('-L follows, and says how often', async () => {
    pages['/old'] = (_request, response) => {
      response.writeHead(302, { location: '/', 'content-length': 4 });
      response.end('gone');
    };
    expect(await output('-w [%{redirect_url}] www.example.com/old')).toBe('gone[http://www.example.com/]');
    expect(await output('-L -w %{num_redirects} www.example.com/old')).toBe('hello\n1');
    pages['/loop'] = (_request, response) => {
      response.writeHead(301, { location: '/loop' });
      response.end();
    };
    expect(await curl('-L --max-redirs 3 www.example.com/loop')).toMatchObject({
      code: 47,
      stderr: 'curl: (47) Maximum (3) redirects followed\n',
    });
    pages['/post'] = (_request, response) => {
      response.writeHead(302, { location: '/echo' });
      response.end();
    };
    expect(await output('-L -d x=1 www.example.com/post')).toMatch(/^GET \/echo\n/);
  });

  test('-w', async () => {
    const format =
      '%{http_code} %{size_download} %{remote_ip}:%{remote_port} %{local_ip} %{num_connects} %{url_effective} %%\\t%{nope}\\n';
    const { stdout, stderr } = await bench.run([
      'curl',
      '-s',
      '-w',
      format,
      'www.example.com',
      'www.example.com/no',
    ]);
    expect(stdout).toBe(
      'hello\n200 6 93.184.216.34:80 192.168.0.10 1 http://www.example.com/ %\t\n' +
        'not here\n404 9 93.184.216.34:80 192.168.0.10 0 http://www.example.com/no %\t\n',
    );
    expect(stderr).toContain("curl: unknown --write-out variable: 'nope'\n");
  });

  test('-w takes only names of its own, and reads a format of any length once', async () => {
    const { code, stdout, stderr } = await curl('-sS -w [%{constructor}%{__proto__}] www.example.com/hello');
    expect([code, stdout.slice(-2)]).toEqual([0, '[]']);
    expect(stderr).toContain("unknown --write-out variable: 'constructor'");
    expect(stderr).toContain("unknown --write-out variable: '__proto__'");
    const format = '%{'.repeat(500_000);
    expect((await curl(`-sS -w ${format} www.example.com/hello`)).stdout.endsWith(format)).toBe(true);
  });

  test('-w times add up', async () => {
    const { stdout } = await bench.run([
      'curl',
      '-so/dev/null',
      '-w',
      '%{time_namelookup} %{time_connect} %{time_starttransfer} %{time_total} %{local_port}',
      'www.example.com',
    ]);
    const [lookup = 0, connect = 0, start = 0, total = 0, port = 0] = stdout.split(' ').map(Number);
    expect(lookup).toBeLessThanOrEqual(connect);
    expect(connect).toBeLessThanOrEqual(start);
    expect(start).toBeLessThanOrEqual(total);
    expect(port).toBeGreaterThanOrEqual(49152);
  });

  test('-o, -O and the progress meter', async () => {
    pages['/page.html'] = text('x'.repeat(74));
    const { stderr } = await curl('-o one www.example.com -O www.example.com/page.html www.example.com');
    expect(await readFile(join(folder, 'one'), 'utf8')).toBe('hello\n');
    expect(await readFile(join(folder, 'page.html'), 'utf8')).toHaveLength(74);
    expect(stderr).toContain(
      '  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current\n' +
        '                                 Dload  Upload   Total   Spent    Left  Speed\n',
    );
    expect(stderr).toMatch(/\r100 {4}74 {2}100 {4}74 {4}0 {5}0 /);
    expect(await output('-s -o two www.example.com')).toBe('');
    expect(await curl('-sS -o none/x www.example.com')).toMatchObject({
      code: 23,
      stderr: 'curl: (23) Failure writing output to destination\n',
    });
  });
});

describe('failures', () => {
  const MB = 1_000_000;

  test.each([
    ['nope.example', 6, 'Could not resolve host: nope.example'],
    ['https://www.example.com', 1, 'Protocol "https" not supported or disabled in libcurl'],
    ['http://www.example.com:99999/', 3, 'URL using bad/illegal format or missing URL'],
    [
      'www.example.com:81',
      7,
      "Failed to connect to www.example.com port 81 after 0 ms: Couldn't connect to server",
    ],
    [
      '9.9.9.9 --connect-timeout 1',
      28,
      'Failed to connect to 9.9.9.9 port 80 after 1000 ms: Timeout was reached',
    ],
    ['9.9.9.9 -m 1.5', 28, 'Connection timed out after 1500 milliseconds'],
    ['-f www.example.com/no', 22, 'The requested URL returned error: 404'],
  ])('%s', async (line, code, message) => {
    expect(await curl(`-sS ${line}`)).toEqual({ code, stdout: '', stderr: `curl: (${code}) ${message}\n` });
    expect(await curl(`-s ${line}`)).toEqual({ code, stdout: '', stderr: '' });
  });

  test('unreachable is told as what the connection said', async () => {
    const { code, stderr } = await curl('-v 192.168.0.99');
    expect(code).toBe(7);
    expect(stderr).toContain('* connect to 192.168.0.99 port 80 failed: No route to host\n');
    expect(stderr).toMatch(
      /curl: \(7\) Failed to connect to 192\.168\.0\.99 port 80 after \d+ ms: Couldn't connect to server\n$/,
    );
  });

  const partial =
    (headers: http.OutgoingHttpHeaders, end: (socket: TcpSocket) => void): Handler =>
    (_request, response, socket) => {
      response.writeHead(200, headers);
      response.write('abc');
      bench.net.clock.after(50, () => end(socket));
    };

  test.each([
    [
      'closed short of its length',
      partial({ 'content-length': 100 }, (socket) => socket.destroy()),
      18,
      'abc',
      'transfer closed with 97 bytes remaining to read',
    ],
    [
      'closed between chunks',
      partial({}, (socket) => socket.destroy()),
      18,
      'abc',
      'transfer closed with outstanding read data remaining',
    ],
    [
      'reset in the body',
      partial({ 'content-length': 100 }, (socket) => socket.resetAndDestroy()),
      56,
      'abc',
      'Recv failure: Connection reset by peer',
    ],
    [
      'closed without an answer',
      ((_request, _response, socket) => socket.destroy()) as Handler,
      52,
      '',
      'Empty reply from server',
    ],
    [
      'reset without an answer',
      ((_request, _response, socket) => socket.resetAndDestroy()) as Handler,
      56,
      '',
      'Recv failure: Connection reset by peer',
    ],
    [
      'no HTTP',
      ((_request, _response, socket) => socket.end('hello, not http\r\n')) as Handler,
      1,
      '',
      'Received HTTP/0.9 when not allowed',
    ],
  ])('%s', async (_what, page, code, stdout, message) => {
    pages['/bad'] = page;
    expect(await curl('-sS www.example.com/bad')).toEqual({
      code,
      stdout,
      stderr: `curl: (${code}) ${message}\n`,
    });
  });

  test('-m ends a body that stalls', async () => {
    pages['/slow'] = (_request, response) => {
      response.writeHead(200, { 'content-length': 456 });
      response.write('x'.repeat(123));
    };
    const begun = bench.net.clock.now();
    const { code, stdout, stderr } = await curl('-sS -m 10 www.example.com/slow');
    expect({ code, length: stdout.length }).toEqual({ code: 28, length: 123 });
    expect(stderr).toBe(
      'curl: (28) Operation timed out after 10000 milliseconds with 123 out of 456 bytes received\n',
    );
    expect(bench.net.clock.now() - begun).toBeLessThan(10_010);
  });

  test('-m ends the wait for an answer', async () => {
    pages['/hang'] = () => {};
    expect(await curl('-sS -m 1 www.example.com/hang')).toMatchObject({
      code: 28,
      stderr: 'curl: (28) Operation timed out after 1000 milliseconds with 0 bytes received\n',
    });
  });

  test('-m ends a wait for names', async () => {
    bench.sockets.lookup = () => new Promise(() => {});
    expect(await curl('-sS -m 1 www.example.com')).toMatchObject({
      code: 28,
      stderr: 'curl: (28) Resolving timed out after 1000 milliseconds\n',
    });
  });

  test('-m ends an upload that nobody feeds or takes', async () => {
    pages['/sink'] = () => {};
    expect(await curl('-sS -m 2 -T - www.example.com/echo', { stdin: openStdin() })).toMatchObject({
      code: 28,
    });
    const flood = Readable.from(
      (function* () {
        for (;;) yield Buffer.alloc(65536);
      })(),
    );
    expect(await curl('-sS -m 2 -T - www.example.com/sink', { stdin: flood })).toMatchObject({ code: 28 });
  });

  test('what was not sent of a body is not counted', async () => {
    pages['/sink'] = () => {};
    const stdin = Readable.from([Buffer.alloc(16 * MB)]);
    const { code, stdout } = await curl('-sS -m 2 --data-binary @- -w %{size_upload} www.example.com/sink', {
      stdin,
    });
    expect(code).toBe(28);
    expect(Number(stdout)).toBeGreaterThan(0);
    expect(Number(stdout)).toBeLessThan(15 * MB);
  });

  test('-m ends while nobody reads what comes out', async () => {
    pages['/big'] = text('x'.repeat(MB));
    const { stream } = stuckStream(10_000);
    expect((await curl('-sS -m 3 www.example.com/big', { stdout: stream })).code).toBe(28);
    expect(stream.writableLength).toBeLessThan(MB / 2);
  });

  test('a closed stdout', async () => {
    pages['/big'] = text('x'.repeat(MB));
    const { stream } = stuckStream(10_000);
    const running = bench.start('curl www.example.com/big', { stdout: stream });
    await bench.net.clock.runUntilAsync(() => stream.writableNeedDrain, 60_000);
    stream.destroy();
    const { code, stderr } = await bench.finish(running);
    expect({ code, stderr }).toEqual({
      code: 23,
      stderr: 'curl: (23) Failure writing output to destination\n',
    });
  });

  test('SIGINT', async () => {
    pages['/hang'] = () => {};
    const running = bench.start('curl -sS www.example.com/hang');
    await bench.net.clock.runUntilAsync(() => bench.net.clock.now() > 5000, 6000);
    running.signal();
    expect(await bench.finish(running)).toMatchObject({ code: 130, stderr: '' });
  });

  test('SIGINT leaves what has come in the file', async () => {
    let begun = false;
    pages['/half'] = (_request, response) => {
      response.writeHead(200, { 'content-length': 10 });
      response.write('half');
      begun = true;
    };
    const running = bench.start('curl -sS -o body www.example.com/half', { cwd: folder });
    await bench.net.clock.runUntilAsync(() => begun, 1000);
    await bench.net.clock.runUntilAsync(() => false, 100);
    running.signal();
    expect(await bench.finish(running)).toMatchObject({ code: 130, stderr: '' });
    expect(await readFile(join(folder, 'body'), 'utf8')).toBe('half');
  });

  test('a refused upload: the answer is shown', async () => {
    pages['/no-post'] = (_request, response) => {
      response.writeHead(405, { 'content-length': 3 });
      response.end('no\n');
    };
    const stdin = Readable.from([Buffer.alloc(100_000)]);
    const { code, stdout } = await curl('-sS -T - -w %{http_code} www.example.com/no-post', { stdin });
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'no\n405' });
  });
});

describe('wrong command lines', () => {
  const HELP = "curl: try 'curl --help' for more information\n";
  test.each([
    ['--nope x', `curl: option --nope: is unknown\n${HELP}`],
    ['-? x', `curl: option -?: is unknown\n${HELP}`],
    ['-s', `curl: no URL specified!\n${HELP}`],
    ['-m', `curl: option -m: requires parameter\n${HELP}`],
    ['-m x www.example.com', `curl: option -m: expected a proper numerical parameter\n${HELP}`],
  ])('%s', async (line, stderr) => {
    expect(await curl(line)).toEqual({ code: 2, stdout: '', stderr });
  });

  test('nothing at all', async () => {
    expect(await bench.run('curl')).toEqual({ code: 2, stdout: '', stderr: HELP });
  });
});

test('a megabyte comes whole, and every frame was right', async () => {
  const body = Buffer.alloc(1_000_000, 'tincan ').toString();
  pages['/big'] = text(body);
  expect(await output('-s www.example.com/big')).toBe(body);
  expect(bench.net.faults).toEqual([]);
});
