import { secretsInWords } from './model/secret-words.ts';

/** Replaces every secret it has been told, wherever it appears. */
export interface Redactor {
  protect(secrets: readonly (string | undefined)[]): void;
  /** Protects what follows an option that is named like a secret, as in `--requirepass x`: in a command's words, and in a shell line that is one of them. */
  protectOptions(words: readonly string[]): void;
  redact(text: string): string;
}

/** Shorter values are found by chance in ordinary words and numbers. */
const shortestSecret = 6;

/** What Davit itself prints all the time. Whoever chose one of these as a password has not kept it from anybody, and no answer could be read without them. */
const ordinary = new Set(
  'artifacts backup backups complete database default docker incomplete manifest mariadb mongodb password postgres postgresql service snapshot'.split(
    ' ',
  ),
);

export function createRedactor(): Redactor {
  const secrets = new Map<string, string | RegExp>();
  function protect(values: readonly (string | undefined)[]): void {
    for (const value of values) {
      if (value === undefined || value.length < shortestSecret || ordinary.has(value)) continue;
      for (const form of [value, JSON.stringify(value).slice(1, -1)]) secrets.set(form, pattern(form));
    }
  }
  return {
    protect,
    protectOptions: (words) => protect(secretsInWords(words)),
    redact(text) {
      let clean = text;
      for (const [, secret] of [...secrets].toSorted(([a], [b]) => b.length - a.length)) clean = clean.replaceAll(secret, '[redacted]');
      return clean;
    },
  };
}

/** A secret of digits only is a part of many a larger number, such as a size. */
function pattern(secret: string): string | RegExp {
  return /^\d+$/.test(secret) ? new RegExp(`(?<!\\d)${secret}(?!\\d)`, 'g') : secret;
}
