import { expect, test, vi } from 'vitest';

vi.mock('koffi', () => {
  throw new Error('Cannot find the native module');
});

test('without the optional package a tap says how to get it', async () => {
  const { loadLibc } = await import('../../shared/tap/libc.ts');
  await expect(loadLibc()).rejects.toThrow(
    /^a tap needs the optional package koffi.*npm install --include=optional$/,
  );
});
