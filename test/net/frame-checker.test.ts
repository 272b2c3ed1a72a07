// The checker of the whole-net tests must itself see what it is there to see.

import { describe, expect, it } from 'vitest';
import { mac } from '../../shared/core/address.ts';
import { ETHERTYPE_IPV4, encodeEthernet } from '../../shared/wire/ethernet.ts';
import { updateIpv4Checksum } from '../../shared/wire/ipv4.ts';
import { FrameChecker } from '../support/frame-checker.ts';
import { echoPacket, errorPacket, fragmentsOf, tcpPacket, udpPacket } from '../support/packets.ts';

function frame(payload: Uint8Array): Uint8Array {
  const destination = mac('02:00:00:00:00:01');
  const source = mac('02:00:00:00:00:02');
  return encodeEthernet({ destination, source, type: ETHERTYPE_IPV4, payload });
}

/** The faults that a checker of a public cable finds in packets, without the hex. */
function faultsOf(...packets: Uint8Array[]): string[] {
  const checker = new FrameChecker({ name: 'uplink', public: true });
  for (const packet of packets) checker.check(frame(packet));
  return checker.faults.map((fault) => fault.replace(/^uplink: (.*): [\da-f]*$/, '$1'));
}

function corrupted(packet: Uint8Array, at: number): Uint8Array {
  const copy = packet.slice();
  copy[at]! ^= 0x10;
  return copy;
}

const UDP = udpPacket('51.0.0.20:5', '8.8.8.8:53', { data: new Uint8Array(100) });
const TCP = tcpPacket('51.0.0.20:5', '8.8.8.8:53', { payload: new Uint8Array(100) });
const ECHO = echoPacket('request', '51.0.0.20:5', '8.8.8.8');
const ERROR = errorPacket('51.0.0.1', '51.0.0.20', 11, 0, UDP, 108);

describe('the frame checker', () => {
  it('finds nothing wrong with right frames', () => {
    expect(faultsOf(UDP, TCP, ECHO, ERROR, ...fragmentsOf(UDP, 40).reverse())).toEqual([]);
  });

  it('finds wrong checksums of every layer, in fragments and quotes too', () => {
    expect(faultsOf(corrupted(UDP, 8))).toEqual(['malformed IPv4: bad-checksum']);
    expect(faultsOf(corrupted(UDP, 60))).toEqual(['wrong UDP checksum']);
    expect(faultsOf(corrupted(TCP, 60))).toEqual(['malformed: bad-checksum']);
    expect(faultsOf(corrupted(ECHO, 60))).toEqual(['malformed: bad-checksum']);
    const [first, ...rest] = fragmentsOf(UDP, 40);
    expect(faultsOf(corrupted(first!, 50), ...rest)).toEqual(['wrong UDP checksum']);
    expect(faultsOf(errorPacket('51.0.0.1', '51.0.0.20', 11, 0, corrupted(UDP, 8)))).toEqual([
      'quote: bad-checksum',
    ]);
    expect(faultsOf(errorPacket('51.0.0.1', '51.0.0.20', 11, 0, corrupted(UDP, 60), 108))).toEqual([
      'wrong UDP checksum',
    ]);
  });

  it('finds private addresses, in quotes too', () => {
    expect(faultsOf(udpPacket('192.168.0.10:5', '8.8.8.8:53'))).toEqual(['private address 192.168.0.10']);
    const about = udpPacket('8.8.8.8:53', '192.168.0.10:5');
    expect(faultsOf(errorPacket('51.0.0.20', '8.8.8.8', 3, 3, about))).toEqual([
      'private address 192.168.0.10',
    ]);
  });

  it('finds lengths that are wrong', () => {
    const padded = new Uint8Array([...UDP, 0, 0]);
    expect(faultsOf(padded)).toEqual(['padding']);
    const tooLong = UDP.slice();
    tooLong[3]! += 1;
    updateIpv4Checksum(tooLong);
    expect(faultsOf(tooLong)).toEqual(['malformed IPv4: bad-total-length']);
    expect(faultsOf(new Uint8Array(1501))[0]).toBe('1515 bytes in one frame');
  });
});
