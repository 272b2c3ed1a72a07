import { expect, test } from 'vitest';
import { Recent } from '../../shared/core/recent.ts';

test('gives what was set last of a key, or nothing', () => {
  const recent = new Recent<string>();
  expect(recent.get(0)).toBeUndefined();
  for (let key = 0; key < 1000; key++) {
    recent.set(0xc0a80000_0000 + key, `value ${key}`);
    expect(recent.get(0xc0a80000_0000 + key)).toBe(`value ${key}`);
  }
  expect(recent.get(0xc0a80000_0000)).toBeUndefined();
  recent.delete(0xc0a80000_0000);
  expect(recent.get(0xc0a80000_0000 + 999)).toBe('value 999');
  recent.delete(0xc0a80000_0000 + 999);
  expect(recent.get(0xc0a80000_0000 + 999)).toBeUndefined();
  recent.set(7, 'seven');
  recent.clear();
  expect(recent.get(7)).toBeUndefined();
});
