// What outlives the orchestrator for a moment, however it ends: a shell that waits on a pipe. While the
// orchestrator lives it writes there which processes run; the end of the pipe means that it is gone, and
// then the shell kills what is left, frozen or not, and removes the sockets.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * POSIX sh. It stands in the run directory, so that the right files go even if the directory was renamed
 * meanwhile because another net of that name took its place. $1 is the orchestrator's own socket, $2 a folder
 * that goes with the net, or nothing. A process
 * that is killed in the middle of a system call finishes that first, and may so make a socket after the
 * first cleaning; hence the second.
 */
const SCRIPT = `trap '' HUP INT QUIT TERM TSTP TTIN TTOU
socket=$1
discard=$2
pids=
clean() { rm -f -- ./*.sock ./net.json ./net.json.new "$socket"; }
alive() { for pid in $pids; do kill -0 "$pid" 2>/dev/null && return 0; done; return 1; }
while read -r line; do
  case $line in
  +*) pids="$pids \${line#+}" ;;
  -*)
    left=
    for pid in $pids; do [ "$pid" = "\${line#-}" ] || left="$left $pid"; done
    pids=$left ;;
  esac
done
[ -n "$pids" ] && kill -KILL $pids 2>/dev/null
clean
for _ in 1 2 3 4 5 6 7 8; do
  alive || break
  sleep 0.1
done
clean
[ -z "$discard" ] || rm -rf -- "$discard"`;

/** ms before a guardian that ended at once is replaced. */
const RESPAWN_PAUSE = 100;

/** ms between wakings: a guardian that someone has frozen could not do its work. */
const WAKE_EVERY = 250;

export class Guardian {
  readonly #pids = new Set<number>();
  #shell: ChildProcess;
  readonly #waking: NodeJS.Timeout;
  #closing = false;

  /**
   * @param folder the run directory, whose sockets go with the net
   * @param socket the orchestrator's own socket
   * @param discard a folder that goes with the net: its run directory, if nobody wants the logs
   */
  constructor(
    private folder: string,
    private readonly socket: string,
    private readonly discard = '',
  ) {
    this.#shell = this.#start();
    this.#waking = setInterval(() => this.#shell.kill('SIGCONT'), WAKE_EVERY).unref();
  }

  get pid(): number | undefined {
    return this.#shell.pid;
  }

  /** The run directory has another name now, which the next guardian has to know. */
  movedTo(folder: string): void {
    this.folder = folder;
  }

  /** To be called in the turn in which the process was started: the line is in the pipe on return. */
  watch(pid: number): void {
    this.#pids.add(pid);
    this.#write(`+${pid}\n`);
  }

  /** The process is gone, and its number may become another's. */
  forget(pid: number): void {
    this.#pids.delete(pid);
    this.#write(`-${pid}\n`);
  }

  /** Kills what is still watched, removes the sockets, and resolves when the guardian itself is gone. */
  async close(): Promise<void> {
    this.#closing = true;
    clearInterval(this.#waking);
    const { exitCode, signalCode, pid } = this.#shell;
    if (pid === undefined || exitCode !== null || signalCode !== null) return;
    const exit = once(this.#shell, 'exit');
    this.#shell.stdin?.end();
    this.#shell.kill('SIGCONT');
    await exit;
  }

  #write(line: string): void {
    this.#shell.stdin?.write(line);
  }

  #start(): ChildProcess {
    const started = performance.now();
    const shell = spawn('/bin/sh', ['-c', SCRIPT, 'guardian', this.socket, this.discard], {
      // A shell that is one of many programs in a file goes by the last part of its name.
      argv0: 'tincan/guardian/sh',
      cwd: this.folder,
      // A session of its own: neither Ctrl-C nor a closed terminal reaches it.
      detached: true,
      env: { PATH: process.env.PATH ?? '/usr/bin:/bin' },
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    shell.stdin?.on('error', () => {});
    shell.stdin?.write([...this.#pids].map((pid) => `+${pid}\n`).join(''));
    const replace = () => {
      if (this.#closing) return;
      const pause = performance.now() - started < 1000 ? RESPAWN_PAUSE : 0;
      setTimeout(() => {
        if (!this.#closing) this.#shell = this.#start();
      }, pause).unref();
    };
    shell.on('exit', replace);
    shell.on('error', replace);
    return shell;
  }
}
