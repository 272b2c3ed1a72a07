import { expect, test } from 'vitest';
import { loadLibc } from '../../shared/tap/libc.ts';

test('without the optional package a tap says how to get it', () => {
  const absent = () => {
    throw new Error('Cannot find the native module');
  };
  expect(() => loadLibc(absent)).toThrow(
    /^a tap needs the optional package koffi.*npm install --include=optional$/,
  );
});
