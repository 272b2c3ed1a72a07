// The net of an experiment with real processes, by way of the programming interface.

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Topology } from '../../shared/topology/types.ts';
import { Net } from '../api/net.ts';
import type { Receipt } from '../faults/receipt.ts';
import { openNet } from '../net.ts';
import type { NetStatus } from '../net-status.ts';
import { deviceProgram } from '../package-root.ts';
import type { FaultAction, MendingAction } from './actions.ts';
import { requestOf } from './actions.ts';
import type { Answer, LogLine, NetEvent, NetUnderTest } from './net-under-test.ts';
import type { Probe } from './probe-schema.ts';
import { withRequest } from './request-id.ts';
import { now } from './timing.ts';

/** ms until the net must be ready. */
const BOOT_TIMEOUT = 30_000;

/** In which what is mended must be in effect: another entry may have to mend something first. */
const MEND_TIMEOUT = '2m';

/** Characters of the topology's name that the net's own keeps. */
const KEPT_OF_NAME = 18;

/** Starts a net under a name that no other has, which leaves nothing behind. @throws Failure */
export async function startRealNet(topology: Topology, signal: AbortSignal): Promise<NetUnderTest> {
  signal.throwIfAborted();
  const name = `${topology.name.slice(0, KEPT_OF_NAME)}-${randomBytes(5).toString('hex')}`;
  const net = await openNet({
    topology: { ...topology, name },
    logLevel: 'info',
    program: deviceProgram,
    unnamed: true,
  });
  const abort = () => void net.end().catch(() => {});
  signal.addEventListener('abort', abort, { once: true });
  try {
    await net.boot(BOOT_TIMEOUT);
    signal.throwIfAborted();
    return new RealNet(new Net(net));
  } catch (error) {
    await net.end();
    throw error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

class RealNet implements NetUnderTest {
  constructor(private readonly net: Net) {}

  get logFolder(): string {
    return join(this.net.rundir, 'logs');
  }

  async ask(probe: Probe, request: string, signal: AbortSignal): Promise<Answer> {
    const device = this.net.device(probe.from);
    const began = now();
    const latency = () => now() - began;
    switch (probe.type) {
      case 'ping': {
        const timeout = `${probe.timeout}ms` as const;
        const { replies, errors } = await device.ping(probe.target, { timeout, signal });
        const [reply] = replies;
        if (reply) return { latency: reply.time };
        const [error] = errors;
        const from = error?.from === undefined ? '' : `, says ${error.from}`;
        if (error) throw failure(pingCode(error.reason), `${probe.target} is ${error.reason}${from}`);
        throw failure('ETIMEDOUT', `no answer from ${probe.target} within ${probe.timeout / 1000} s`);
      }
      case 'http':
      case 'throughput': {
        const response = await device.fetch(withRequest(probe.target, request), { signal });
        const bodyBegan = now();
        const bytes = await sizeOf(response);
        const rate = (bytes * 8000) / Math.max(now() - bodyBegan, 0.001);
        const { status } = response;
        return { latency: latency(), status, ...(probe.type === 'throughput' && { rate }) };
      }
      case 'dns': {
        const { server, timeout } = probe;
        const options = { ...(server !== undefined && { server }), timeout: `${timeout}ms` as const, signal };
        const addresses = await device.resolve(probe.target, 'A', options);
        return { latency: latency(), addresses };
      }
      case 'tcp': {
        const [host = '', port] = probe.target.split(':');
        const connection = await device.connect({ host, port: Number(port), signal });
        const took = latency();
        connection.on('error', () => {});
        connection.destroy();
        return { latency: took };
      }
    }
  }

  break(action: FaultAction): Promise<Receipt> {
    const { net } = this;
    switch (action.do) {
      case 'kill':
      case 'stop':
      case 'freeze':
        return net[action.do](action.device);
      case 'restart':
        return net.restart(action.device, { timeout: MEND_TIMEOUT });
      case 'cut':
        return net.cut(action.cable);
      case 'impair': {
        const { cable, from, ...impairment } = requestOf(action);
        // The file's form has been checked: its texts have their units.
        return net.impair(cable, impairment as Parameters<Net['impair']>[1], { from });
      }
      case 'partition':
        return net.partition(...action.groups, { oneWay: action.oneWay });
      case 'blackhole': {
        const { where, ...filter } = requestOf(action);
        return net.blackhole(where, filter);
      }
      case 'misbehave': {
        const { device, ...misbehaviour } = requestOf(action);
        return net.misbehave(device, misbehaviour as Parameters<Net['misbehave']>[1]);
      }
      case 'flush':
        return net.flush(action.device, action.table);
    }
  }

  async mend(action: MendingAction, receipts: readonly string[] | undefined): Promise<void> {
    const wait = { timeout: MEND_TIMEOUT } as const;
    if (action.do === 'heal') await this.net.heal(receipts, wait);
    else if (action.do === 'splice') await this.net.splice(action.cable, wait);
    else await this.net[action.do](action.device, wait);
  }

  receipts(): Promise<readonly Receipt[]> {
    return this.net.faults();
  }

  status(): Promise<NetStatus> {
    return this.net.status();
  }

  async capture(cable: string, file: string): Promise<() => Promise<void>> {
    const capture = await this.net.capture(cable, { file });
    return () => capture.stop();
  }

  onEvent(listener: (event: NetEvent) => void): void {
    this.net.on('device', ({ time, device, state, reason }) => {
      const { lastLines } = this.net.device(device).report;
      listener({
        time,
        device,
        happened: reason === null || reason === state ? state : `${state}: ${reason}`,
        state,
        ...(state === 'crashed' && lastLines && { lastLines }),
      });
    });
  }

  logs(): Promise<readonly LogLine[]> {
    return this.net.logs();
  }

  close(): Promise<void> {
    return this.net.close();
  }
}

async function sizeOf(response: Response): Promise<number> {
  let bytes = 0;
  for await (const chunk of response.body ?? []) bytes += chunk.length;
  return bytes;
}

function pingCode(reason: string): string {
  return reason === 'unreachable' ? 'EHOSTUNREACH' : reason.toUpperCase();
}

function failure(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
