/** Replaces every secret it has been told, wherever it appears. */
export interface Redactor {
  protect(secrets: readonly (string | undefined)[]): void;
  redact(text: string): string;
}

/** Shorter values would blacken ordinary words; the words of JSON would break every answer (`ALLOW_EMPTY_PASSWORD=true`). */
const shortestSecret = 4;
const ordinary = /^(true|false|null)$/;

export function createRedactor(): Redactor {
  const secrets = new Set<string>();
  return {
    protect(values) {
      for (const value of values) {
        if (value === undefined || value.length < shortestSecret || ordinary.test(value)) continue;
        secrets.add(value);
        secrets.add(JSON.stringify(value).slice(1, -1));
      }
    },
    redact(text) {
      let clean = text;
      for (const secret of [...secrets].toSorted((a, b) => b.length - a.length)) clean = clean.replaceAll(secret, '[redacted]');
      return clean;
    },
  };
}
