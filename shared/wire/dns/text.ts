// Record data as people read it: the form of zone files (RFC 1035 §5.1), which dig prints.

import { formatIpv4 } from '../../core/address.ts';
import { readU16, toHex } from '../../core/bytes.ts';
import { ROOT } from './name.ts';
import type { DnsData } from './types.ts';

/** With the dot at its end that makes a name absolute: `www.example.com.`. */
export function absoluteName(name: string): string {
  return name === ROOT ? ROOT : `${name}.`;
}

/** RFC 5952 §4: no leading zeros, the first longest run of two or more zero groups as `::`. */
function formatIpv6(address: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, index) => readU16(address, index * 2).toString(16)).join(':');
  const runs = groups.match(/\b0(?::0)+\b/g) ?? [];
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), '');
  return longest === '' ? groups : groups.replace(longest, '::').replace(/:{3,}/, '::');
}

function quote(string: Uint8Array): string {
  const text = Buffer.from(string).toString('latin1');
  const escaped = text.replace(/[^ -~]|["\\]/g, (byte) =>
    byte === '"' || byte === '\\' ? `\\${byte}` : `\\${String(byte.charCodeAt(0)).padStart(3, '0')}`,
  );
  return `"${escaped}"`;
}

export function formatData(data: DnsData): string {
  switch (data.type) {
    case 'A':
      return formatIpv4(data.address);
    case 'AAAA':
      return formatIpv6(data.address);
    case 'NS':
    case 'CNAME':
    case 'PTR':
      return absoluteName(data.target);
    case 'MX':
      return `${data.preference} ${absoluteName(data.exchange)}`;
    case 'TXT':
      return data.strings.map(quote).join(' ');
    case 'SOA':
      return [
        absoluteName(data.mname),
        absoluteName(data.rname),
        data.serial,
        data.refresh,
        data.retry,
        data.expire,
        data.minimum,
      ].join(' ');
    default:
      // RFC 3597 §5.
      return `\\# ${data.rdata.length}${data.rdata.length > 0 ? ` ${toHex(data.rdata).toUpperCase()}` : ''}`;
  }
}
