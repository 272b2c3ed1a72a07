// Runs an experiment: boots its net, waits for the steady state, plays the timeline while the probes go on,
// rolls everything back and takes the net down, whatever happens on the way.

import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Topology } from '../../shared/topology/types.ts';
import { messageOf } from '../failure.ts';
import type { NetStatus } from '../net-status.ts';
import type { MendingAction } from './actions.ts';
import { AFTERMATH, type Experiment } from './experiment.ts';
import type { ExperimentRun, Played, RecordedEvent } from './experiment-run.ts';
import type { Moment } from './moments.ts';
import type { LogLine, NetEvent, NetUnderTest } from './net-under-test.ts';
import { LOOK_EVERY, Overload } from './overload.ts';
import type { Probe } from './probe-schema.ts';
import { Probing } from './probing.ts';
import { answersOf } from './request-id.ts';
import type { Sample } from './sample.ts';
import { SteadyState } from './steady-state.ts';
import { Timeline } from './timeline.ts';
import { now, until } from './timing.ts';

/** ms that what was begun and what is rolled back may take beyond the end of the timeline. */
const ROLL_BACK_TIME = 30_000;

/** ms between looks whether the steady state has held long enough. */
const STEADY_LOOK = 10;

const HEAL_ALL: MendingAction = { do: 'heal', at: { offset: 0 } };

export interface RunnerOptions {
  /** Starts the net of the experiment. */
  readonly open: (topology: Topology, signal: AbortSignal) => Promise<NetUnderTest>;
  /** Where captures (`captures/<cable>.pcapng`) and logs (`logs/<device>.jsonl`) go. */
  readonly folder: string;
  readonly progress: RunProgress;
  /** Ends the run early; everything is rolled back all the same. */
  readonly signal: AbortSignal;
}

/** What can be told while it runs. */
export interface RunProgress {
  phase(what: string): void;
  sample(sample: Sample): void;
  /** An entry of the timeline begins. @param at ms from the beginning of the timeline */
  played(played: Played, at: number): void;
}

export async function runExperiment(experiment: Experiment, options: RunnerOptions): Promise<ExperimentRun> {
  return new Runner(experiment, options).run();
}

class Runner {
  readonly #samples: Sample[] = [];
  readonly #events: NetEvent[] = [];
  readonly #troubles: string[] = [];
  readonly #overload: Overload;
  readonly #steady: SteadyState;
  #timeline: Timeline | undefined;
  #receipts: ExperimentRun['receipts'] = [];
  #rolledBack: readonly string[] = [];
  #answers: ExperimentRun['answers'] = {};
  #zero: number | undefined;
  /** When the timeline was over. */
  #end: number | undefined;
  #unsteady: string | undefined;

  constructor(
    private readonly experiment: Experiment,
    private readonly options: RunnerOptions,
  ) {
    this.#overload = new Overload(experiment.loopLag);
    this.#steady = new SteadyState(experiment.probes.flatMap(({ name, start }) => (start ? [] : [name])));
  }

  async run(): Promise<ExperimentRun> {
    const { progress, signal, open } = this.options;
    progress.phase('booting');
    try {
      const net = await open(this.experiment.topology, signal);
      try {
        await this.#inNet(net);
      } finally {
        progress.phase('taking the net down');
        await net.close();
      }
    } catch (error) {
      this.#troubles.push(messageOf(error));
    }
    return this.#result();
  }

