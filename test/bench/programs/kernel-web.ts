// The web server of a device on the kernel's TCP, at a free port of the loopback interface, which it says:
// kernel-web.ts NAME FOLDER, the site and its files.

import { startHttpServer } from '../../../shared/apps/http/server.ts';
import type { TcpServer } from '../../../shared/socket/sockets.ts';
import { kernelSockets, say, serve } from './kernel-sockets.ts';

const [, , name = '', root = ''] = process.argv;
const sockets = kernelSockets('web');
let listener: TcpServer | undefined;
startHttpServer(
  {
    ...sockets,
    createServer: (...how) => {
      listener = sockets.createServer(...how);
      return listener.once('listening', () => say(listener?.address()));
    },
  },
  { port: 0, sites: { [name]: { root } } },
  { seed: 1 },
);
serve(async () => ({}));
