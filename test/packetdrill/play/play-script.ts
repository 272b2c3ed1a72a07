// One script from its text to its verdict.

import { checkCode } from '../code/run-code.ts';
import { type Config, readConfig } from '../config/config.ts';
import { Mismatch, ScriptError, Unsupported } from '../language/errors.ts';
import { parseScript } from '../language/parse-script.ts';
import type { Script } from '../language/script.ts';
import { checkCall } from '../sockets/calls.ts';
import { Player, type PlayOptions } from './player.ts';
import type { Note, Verdict } from './verdict.ts';

export function playScript(text: string, options: PlayOptions): Verdict {
  let player: Player | undefined;
  try {
    const script = parseScript(text);
    const config = readConfig(script.options);
    checkSupport(script, config);
    player = new Player(script, config, options);
    player.run();
    return { kind: 'passed', notes: player.notes, leftOver: player.leftOver };
  } catch (error) {
    return verdictOf(error, player?.notes ?? []);
  } finally {
    player?.close();
  }
}

function verdictOf(error: unknown, notes: readonly Note[]): Verdict {
  if (error instanceof Unsupported)
    return { kind: 'unsupported', notes, line: error.line, construct: error.construct };
  if (error instanceof Mismatch || error instanceof ScriptError)
    return { kind: 'failed', notes, line: error.line, why: error.message };
  throw error;
}

/** A script with anything that is not known here is not begun: what it says of the rest proves nothing. */
function checkSupport({ events }: Script, { defines }: Config): void {
  const names = new Set<string>();
  for (const { line, action } of events) {
    if (action.kind === 'call') checkCall(action, { line, defines });
    else if (action.kind === 'code') checkCode(action.text, line, names);
    else if (action.kind === 'packet' && action.direction === 'out' && action.packet.kind === 'tcp')
      for (const option of action.packet.options === 'any' ? [] : action.packet.options)
        if (option.kind === 'other') throw new Unsupported(line, `sending the TCP option ${option.name}`);
  }
}
