// The timeline: what is done to the net, when, in the words of the command line.

import { z } from 'zod';
import {
  blackholeRequest,
  flushRequest,
  impairRequest,
  misbehaveRequest,
  partitionRequest,
} from '../faults/requests.ts';
import * as field from './fields.ts';
import { moment } from './moments.ts';

const common = {
  at: moment('When: after the timeline began, or after another entry is in effect.'),
  name: field.name('Name of the entry, for healing it, for expectations and for the report.').optional(),
};

const fault = {
  ...common,
  allowUntouched: field
    .flag('Whether the fault may go by without touching a frame. Without it such a fault fails the run.')
    .default(false),
};

/** `at` is the time here, so that the place of a blackhole has another key. */
const { at: where, ...blackhole } = blackholeRequest.shape;

const device = field.reference('a device', 'The device.');
const cable = field.reference('a cable', 'The cable.');

const actions = [
  field.block({ ...fault, do: z.literal('kill'), device }, 'Power cut.'),
  field.block({ ...fault, do: z.literal('stop'), device }, 'An orderly end.'),
  field.block({ ...fault, do: z.literal('restart'), device }, 'Stopped and started again.'),
  field.block({ ...fault, do: z.literal('freeze'), device }, 'The device hangs; its carriers stay up.'),
  field.block({ ...fault, do: z.literal('cut'), cable }, 'Carrier down at both ends.'),
  field.block(
    { ...fault, do: z.literal('impair'), ...impairRequest.shape },
    'What is named is set, and what is not stays as it is.',
  ),
  field.block(
    { ...fault, do: z.literal('partition'), ...partitionRequest.shape },
    'Silently drops what passes between two groups of devices.',
  ),
  field.block(
    { ...fault, do: z.literal('blackhole'), where, ...blackhole },
    'Silently drops frames that match.',
  ),
  field.block(
    { ...fault, do: z.literal('misbehave'), ...misbehaveRequest.shape },
    'A server that answers late, wrongly or not at all.',
  ),
  field.block({ ...fault, do: z.literal('flush'), ...flushRequest.shape }, 'A table is emptied.'),
  field.block({ ...common, do: z.literal('start'), device }, 'A device that is off is started.'),
  field.block({ ...common, do: z.literal('thaw'), device }, 'A frozen device goes on.'),
  field.block({ ...common, do: z.literal('splice'), cable }, 'A cut cable is whole again.'),
  field.block(
    {
      ...common,
      do: z.literal('heal'),
      faults: field
        .list(
          field.reference('an entry of the timeline', 'A fault.'),
          'a list of names of faults, ["outage"]',
          'Which; all unless told.',
        )
        .optional(),
    },
    'Undoes faults: each cable as the topology says, thawed, spliced, started again.',
  ),
] as const;

export const VERBS = actions.map((schema) => schema.shape.do.value);

export const actionSchema = z.discriminatedUnion('do', actions, {
  error: `an entry with a "do", one of ${field.quoted(VERBS)}`,
});

/** The quantities of faults stay texts with their units, as the command line takes them. */
export type Action = z.output<typeof actionSchema>;

export type MendingAction = Extract<Action, { do: 'heal' | 'start' | 'thaw' | 'splice' }>;
export type FaultAction = Exclude<Action, MendingAction>;

const MENDING: ReadonlySet<string> = new Set<MendingAction['do']>(['heal', 'start', 'thaw', 'splice']);

/** Whether it breaks something, and so must touch a frame; the others mend. */
export function isFault(action: Action): action is FaultAction {
  return !MENDING.has(action.do);
}

/** What the fault is asked for with: the action without what only the timeline knows. */
export function requestOf<T extends FaultAction>(
  action: T,
): Omit<T, 'at' | 'name' | 'allowUntouched' | 'do'> {
  const { at, name, allowUntouched, do: verb, ...request } = action;
  return request;
}

/** `freeze dns`, `impair uplink --from isp --loss 10%`, `partition laptop web --one-way`. */
export function describeAction(action: Action): string {
  if (action.do === 'heal') return `heal ${action.faults?.join(' ') ?? 'all'}`;
  if (!isFault(action)) return `${action.do} ${'device' in action ? action.device : action.cable}`;
  const words = Object.entries(requestOf(action)).map(([key, value]) => wordOf(key, value));
  return [action.do, ...words].filter((word) => word !== '').join(' ');
}

const PLAIN = new Set(['device', 'cable', 'where', 'service', 'table']);

function wordOf(key: string, value: unknown): string {
  if (value === undefined || value === false) return '';
  if (key === 'groups') return (value as string[][]).map((group) => group.join(',')).join(' ');
  if (PLAIN.has(key)) return String(value);
  const option = `--${key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  return value === true ? option : `${option} ${Array.isArray(value) ? value.join(',') : String(value)}`;
}
