// socket, bind, listen, accept, connect, shutdown and close.

import { type Ipv4Address, parseIpv4 } from '../../../shared/core/address.ts';
import { Unsupported } from '../language/errors.ts';
import { type Expression, expressionText } from '../language/expression.ts';
import { blocking, type Call, failing, immediate, immediateOnSocket, onSocket } from './call.ts';
import { Errno, type Outcome } from './outcome.ts';
import { type Address, TcpSocket } from './tcp-socket.ts';
import type { Values } from './values.ts';

export const socket = immediate(({ args, values, result, table, host }) => {
  const type = values.name(args[1]?.kind === 'or' ? args[1].terms[0] : args[1]);
  const protocol = args[2]?.kind === 'number' ? 'IPPROTO_TCP' : values.name(args[2]);
  if (type !== 'SOCK_STREAM' || protocol !== 'IPPROTO_TCP')
    throw new Unsupported(values.line, `sockets of ${type} and ${protocol}`);
  const made = new TcpSocket(host);
  made.nonBlocking = args[1]?.kind === 'or' && expressionText(args[1]).includes('SOCK_NONBLOCK');
  return table.put(made, result, values);
});

export const accept = onSocket((socket, { values, result, table, args }) => {
  const flags = args[3] ? expressionText(args[3]) : '';
  return blocking(socket, () => {
    const accepted = socket.accept();
    if (!(accepted instanceof TcpSocket)) return accepted;
    accepted.nonBlocking = flags.includes('SOCK_NONBLOCK');
    return table.put(accepted, result, values);
  });
});

export const bind = immediateOnSocket((socket, { args, values, host }) =>
  socket.bind(addressOf(args[1], values, host.bindAddress)),
);

export const listen = immediateOnSocket((socket, { args, values }) => socket.listen(values.number(args[1])));

export const connect = onSocket((socket, { args, values, host }) => {
  let begun: Outcome | 'no' = 'no';
  const remote = addressOf(args[1], values, host.connectAddress);
  return blocking(
    socket,
    () => {
      if (begun !== 'no') return socket.connectOutcome();
      begun = socket.connect(remote);
      return begun;
    },
    { wouldBlock: 'EINPROGRESS' },
  );
});

function addressOf(argument: Expression | undefined, values: Values, fallback: Address): Address {
  if (values.isEllipsis(argument)) return fallback;
  const family = values.name(values.member(argument, 'sa_family'));
  if (family !== 'AF_INET') throw new Unsupported(values.line, `addresses of ${family}`);
  const port = values.number(values.member(argument, 'sin_port'));
  return { address: internetAddress(values.member(argument, 'sin_addr'), values), port };
}

function internetAddress(expression: Expression | undefined, values: Values): Ipv4Address {
  if (expression?.kind === 'word' && expression.name === 'INADDR_ANY') return 0;
  if (expression?.kind === 'call' && expression.name === 'htonl')
    return internetAddress(expression.arguments[0], values);
  if (expression?.kind !== 'call' || expression.name !== 'inet_addr') return values.number(expression);
  const text = values.text(expression.arguments[0]);
  const address = parseIpv4(text);
  if (address === undefined) throw values.wrong(`${text} is not an IPv4 address`);
  return address;
}

const SHUTDOWNS: Readonly<Record<number, 'read' | 'write' | 'both'>> = { 0: 'read', 1: 'write', 2: 'both' };

export const shutdown = immediateOnSocket((socket, { args, values }) => {
  const how = SHUTDOWNS[values.number(args[1])];
  return how ? socket.shutdown(how) : new Errno('EINVAL');
});

/** With SO_LINGER it waits until what is left has arrived, or the time is over. */
export const close: Call = ({ args, values, table, host }) => {
  const number = values.number(args[0]);
  const found = table.find(number);
  if (!found) return failing('EBADF');
  const linger = found instanceof TcpSocket && !found.nonBlocking ? (found.setup.linger ?? 0) : 0;
  const end = host.now() + linger * 1000;
  table.close(number);
  return () => {
    if (host.now() < end && found instanceof TcpSocket && !found.lingered) return undefined;
    return { outcome: 0 };
  };
};
