// Programs that nobody here wrote, and what they say of a capture: tshark finds malformed packets, wrong
// checksums and overlong frames, tcpdump finds wrong options.

import { execa } from 'execa';

/** tshark checks no checksum unless told. */
const CHECKS = ['ip.check_checksum', 'tcp.check_checksum', 'udp.check_checksum'];

const WRONG = filter();

/**
 * The same without what tshark is wrong about:
 * - Linux sends a TCP checksum of 0 as ffff, the same number in one's complement (`skb_checksum_help`);
 * - a segment in the middle of a body that begins with CR LF by chance is taken for a message with an empty line
 *   too many;
 * - of a segment that an ICMP error quotes only in part (576 bytes in all, as RFC 1812 §4.3.2.3 has it) the
 *   checksum is taken over that part.
 */
const WRONG_INDEED = filter(
  '_ws.malformed and not http.leading_crlf',
  ' and not tcp.checksum_calculated==0 and not (icmp.type in {3,11,12} and frame.len==590)',
);

function filter(malformed = '_ws.malformed', ofTcp = ''): string {
  const bad = (layer: string, but = '') => `(${layer}.checksum.status=="Bad"${but})`;
  return [`(${malformed})`, bad('ip'), bad('tcp', ofTcp), bad('udp'), bad('icmp'), 'frame.len>1514'].join(
    ' or ',
  );
}

/** Lines of complaint that are kept. */
const MOST_LINES = 20;

/** Why captures can't be judged here; undefined if they can. */
export async function whyNoJudges(): Promise<string | undefined> {
  const found = await Promise.all(
    (['tshark', 'tcpdump'] as const).map(async (program) => {
      const { failed } = await execa(program, ['--version'], { reject: false });
      return failed ? program : undefined;
    }),
  );
  const missing = found.filter((program) => program !== undefined);
  return missing.length > 0 ? `no ${missing.join(' and no ')} on this machine` : undefined;
}

/** What is wrong with the frames of a capture file, a line each; empty if nothing is. */
export async function complaints(file: string): Promise<string[]> {
  return [...(await wrongPackets(file)), ...(await badOptions(file))];
}

async function wrongPackets(file: string): Promise<string[]> {
  const found = await tshark(file, WRONG);
  return found.length > 0 ? tshark(file, WRONG_INDEED) : found;
}

async function tshark(file: string, wrong: string): Promise<string[]> {
  const checks = CHECKS.flatMap((check) => ['-o', `${check}:TRUE`]);
  const { stdout } = await execa(
    'tshark',
    ['-r', file, '-n', '-o', 'tcp.desegment_tcp_streams:FALSE', ...checks, '-Y', wrong],
    { maxBuffer: 100_000_000 },
  );
  return linesOf(stdout).map((line) => `tshark: ${line.trim()}`);
}

async function badOptions(file: string): Promise<string[]> {
  const tcpdump = execa('tcpdump', ['-nvv', '-r', file], { buffer: false });
  const found: string[] = [];
  for await (const line of tcpdump) if (/bad opt/.test(line)) found.push(`tcpdump: ${line.trim()}`);
  await tcpdump;
  return found.slice(0, MOST_LINES);
}

function linesOf(text: string): string[] {
  return text.split('\n').filter(Boolean).slice(0, MOST_LINES);
}
