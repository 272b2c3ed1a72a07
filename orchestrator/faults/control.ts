// The methods of the orchestrator's /control that make faults and undo them. Each takes one request of
// requests.ts; those that take several devices or receipts answer with a list.

import type { ControlHandler } from '../../shared/control/peer.ts';
import type { FaultManager } from './manager.ts';
import {
  blackholeRequest,
  cableRequest,
  devicesRequest,
  flushRequest,
  healRequest,
  impairRequest,
  misbehaveRequest,
  partitionRequest,
  readRequest,
} from './requests.ts';

/** kill, stop, start, restart, freeze, thaw, cut, splice, impair, partition, blackhole, misbehave, flush, heal, faults. */
export function faultMethods(manager: FaultManager): Record<string, ControlHandler> {
  const onDevices =
    (verb: 'kill' | 'stop' | 'start' | 'restart' | 'freeze' | 'thaw'): ControlHandler =>
    ({ params }) => {
      const { devices, timeout } = readRequest(devicesRequest, params);
      return manager[verb](devices, timeout);
    };
  return {
    kill: onDevices('kill'),
    stop: onDevices('stop'),
    start: onDevices('start'),
    restart: onDevices('restart'),
    freeze: onDevices('freeze'),
    thaw: onDevices('thaw'),
    cut: ({ params }) => manager.cut(readRequest(cableRequest, params).cable),
    splice: ({ params }) => manager.splice(readRequest(cableRequest, params).cable),
    impair: ({ params }) => manager.impair(readRequest(impairRequest, params)),
    partition: ({ params }) => manager.partition(readRequest(partitionRequest, params)),
    blackhole: ({ params }) => manager.blackhole(readRequest(blackholeRequest, params)),
    misbehave: ({ params }) => manager.misbehave(readRequest(misbehaveRequest, params)),
    flush: ({ params }) => manager.flush(readRequest(flushRequest, params)),
    heal: ({ params }) => {
      const { receipts, timeout } = readRequest(healRequest, params);
      return manager.heal(receipts, timeout);
    },
    faults: () => manager.faults(),
  };
}
