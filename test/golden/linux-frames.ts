// Frames that Linux 6 kernels, dnsmasq, dig, ping and traceroute put on a wire of the default net (a
// laptop with 192.168.0.24 behind a router), captured with tcpdump, offloads off.

/** The laptop asks who has 192.168.0.1. */
export const ARP_REQUEST = `ff ff ff ff ff ff aa aa aa aa aa aa 08 06 00 01
  08 00 06 04 00 01 aa aa aa aa aa aa c0 a8 00 18
  00 00 00 00 00 00 c0 a8 00 01`;

/** The router answers. */
export const ARP_REPLY = `aa aa aa aa aa aa 02 00 00 00 00 bb 08 06 00 01
  08 00 06 04 00 02 02 00 00 00 00 bb c0 a8 00 01
  aa aa aa aa aa aa c0 a8 00 18`;

/** UDP from 192.168.0.24:52828 to 8.8.8.8:53, DF, TTL 64. */
export const DNS_QUERY = `02 00 00 00 00 bb aa aa aa aa aa aa 08 00 45 00
  00 3d 9b 1c 40 00 40 11 ce c3 c0 a8 00 18 08 08
  08 08 ce 5c 00 35 00 29 f0 44 25 99 01 00 00 01
  00 00 00 00 00 00 03 77 77 77 07 65 78 61 6d 70
  6c 65 03 63 6f 6d 00 00 01 00 01`;

/** ping: id 0x1737, sequence 1, 56 bytes. */
export const ECHO_REQUEST = `02 00 00 00 00 bb aa aa aa aa aa aa 08 00 45 00
  00 54 22 1e 40 00 40 01 47 bb c0 a8 00 18 08 08
  08 08 08 00 94 2d 17 37 00 01 7a ec 00 6b 00 00
  00 00 04 70 0e 00 00 00 00 00 10 11 12 13 14 15
  16 17 18 19 1a 1b 1c 1d 1e 1f 20 21 22 23 24 25
  26 27 28 29 2a 2b 2c 2d 2e 2f 30 31 32 33 34 35
  36 37`;

/** The router's time exceeded about a traceroute probe from 192.168.0.24 to 93.184.216.34:33434. */
export const TIME_EXCEEDED = `aa aa aa aa aa aa 02 00 00 00 00 bb 08 00 45 c0
  00 58 68 65 00 00 40 01 90 16 c0 a8 00 01 c0 a8
  00 18 0b 00 eb d4 00 00 00 00 45 00 00 3c 62 36
  00 00 01 11 60 e0 c0 a8 00 18 5d b8 d8 22 be 4d
  82 9a 00 28 d3 15 40 41 42 43 44 45 46 47 48 49
  4a 4b 4c 4d 4e 4f 50 51 52 53 54 55 56 57 58 59
  5a 5b 5c 5d 5e 5f`;
