// The faults of a soak as values: what each is, which devices have to take part in it, and how it is made.

import type {
  BlackholeOptions,
  FaultReceipt,
  ImpairOptions,
  MisbehaveOptions,
  Net,
} from '../../orchestrator/api.ts';
import type { SoakNet } from './soak-net.ts';

export type SoakFault =
  | { readonly kind: 'kill' | 'stop' | 'restart' | 'freeze' | 'kill -9'; readonly device: string }
  | { readonly kind: 'cut'; readonly cable: string }
  | {
      readonly kind: 'impair';
      readonly cable: string;
      readonly from?: string;
      readonly values: ImpairOptions;
    }
  | {
      readonly kind: 'partition';
      readonly groups: readonly [readonly string[], readonly string[]];
      readonly oneWay: boolean;
    }
  | { readonly kind: 'blackhole'; readonly at: string; readonly filter: BlackholeOptions }
  | { readonly kind: 'misbehave'; readonly device: string; readonly how: MisbehaveOptions }
  | { readonly kind: 'flush'; readonly device: string; readonly table: 'arp' | 'nat' | 'dns' };

/** The devices that must answer for it to be made or healed. */
export function participants(fault: SoakFault, net: SoakNet): readonly string[] {
  switch (fault.kind) {
    case 'cut':
    case 'impair':
      return net.endsOf(fault.cable);
    case 'partition':
      return fault.groups.flat();
    case 'blackhole':
      return net.cables.has(fault.at) ? net.endsOf(fault.at) : [fault.at.split(':')[0]!];
    default:
      return [fault.device];
  }
}

/** A device that is killed from outside gets no receipt: nobody here did it. */
export function make(net: Net, fault: SoakFault): Promise<FaultReceipt | undefined> {
  switch (fault.kind) {
    case 'kill':
    case 'stop':
    case 'restart':
    case 'freeze':
      return net[fault.kind](fault.device);
    case 'kill -9':
      return killFromOutside(net, fault.device);
    case 'cut':
      return net.cut(fault.cable);
    case 'impair':
      return net.impair(fault.cable, fault.values, fault.from === undefined ? {} : { from: fault.from });
    case 'partition':
      return net.partition(...fault.groups, { oneWay: fault.oneWay });
    case 'blackhole':
      return net.blackhole(fault.at, fault.filter);
    case 'misbehave':
      return net.misbehave(fault.device, fault.how);
    case 'flush':
      return net.flush(fault.device, fault.table);
  }
}

/** Resolves when the orchestrator has seen it. */
async function killFromOutside(net: Net, name: string): Promise<undefined> {
  const { pid } = net.device(name).report;
  if (pid === null) throw new Error(`${name} does not run`);
  const gone = new Promise<void>((resolve) => {
    const listener = ({ device, state }: { device: string; state: string }): void => {
      if (device !== name || state !== 'crashed') return;
      net.off('device', listener);
      resolve();
    };
    net.on('device', listener);
  });
  process.kill(pid, 'SIGKILL');
  await gone;
}

/** One line, without what tells the receipt. */
export function describe(fault: SoakFault): string {
  switch (fault.kind) {
    case 'cut':
      return `cut ${fault.cable}`;
    case 'impair':
      return ['impair', fault.cable, ...fields(fault.values), ...fields({ from: fault.from })].join(' ');
    case 'partition':
      return `partition ${fault.groups.map((group) => group.join(',')).join(fault.oneWay ? ' -> ' : ' <-> ')}`;
    case 'blackhole':
      return ['blackhole', fault.at, ...fields(fault.filter)].join(' ');
    case 'misbehave':
      return ['misbehave', fault.device, ...fields(fault.how)].join(' ');
    case 'flush':
      return `flush ${fault.device} ${fault.table}`;
    default:
      return `${fault.kind} ${fault.device}`;
  }
}

function fields(values: object): string[] {
  return Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [value === true ? name : `${name}=${String(value)}`],
  );
}
