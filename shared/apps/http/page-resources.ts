// What a page is made of: the style sheets, scripts and images that a browser fetches with it. Not a whole
// HTML parser, but one pass over the tags that never looks back, whatever it is fed.

/** The first `most` URLs that a page needs, in the order of the page, each once; those that are no http URLs too. */
export function pageResources(html: string, page: URL, most = Number.POSITIVE_INFINITY): URL[] {
  let base = page;
  const found = new Map<string, URL>();
  for (const { name, attributes } of tags(html)) {
    if (name === 'base') base = resolve(attributes.get('href'), page) ?? base;
    const url = resolve(reference(name, attributes), base);
    if (!url || url.protocol === 'data:') continue;
    url.hash = '';
    found.set(url.href, url);
    // The rest of a page that names a million is not looked at.
    if (found.size >= most) break;
  }
  return [...found.values()];
}

function reference(name: string, attributes: ReadonlyMap<string, string>): string | undefined {
  if (name === 'script' || name === 'img') return attributes.get('src');
  const relations = attributes.get('rel')?.toLowerCase().split(/\s+/) ?? [];
  return name === 'link' && relations.includes('stylesheet') ? attributes.get('href') : undefined;
}

function resolve(reference: string | undefined, base: URL): URL | undefined {
  const text = reference?.trim();
  return text && URL.canParse(text, base.href) ? new URL(text, base) : undefined;
}

interface Tag {
  /** In lower case. */
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
}

/** Elements whose content is text, tags or no tags. */
const RAW_TEXT = new Set(['script', 'style', 'textarea', 'title']);

/** The start tags, without those in comments and in raw text. */
function* tags(html: string): Generator<Tag> {
  // Not toLowerCase(), which changes the length of some letters.
  const lower = html.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
  let at = 0;
  for (;;) {
    at = html.indexOf('<', at);
    if (at < 0) return;
    if (html.startsWith('<!--', at)) {
      const end = html.indexOf('-->', at + 4);
      if (end < 0) return;
      at = end + 3;
      continue;
    }
    const name = nameAt(lower, at + 1);
    at += 1 + name.length;
    if (name === '') continue;
    const attributes = new Map<string, string>();
    at = readAttributes(html, at, attributes);
    yield { name, attributes };
    if (!RAW_TEXT.has(name)) continue;
    at = lower.indexOf(`</${name}`, at);
    if (at < 0) return;
  }
}

function nameAt(text: string, at: number): string {
  let end = at;
  while (end < text.length && /[a-z0-9-]/.test(text.charAt(end))) end++;
  return text.slice(at, end);
}

/** Reads attributes from `at` into `attributes` until the tag's end and returns where that is. */
function readAttributes(html: string, at: number, attributes: Map<string, string>): number {
  let position = at;
  while (position < html.length) {
    position = skip(html, position, /[\s/]/);
    if (html.charAt(position) === '>') return position + 1;
    const nameEnd = skip(html, position + 1, /[^\s/>=]/);
    const name = html.slice(position, nameEnd).toLowerCase();
    position = skip(html, nameEnd, /\s/);
    let value = '';
    if (html.charAt(position) === '=') {
      position = skip(html, position + 1, /\s/);
      const quote = html.charAt(position);
      const quoted = quote === '"' || quote === "'";
      const start = quoted ? position + 1 : position;
      const end = quoted ? html.indexOf(quote, start) : skip(html, start, /[^\s>]/);
      if (end < 0) return html.length;
      value = html.slice(start, end);
      position = quoted ? end + 1 : end;
    }
    if (!attributes.has(name)) attributes.set(name, value.replaceAll('&amp;', '&'));
  }
  return position;
}

/** The first position from `at` on whose character is none of `these`. */
function skip(text: string, at: number, these: RegExp): number {
  let position = at;
  while (position < text.length && these.test(text.charAt(position))) position++;
  return position;
}
