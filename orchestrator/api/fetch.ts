// fetch from a device: the standard's request and response, over the device's own DNS, TCP and HTTP.

import type { FetchCall, FetchHead } from '../../shared/control/device-calls.ts';
import type { DeviceCall, DeviceLink } from './device-link.ts';

/** Redirects in a row (WHATWG Fetch §4.4). */
const MOST_REDIRECTS = 20;

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Statuses whose responses have no body (WHATWG Fetch, "null body status"). */
const BODILESS: ReadonlySet<number> = new Set([101, 103, 204, 205, 304]);

type Body = Uint8Array | ReadableStream<Uint8Array> | undefined;

/** One step of a fetch; a redirect makes another. */
interface Step {
  readonly url: URL;
  readonly method: string;
  readonly headers: Headers;
  readonly body: Body;
}

export async function fetchFrom(
  device: DeviceLink,
  input: string | URL | Request,
  init: RequestInit = {},
): Promise<Response> {
  const request = new Request(input, withDuplex(init));
  const signal = init.signal ?? (input instanceof Request ? input.signal : undefined);
  let step: Step = {
    url: new URL(request.url),
    method: request.method,
    headers: request.headers,
    body: await bodyOf(request, init),
  };
  for (let redirects = 0; ; redirects++) {
    const { call, head } = await send(device, step, signal);
    const target = REDIRECTS.has(head.status) ? locationOf(head, step.url) : undefined;
    if (target === undefined || request.redirect === 'manual')
      return responseOf(call, head, step, redirects > 0);
    call.cancel();
    if (request.redirect === 'error') throw failed(`${step.url.href} redirects to ${target.href}`);
    if (redirects === MOST_REDIRECTS) throw failed(`more than ${MOST_REDIRECTS} redirects`);
    step = redirected(step, head.status, target);
  }
}

/** Node wants to be told that a body which is a stream is sent while the answer may come. */
function withDuplex(init: RequestInit): RequestInit {
  return init.body === undefined || init.body === null ? init : { ...init, duplex: 'half' as const };
}

/** What has a length is sent with it; only a stream is sent in chunks. */
async function bodyOf(request: Request, { body }: RequestInit): Promise<Body> {
  if (!request.body) return undefined;
  const streamed = typeof body === 'object' && body !== null && Symbol.asyncIterator in body;
  return streamed ? request.body : new Uint8Array(await request.arrayBuffer());
}

async function send(
  device: DeviceLink,
  { url, method, headers, body }: Step,
  signal: AbortSignal | null | undefined,
): Promise<{ call: DeviceCall; head: FetchHead }> {
  const fields = new Headers(headers);
  if (!fields.has('accept')) fields.set('accept', '*/*');
  if (!fields.has('user-agent')) fields.set('user-agent', 'tincan');
  const params: FetchCall = {
    url: url.href,
    method,
    headers: [...fields],
    hasBody: body !== undefined,
    bodyLength: body instanceof Uint8Array ? body.length : undefined,
  };
  const call = await device.open('fetch', params, signal);
  // The answer may come before all is sent, and may be all that comes: a failure of the sending shows there.
  sendBody(call, body).catch(() => call.stdin.destroy());
  return { call, head: await call.head<FetchHead>() };
}

async function sendBody({ stdin }: DeviceCall, body: Body): Promise<void> {
  if (body instanceof ReadableStream) {
    for await (const chunk of body)
      await new Promise<void>((resolve, reject) => {
        stdin.write(chunk, (error) => (error ? reject(error) : resolve()));
      });
  } else if (body) stdin.write(body);
  stdin.end();
}

function locationOf({ headers }: FetchHead, base: URL): URL | undefined {
  const location = headers.find(([name]) => name.toLowerCase() === 'location')?.[1];
  return location === undefined || !URL.canParse(location, base.href) ? undefined : new URL(location, base);
}

/** What the standard makes of a request that is redirected (§4.4, steps 12 to 15). */
function redirected(step: Step, status: number, url: URL): Step {
  const headers = new Headers(step.headers);
  if (url.origin !== step.url.origin)
    for (const name of ['authorization', 'proxy-authorization', 'cookie', 'host']) headers.delete(name);
  const becomesGet =
    (status === 303 && step.method !== 'GET' && step.method !== 'HEAD') ||
    ((status === 301 || status === 302) && step.method === 'POST');
  if (!becomesGet) {
    if (step.body instanceof ReadableStream)
      throw failed(`${step.url.href} redirects, and a body that was a stream can't be sent again`);
    return { ...step, url, headers };
  }
  for (const name of ['content-encoding', 'content-language', 'content-location', 'content-type'])
    headers.delete(name);
  return { url, method: 'GET', headers, body: undefined };
}

function failed(message: string): TypeError {
  return new TypeError(`fetch failed: ${message}`);
}

function responseOf(
  call: DeviceCall,
  head: FetchHead,
  { method, url }: Step,
  wasRedirected: boolean,
): Response {
  const { status, statusText } = head;
  const headers = new Headers();
  for (const [name, value] of head.headers) headers.append(name, value);
  const bodiless = method === 'HEAD' || BODILESS.has(status);
  const response = new Response(bodiless ? null : bodyStream(call), { status, statusText, headers });
  Object.defineProperties(response, {
    url: { value: url.href, enumerable: true },
    redirected: { value: wasRedirected, enumerable: true },
  });
  return response;
}

/** The body as it comes in; its error is that of the connection, such as ECONNRESET. */
function bodyStream(call: DeviceCall): ReadableStream<Uint8Array> {
  const chunks = call.stdout[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      // A stream that breaks says less of the reason than the answer.
      const next = await chunks.next().catch(() => undefined);
      if (next && !next.done) return controller.enqueue(next.value);
      await call.value();
      controller.close();
    },
    cancel: () => call.cancel(),
  });
}
