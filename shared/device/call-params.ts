// Checks of what comes with a call on /control.

import { systemError } from '../core/errors.ts';
import type { Port } from './ports.ts';

/** An error of the caller's, with the code EINVAL. */
export function invalid(message: string): Error {
  return Object.assign(systemError('EINVAL', 'control'), { message });
}

export function fieldsOf(params: unknown): Record<string, unknown> {
  return typeof params === 'object' && params !== null ? (params as Record<string, unknown>) : {};
}

/** @throws SystemError EINVAL unless there is a port of that name */
export function portNamed(ports: ReadonlyMap<string, Port>, name: unknown): Port {
  const port = typeof name === 'string' ? ports.get(name) : undefined;
  if (!port) throw invalid(`no interface ${String(name)} here; there are ${[...ports.keys()].join(', ')}`);
  return port;
}
