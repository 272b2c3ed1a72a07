import { afterAll, beforeAll, expect, test } from 'vitest';
import { Lab } from '../support/lab.ts';
import {
  type Attachment,
  arpFrame,
  dhcpOptions,
  dhcpRequest,
  echoRequest,
  inetChecksum,
  isArp,
  isDhcp,
  OutsideClient,
} from '../support/outside-client.ts';

let lab: Lab;

beforeAll(async () => {
  lab = await Lab.create('outside');
  await lab.up();
});
afterAll(() => lab.close());

async function attachment(): Promise<Attachment> {
  return JSON.parse(await lab.ok('attach', '--net', 'outside', 'router:lan3', '--json')) as Attachment;
}

test('an outside program sits at a free interface, gets a lease and pings 8.8.8.8', async () => {
  const client = await OutsideClient.sit(await attachment());
  expect(client.hello).toMatchObject({ t: 'hello', v: 1, device: 'router', interface: 'lan3', mtu: 1500 });

  client.send(dhcpRequest(client, [[53, Buffer.from([1])]]));
  const offer = await client.receive(isDhcp(2));
  const offered = offer.subarray(14 + 20 + 8 + 16, 14 + 20 + 8 + 20);
  const server = dhcpOptions(offer).get(54)!;
  client.send(
    dhcpRequest(client, [
      [53, Buffer.from([3])],
      [50, offered],
      [54, server],
    ]),
  );
  const ack = dhcpOptions(await client.receive(isDhcp(5)));
  expect([...ack.get(3)!]).toEqual([192, 168, 0, 1]);
  expect([...ack.get(6)!]).toEqual([8, 8, 8, 8]);
  client.address = Buffer.from(offered);
  expect([...client.address.subarray(0, 3)]).toEqual([192, 168, 0]);

  const gateway = Buffer.from(ack.get(3)!);
  client.send(arpFrame(client, 1, gateway));
  const gatewayMac = (await client.receive(isArp(2))).subarray(22, 28);

  const data = Buffer.from('two tin cans and a string');
  client.send(echoRequest(client, Buffer.from(gatewayMac), Buffer.from([8, 8, 8, 8]), data));
  const reply = await client.receive((frame) => frame.readUInt16BE(12) === 0x0800 && frame[23] === 1);
  expect([...reply.subarray(26, 30)]).toEqual([8, 8, 8, 8]);
  expect([...reply.subarray(30, 34)]).toEqual([...client.address]);
  const message = reply.subarray(34, 14 + reply.readUInt16BE(16));
  expect(message[0]).toBe(0);
  expect(inetChecksum(Buffer.from(message))).toBe(0);
  expect(message.subarray(8).toString()).toBe(data.toString());
  client.close();
});

test('a wrong token is refused with 401, an unknown interface with 404, an occupied one with 409', async () => {
  const { url, token, mtu } = await attachment();
  await expect(OutsideClient.sit({ url, token: 'wrong', mtu })).rejects.toThrow('401');
  await expect(OutsideClient.sit({ url: url.replace('lan3', 'lan9'), token, mtu })).rejects.toThrow('404');
  await expect(OutsideClient.sit({ url: url.replace('lan3', 'lan1'), token, mtu })).rejects.toThrow('409');
});

test('attach refuses an interface that has a cable', async () => {
  const { exitCode, stderr } = await lab.run('attach', '--net', 'outside', 'router:lan1');
  expect(exitCode).toBe(1);
  expect(stderr).toContain('lan3');
});
