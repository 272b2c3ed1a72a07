// Questions that are under way: the same one, asked again meanwhile, waits for the same answer, so that
// nobody can have many forged answers tried against many copies of it (RFC 5452 §5).

import { canonicalName } from '../../wire/dns/name.ts';
import type { DnsType } from '../../wire/dns/types.ts';

/** Questions that wait at once; more are refused, so that dead servers do not make memory grow. */
const MOST_PENDING = 1000;

export class PendingQuestions<Answer> {
  readonly #pending = new Map<string, Promise<Answer>>();

  /** The answer to come, of `find` if nobody asked yet; undefined if too many questions are under way. */
  join(name: string, type: DnsType, find: () => Promise<Answer>): Promise<Answer> | undefined {
    const key = `${canonicalName(name)} ${type}`;
    const asked = this.#pending.get(key);
    if (asked !== undefined) return asked;
    if (this.#pending.size >= MOST_PENDING) return undefined;
    const answer = find().finally(() => this.#pending.delete(key));
    this.#pending.set(key, answer);
    return answer;
  }
}
