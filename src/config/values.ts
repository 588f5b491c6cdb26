import { posix } from 'node:path';
import { z } from 'zod';
import { parseKeep } from '../model/retention.ts';
import type { Share } from '../model/share.ts';

/** Text values that a person writes in a label or variable, each with the sentence that is shown when it does not fit. */

export const flag = z.enum(['true', 'false'], { error: 'expected true or false' }).transform((text) => text === 'true');

export const wholeNumber = z
  .string()
  .regex(/^-?\d{1,9}$/, { error: 'expected a whole number' })
  .transform(Number);

/** Separated by commas, or by line breaks as in a file; blanks around them do not count. */
export const list = separatedBy(/[,\n]/);

function separatedBy(separator: RegExp) {
  return z.string().transform((text) =>
    text
      .split(separator)
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  );
}

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/** Timers count milliseconds in 31 bits, 24.8 days; what is longer would end at once. */
const longestMs = 24 * 24 * unitMs.h;

/** `90s`, `5m`, `1h` → milliseconds. */
export const duration = z
  .string()
  .regex(/^\d{1,9}(ms|s|m|h)$/, { error: 'expected a duration such as 30s, 5m or 1h' })
  .transform((text) => {
    const [, amount = '0', unit = 's'] = /^(\d+)(\w+)$/.exec(text) ?? [];
    return Number(amount) * unitMs[unit as keyof typeof unitMs];
  })
  .refine((milliseconds) => milliseconds <= longestMs, { error: 'expected at most 576h, which is 24 days' });

/** As the time zone database names them, because that is what reckons with summer time. */
export const timeZone = z.string().refine(isTimeZone, { error: 'expected a time zone such as UTC or Europe/Berlin' });

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** `:8080` is every address of this container. */
export const listenAddress = z.string().transform((text, context) => {
  const [, brackets, name, port = ''] = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]*)):(\d{1,5})$/.exec(text) ?? [];
  const host = brackets ?? name;
  if (host !== undefined && Number(port) >= 1 && Number(port) <= 65_535)
    return { host: host === '' ? undefined : host, port: Number(port) };
  context.addIssue({ code: 'custom', message: 'expected :port or host:port, such as :8080 or 127.0.0.1:8080' });
  return z.NEVER;
});

/** Becomes a path segment of the repository. */
export const setName = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, { error: 'expected a name of a-z, 0-9, - and _' });

export const variableName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: 'expected the name of a variable inside the container' });

export const absolutePath = z.string().regex(/^\/[^\0]*$/, { error: 'expected an absolute path inside the container' });

const plainPaths = z.array(absolutePath.transform(plainPath)).min(1, { error: 'expected at least one absolute path' });

export const absolutePaths = list.pipe(plainPaths);

/** As Docker has it: a person may write `..` or a slash too many, such as one behind a folder. */
export function plainPath(path: string): string {
  return posix.normalize(path).replace(/(?<=.)\/$/, '');
}

/** A comma in braces is a part of the glob. */
export const globs = separatedBy(/,(?![^{}]*\})|\n/).pipe(plainPaths);

/** Split like a shell splits words, with quotes but without expansion. */
export const words = z.string().transform((text, context) => {
  const parts = text.match(/(?:[^\s"']+|"[^"]*"|'[^']*')+/g) ?? [];
  if ((text.replace(/"[^"]*"|'[^']*'/g, '').match(/["']/g) ?? []).length > 0) {
    context.addIssue({ code: 'custom', message: 'a quote is not closed' });
    return z.NEVER;
  }
  return parts.map((part) =>
    part.replace(/"([^"]*)"|'([^']*)'/g, (_, double: string | undefined, single: string | undefined) => double ?? single ?? ''),
  );
});

/** `last=3,daily=7` → counts. */
export const keep = z.string().transform((text, context) => {
  const policy = parseKeep(text);
  if (policy !== undefined) return policy;
  context.addIssue({
    code: 'custom',
    message: 'expected last=, daily=, weekly=, monthly= or yearly= with whole numbers, such as last=3,daily=7',
  });
  return z.NEVER;
});

/** Restic tells the parts by the first byte of a hash. */
const mostParts = 256;

/** `10%`, `1/5` → a share of what is stored. */
export const share = z.string().transform((text, context): Share => {
  const [, percent] = /^(\d{1,3}(?:\.\d{1,6})?)%$/.exec(text) ?? [];
  if (Number(percent) > 0 && Number(percent) <= 100) return { percent: Number(percent) };
  const [part = 0, of = 0] = (/^(\d{1,3})\/(\d{1,3})$/.exec(text) ?? []).slice(1).map(Number);
  if (part >= 1 && part <= of && of <= mostParts) return { part, of };
  context.addIssue({ code: 'custom', message: 'expected a share such as 10% or 1/5, with at most 256 parts' });
  return z.NEVER;
});

export const expectedLocation = 'expected s3://bucket/prefix or file:///path, or either behind restic+';

/** Where snapshots go. Nothing in it is passed over in silence, such as a port, or a key that belongs elsewhere. */
export const location = z.string().refine(isLocation, { error: expectedLocation });

function isLocation(text: string): boolean {
  const form = /^(restic\+)?(s3:\/\/[^/?#@:\s]+(\/[^?#]*)?|file:\/\/\/[^/?#][^?#]*)$/;
  return form.test(text) && !/%(?![0-9a-f]{2})/i.test(text) && URL.canParse(text);
}
