import { once } from 'node:events';
import { Readable } from 'node:stream';
import { test } from 'vitest';
import { fetchUrl, HttpAgent } from '../../../shared/apps/http/client.ts';
import { startHttpServer } from '../../../shared/apps/http/server.ts';
import { systemClock } from '../../../shared/core/clock.ts';
import { fakeSockets } from '../../support/fake-sockets.ts';
import { twoHosts } from '../../support/two-hosts.ts';
import { RecordedLog } from '../../support/recorded-log.ts';
for (const kind of ['fake','real'])
test(kind, async () => {
  const log = new RecordedLog();
  const h = twoHosts(systemClock, log);
  const [c, s] = kind === 'fake' ? (() => { const f = fakeSockets(log); return [f, f]; })() : [h.a.sockets, h.b.sockets];
  let cs: any, ss: any;
  const create = s.createServer.bind(s);
  const conn = c.connect.bind(c);
  (s as any).createServer = (o: any, f: any) => create(o, (k) => { ss = k; f(k); });
  (c as any).connect = (o: any, f: any) => cs = conn(o, f);
  startHttpServer(s, { port: 80, sites: { 'x': {} } }, { seed: 1 });
  const agent = new HttpAgent(c);
  agent.on('free', () => console.log('free'));
  const body = Readable.from(Array.from({ length: 100 }, () => Buffer.alloc(10_000)));
  const response = await fetchUrl(c, `http://${kind === 'fake' ? '127.0.0.1' : '10.0.0.2'}/x`, { agent, method: 'POST', body, headers: { host: 'x' } });
  response.body.resume();
  await new Promise((r) => setTimeout(r, 500));
  console.log('client', cs.bytesWritten, cs.writableLength, 'server', ss.bytesRead, ss.isPaused(), ss.readableLength, ss._paused, ss.destroyed);
});
