// A web server on a Linux kernel, in Python, for the same requests that ours answers: what differs is the TCP
// under it.

import { once } from 'node:events';
import type { Namespace } from '../support/namespace.ts';

const PROGRAM = `
import hashlib, http.server, random, socket, sys
body = random.Random(7).randbytes(int(sys.argv[1]))
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def answer(self, data):
        self.send_response(200)
        self.send_header('Content-Length', str(len(data)))
        self.end_headers()
        self.wfile.write(data)
    def do_GET(self):
        size = int(self.path.split('/')[2].split('.')[0])
        data = body[:size]
        self.answer(hashlib.sha256(data).hexdigest().encode() if self.path.endswith('.sha256') else data)
    def do_POST(self):
        left, length, seen = int(self.headers['Content-Length']), 0, hashlib.sha256()
        while length < left:
            part = self.rfile.read(min(65536, left - length))
            if not part: return
            seen.update(part)
            length += len(part)
        self.answer(f'{length} {seen.hexdigest()}'.encode())
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(('0.0.0.0', 80), Handler)
# A namespace takes the algorithm of the machine; root may choose for a socket, and its connections inherit it.
for name in (b'cubic', b'reno'):
    try: server.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, name)
    except OSError: continue
    break
print(name.decode(), flush=True)
server.serve_forever()
`;

/**
 * Answers GET /bytes/N and /bytes/N.sha256, and POST /bytes, as our web server does, until its namespace is
 * closed. Its congestion control is CUBIC, or Reno where there is no other.
 * @param longest the most bytes that are asked for
 * @returns the name of its congestion control
 */
export async function startLinuxWebServer(namespace: Namespace, longest: number): Promise<string> {
  const server = namespace.start('/usr/bin/python3', ['-c', PROGRAM, String(longest)], { buffer: false });
  const [name] = (await once(server.stdout!, 'data')) as [Buffer];
  return name.toString().trim();
}
