import { expect, test } from 'vitest';
import { type InOrder, SendingOrder } from '../../../shared/stack/tcp/sending-order.ts';

interface Item extends InOrder<Item> {
  readonly name: string;
}

function item(name: string, order: number): Item {
  return { name, order, earlier: undefined, later: undefined };
}

test('goes by the order of sending, whoever leaves or comes back', () => {
  const list = new SendingOrder<Item>();
  const names = () => [...list].map(({ name }) => name).join('');
  const [a, b, c, d] = [item('a', 1), item('b', 2), item('c', 3), item('d', 4)];
  for (const each of [a, b, c, d]) list.add(each);
  expect(names()).toBe('abcd');
  list.remove(b);
  list.remove(a);
  expect(names()).toBe('cd');
  list.add(b);
  list.add(a);
  expect(names()).toBe('abcd');
  b.order = 5;
  list.remove(b);
  list.add(b);
  expect(names()).toBe('acdb');
  for (const each of list) if (each !== a) list.remove(each);
  expect(names()).toBe('a');
  list.clear();
  expect(names()).toBe('');
});
