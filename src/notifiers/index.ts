import { configurationError } from '../model/errors.ts';
import { healthchecks } from './healthchecks.ts';
import type { CreateNotifier, Notifier } from './notifier.ts';
import { ntfy } from './ntfy.ts';
import { webhook } from './webhook.ts';

/** The registry: what stands before `http://` or `https://`, with a plus. */
export const notifiers: Readonly<Record<string, CreateNotifier>> = { '': webhook, hc: healthchecks, ntfy };

/** One notifier for each address of `DAVIT_NOTIFY`. */
export function createNotifiers(addresses: readonly string[]): Notifier[] {
  return addresses.map((address) => {
    const [, kind = '', url = ''] = /^(?:(\w+)\+)?(https?:\/\/.+)$/.exec(address) ?? [];
    const create = notifiers[kind];
    if (create !== undefined && URL.canParse(url)) return create(new URL(url));
    throw configurationError({
      where: 'environment',
      what: 'DAVIT_NOTIFY has an address of an unknown kind',
      fix: `write https://…, ${Object.keys(notifiers)
        .filter(Boolean)
        .map((name) => `${name}+https://…`)
        .join(' or ')}`,
    });
  });
}

/** Shorter parts of an address, such as a topic, are words that a log may hold for other reasons. */
const shortestSecret = 16;

/** What of the addresses must not be seen: each as a whole, passwords, and what is long enough to be a token. */
export function secretsOf(addresses: readonly string[]): string[] {
  return addresses.flatMap((address) => {
    const url = address.replace(/^\w+\+/, '');
    if (!URL.canParse(url)) return [address];
    const { username, password, pathname, search } = new URL(url);
    return [url, password, ...[username, pathname.slice(1), search.slice(1)].filter(({ length }) => length >= shortestSecret)];
  });
}
