import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pageResources } from '../../../shared/apps/http/page-resources.ts';

const PAGE = new URL('http://www.example.com/docs/page.html');

function found(html: string): string[] {
  return pageResources(html, PAGE).map((url) => url.href);
}

test('style sheets, scripts and images, in order, each once', () => {
  expect(
    found(`<!DOCTYPE html><html><head>
      <link rel="stylesheet" href="style.css"><LINK REL='alternate stylesheet' HREF=/other.css>
      <link rel="icon" href="icon.png">
      <script src="/app.js?a=1&amp;b=2#x" defer></script><script>inline</script>
      <body><img alt="a > b" src = "pic.png"/><img src=//cdn.example.net/x.gif><img src="pic.png">
      <a href="next.html">next</a>`),
  ).toEqual([
    'http://www.example.com/docs/style.css',
    'http://www.example.com/other.css',
    'http://www.example.com/app.js?a=1&b=2',
    'http://www.example.com/docs/pic.png',
    'http://cdn.example.net/x.gif',
  ]);
});

test('not those in comments, scripts and titles, and no data URLs', () => {
  expect(
    found(`<!-- <img src="1.png"> --><script>"<img src='2.png'>"</script><title><img src=3.png></title>
      <img src="data:image/png;base64,AA=="><img><img src=""><img src="http://[bad"><img src="4.png">`),
  ).toEqual(['http://www.example.com/docs/4.png']);
});

test('a base counts from where it stands', () => {
  expect(found('<base href="/assets/"><img src="a.png">')).toEqual(['http://www.example.com/assets/a.png']);
});

test('letters that grow in lower case move nothing', () => {
  expect(found('<p>İİİİ</p><script></script><img src=a.png>')).toEqual(['http://www.example.com/docs/a.png']);
});

test('any text is read without harm', () => {
  const pieces = fc.constantFrom(
    '<',
    '>',
    '"',
    "'",
    '=',
    '/',
    '!--',
    '-->',
    'img',
    ' src',
    'script',
    '</',
    'é',
    '\0',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(pieces, fc.string()), { maxLength: 40 }), (parts) => {
      expect(Array.isArray(found(parts.join('')))).toBe(true);
    }),
    { seed: 1 },
  );
});

test('a long row of unfinished tags takes no long time', () => {
  expect(found('<img src="'.repeat(50_000)).length).toBe(1);
  expect(found('<'.repeat(200_000))).toEqual([]);
  expect(found(`<img ${'a '.repeat(100_000)}`)).toEqual([]);
});

test('of a page that names a million resources only as many are read as are wanted', () => {
  let read = 0;
  const html = '<img src="/x">'.repeat(10);
  const counting = new Proxy(URL, {
    construct: (target, args) => {
      read++;
      return Reflect.construct(target, args);
    },
  });
  const { URL: real } = globalThis;
  globalThis.URL = counting;
  try {
    const many = Array.from({ length: 5000 }, (_, index) => `<img src="/${index}.png">`).join('');
    expect(pageResources(html + many, new real('http://a.example/'), 100)).toHaveLength(100);
  } finally {
    globalThis.URL = real;
  }
  expect(read).toBeLessThan(120);
});
