// An operand that names a host: an address, or a name that the device's resolver knows.

import { parseIpv4 } from '../../core/address.ts';
import { systemError } from '../../core/errors.ts';
import type { Sockets } from '../../socket/sockets.ts';

/** @throws SystemError (as a rejection) ENOTFOUND, EAI_AGAIN (no name server answered) */
export async function resolveHost(sockets: Sockets, host: string, signal: AbortSignal): Promise<string> {
  if (parseIpv4(host) !== undefined) return host;
  const lookup = sockets.lookup;
  if (!lookup) throw systemError('EAI_AGAIN', 'getaddrinfo', host);
  const [address] = await unlessAborted(lookup(host), signal);
  if (address === undefined) throw systemError('ENOTFOUND', 'getaddrinfo', host);
  return address;
}

/** The promise's outcome, or a rejection with the signal's reason if that comes first. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort);
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
