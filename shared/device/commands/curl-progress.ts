// curl's progress meter: a line on stderr that is written over once a second while a file is filled.

export const METER_HEADER =
  '  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current\n' +
  '                                 Dload  Upload   Total   Spent    Left  Speed\n';

export interface Progress {
  readonly downloaded: number;
  readonly uploaded: number;
  /** Content-Length of the response; undefined if it does not say. */
  readonly expected: number | undefined;
  readonly toUpload: number | undefined;
  /** ms since the transfer began. */
  readonly elapsed: number;
  /** Bytes per second lately. */
  readonly currentSpeed: number;
}

const KIB = 1024;
const UNITS = 'kMGTP';

/** A number of bytes in five characters. */
function fiveCharacters(bytes: number): string {
  if (bytes < 100_000) return String(bytes).padStart(5);
  let value = bytes / KIB;
  let unit = 0;
  while (value >= 10_000 && unit < UNITS.length - 1) {
    value /= KIB;
    unit++;
  }
  const text = unit > 0 && value < 100 ? (Math.floor(value * 10) / 10).toFixed(1) : String(Math.floor(value));
  return `${text.padStart(4)}${UNITS[unit]}`;
}

function clockTime(seconds: number): string {
  const whole = Math.floor(seconds);
  if (!Number.isFinite(whole) || whole <= 0) return '--:--:--';
  const pad = (value: number): string => String(value).padStart(2, '0');
  return `${String(Math.floor(whole / 3600)).padStart(2)}:${pad(Math.floor(whole / 60) % 60)}:${pad(whole % 60)}`;
}

function percent(done: number, all: number | undefined): string {
  return String(all ? Math.floor((100 * done) / all) : 0).padStart(3);
}

export function meterLine(progress: Progress): string {
  const { downloaded, uploaded, expected, toUpload, elapsed, currentSpeed } = progress;
  const total = (expected ?? downloaded) + (toUpload ?? uploaded);
  const done = downloaded + uploaded;
  const speed = (bytes: number): number => (elapsed > 0 ? Math.floor((bytes * 1000) / elapsed) : 0);
  const known = expected === undefined && toUpload === undefined ? undefined : total;
  const totalSeconds = known !== undefined && speed(done) > 0 ? known / speed(done) : 0;
  const spent = elapsed / 1000;
  return (
    `\r${percent(done, known)} ${fiveCharacters(total)}  ${percent(downloaded, expected)} ${fiveCharacters(downloaded)}` +
    `  ${percent(uploaded, toUpload)} ${fiveCharacters(uploaded)}  ${fiveCharacters(speed(downloaded))}` +
    `  ${fiveCharacters(speed(uploaded))} ${clockTime(totalSeconds)} ${clockTime(spent)}` +
    ` ${clockTime(totalSeconds - spent)} ${fiveCharacters(Math.floor(currentSpeed))}`
  );
}