  async #inNet(net: NetUnderTest): Promise<void> {
    let over = false;
    net.onEvent((event) => {
      // The end of the net is nobody's fault.
      if (!over) this.#events.push(event);
    });
    const looking = new AbortController();
    const stopWatching = this.#overload.watchOurselves();
    const looks = this.#lookAround(net, looking.signal);
    let stopCaptures: (() => Promise<void>)[] = [];
    try {
      stopCaptures = await this.#capture(net);
      await this.#play(net);
    } catch (error) {
      this.#troubles.push(messageOf(error));
    }
    looking.abort();
    await looks;
    await this.#lookOnce(net);
    stopWatching();
    await this.#attempt('roll back', () => this.#rollBack(net));
    await this.#attempt('end a capture', () => Promise.all(stopCaptures.map((stop) => stop())));
    over = true;
    await this.#attempt('keep the logs', async () => {
      const logs = await net.logs();
      this.#answers = answersOf(logs);
      this.#events.push(...carrierEvents(logs));
      await cp(net.logFolder, join(this.options.folder, 'logs'), { recursive: true });
    });
  }

  async #capture(net: NetUnderTest): Promise<(() => Promise<void>)[]> {
    const { capture, topology } = this.experiment;
    const folder = join(this.options.folder, 'captures');
    await mkdir(folder, { recursive: true });
    const cables = capture ?? topology.cables.map(({ name }) => name);
    // No name has a dot: what stands for the colon of an end makes no two files one.
    const fileOf = (what: string) => join(folder, `${what.replace(':', '.')}.pcapng`);
    return Promise.all(cables.map((what) => net.capture(what, fileOf(what))));
  }

  async #play(net: NetUnderTest): Promise<void> {
    const { experiment } = this;
    const { progress, signal } = this.options;
    const probing = new Probing(net, (sample) => this.#take(sample));
    const abandon = () => probing.abandon();
    signal.addEventListener('abort', abandon, { once: true });
    try {
      const began = now();
      for (const probe of experiment.probes) if (!probe.start) probing.begin(probe, began);
      progress.phase('steady state');
      if (!(await this.#becomesSteady(began))) return;
      const zero = now();
      this.#zero = zero;
      progress.phase('timeline');
      const timeline = new Timeline(net, experiment.timeline, zero, signal, (played, action) => {
        if (action.do === 'freeze') this.#overload.frozen(action.device);
        progress.played(played, played.at - zero);
      });
      this.#timeline = timeline;
      for (const probe of experiment.probes)
        if (probe.start) this.#beginAt(probe.start, probe, probing, timeline);
      await timeline.play();
      this.#end = await this.#endOf(timeline, zero);
    } finally {
      if (!signal.aborted) progress.phase('last answers');
      await probing.end();
      signal.removeEventListener('abort', abandon);
    }
  }

  #beginAt(start: Moment, probe: Probe, probing: Probing, timeline: Timeline): void {
    void timeline.momentOf(start).then((moment) => {
      if (moment !== undefined) probing.begin(probe, moment);
    });
  }

  /** Resolves when the timeline is over, with that moment. */
  async #endOf(timeline: Timeline, zero: number): Promise<number> {
    const { duration } = this.experiment;
    const { signal } = this.options;
    const last = Math.max(zero, ...timeline.played.map(({ at }) => at));
    const wanted = duration === undefined ? last + AFTERMATH : await timeline.momentOf(duration);
    const end = Math.max(last, wanted ?? now());
    await until(end, signal);
    return signal.aborted ? now() : end;
  }

  async #becomesSteady(began: number): Promise<boolean> {
    const { hold, steadyTimeout } = this.experiment;
    const { signal } = this.options;
    while (!signal.aborted) {
      const { since } = this.#steady;
      if (since !== undefined && now() - since >= hold) return true;
      if (now() - began > steadyTimeout) {
        this.#unsteady = this.#steady.missing(now() - began);
        return false;
      }
      await until(now() + STEADY_LOOK, signal);
    }
    this.#unsteady = 'the run was ended before';
    return false;
  }

  async #rollBack(net: NetUnderTest): Promise<void> {
    const { progress, signal } = this.options;
    if (signal.aborted) this.#troubles.push('it was interrupted');
    progress.phase('rolling back');
    const patience = now() + ROLL_BACK_TIME;
    const never = new AbortController().signal;
    this.#rolledBack = inForce(await net.receipts());
    await net.mend(HEAL_ALL, undefined);
    // Entries that wait for something may have what they wait for now.
    await this.#timeline?.settled(patience);
    await net.mend(HEAL_ALL, undefined);
    this.#receipts = await net.receipts();
    let status = await net.status();
    while (unhealed(status).length > 0 && !this.#isHopeless(status) && now() < patience) {
      await until(now() + 50, never);
      status = await net.status();
    }
    const left = unhealed(status);
    if (left.length > 0) this.#troubles.push(`after the roll-back ${left.join(', ')}`);
    const open = inForce(this.#receipts);
    if (open.length > 0) this.#troubles.push(`after the roll-back ${open.join(', ')} are still in force`);
  }

  /** A device that ended by itself, and that nobody starts again. */
  #isHopeless({ devices }: NetStatus): boolean {
    const { topology } = this.experiment;
    const restarted = (name: string) =>
      topology.devices.find((spec) => spec.name === name)?.restart !== 'never';
    return devices.some(({ device, state }) => state === 'crashed' && !restarted(device));
  }

  async #lookAround(net: NetUnderTest, signal: AbortSignal): Promise<void> {
    for (let next = now(); !signal.aborted; next += LOOK_EVERY) {
      await until(next, signal);
      if (!signal.aborted) await this.#lookOnce(net);
      // A look that took longer than the pause is not made up for.
      next = Math.max(next, now() - LOOK_EVERY);
    }
  }

  /** A net that does not answer has other troubles. */
  async #lookOnce(net: NetUnderTest): Promise<void> {
    const status = await net.status().catch(() => undefined);
    if (status) this.#overload.look(status);
  }

  async #attempt(what: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#troubles.push(`could not ${what}: ${messageOf(error)}`);
    }
  }

  #take(sample: Sample): void {
    this.#samples.push(sample);
    if (this.#zero === undefined) this.#steady.note(sample);
    this.options.progress.sample(sample);
  }

  #result(): ExperimentRun {
    const zero = this.#zero ?? now();
    const since = <T extends { readonly at: number }>(thing: T): T => ({ ...thing, at: thing.at - zero });
    const unix = performance.timeOrigin + zero;
    return {
      experiment: this.experiment,
      seed: this.experiment.topology.seed,
      began: unix,
      ran: (this.#end ?? zero) - zero,
      ...(this.#zero === undefined && { unsteady: this.#unsteady ?? 'the run did not come that far' }),
      troubles: this.#troubles,
      samples: this.#samples.map(since).sort((a, b) => a.at - b.at),
      played: (this.#timeline?.played ?? []).map((played) => ({
        ...since(played),
        ...(played.done !== undefined && { done: played.done - zero }),
      })),
      receipts: this.#receipts,
      rolledBack: this.#rolledBack,
      events: this.#events
        .map(({ time, ...event }): RecordedEvent => ({ at: time - unix, ...event }))
        .sort((a, b) => a.at - b.at),
      // What was late before the timeline began spoils none of its times.
      lags: this.#overload.lags.map(since).filter(({ at }) => at >= 0 || this.#zero === undefined),
      answers: this.#answers,
    };
  }
}

function inForce(receipts: ExperimentRun['receipts']): string[] {
  return receipts.filter(({ until }) => until === null).map(({ id }) => id);
}

/** Carriers that came and went, as the devices saw it. */
function carrierEvents(logs: readonly LogLine[]): NetEvent[] {
  return logs.flatMap(({ time, device, event, interface: name, up }) =>
    event === 'cable.carrier'
      ? [{ time, device, happened: `carrier ${up === true ? 'up' : 'down'} at ${name}` }]
      : [],
  );
}

/** What is not as it was at the start. */
function unhealed({ devices, cables }: NetStatus): string[] {
  return [
    ...devices.flatMap(({ device, state, reason }) =>
      state === 'ready' ? [] : [`${device} is ${state}${reason === null ? '' : ` (${reason})`}`],
    ),
    ...cables.flatMap(({ cable, carrier }) => (carrier ? [] : [`${cable} has no carrier`])),
  ];
}
