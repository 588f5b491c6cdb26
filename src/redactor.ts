/** Replaces every secret it has been told, wherever it appears. */
export interface Redactor {
  protect(secrets: readonly (string | undefined)[]): void;
  /** Protects what follows an option that is named like a secret, as in `--requirepass x`: in a command's words, and in a shell line that is one of them. */
  protectOptions(words: readonly string[]): void;
  redact(text: string): string;
}

/** Shorter values would blacken ordinary words; the words of JSON would break every answer (`ALLOW_EMPTY_PASSWORD=true`). */
const shortestSecret = 4;
const ordinary = /^(true|false|null)$/;

export function createRedactor(): Redactor {
  const secrets = new Set<string>();
  function protect(values: readonly (string | undefined)[]): void {
    for (const value of values) {
      if (value === undefined || value.length < shortestSecret || ordinary.test(value)) continue;
      secrets.add(value);
      secrets.add(JSON.stringify(value).slice(1, -1));
    }
  }
  return {
    protect,
    protectOptions: (words) => protect(secretsInWords(words)),
    redact(text) {
      let clean = text;
      for (const secret of [...secrets].toSorted((a, b) => b.length - a.length)) clean = clean.replaceAll(secret, '[redacted]');
      return clean;
    },
  };
}

function secretsInWords(words: readonly string[]): string[] {
  const named = /(?:^|\s)--?[\w-]*(?:pass|secret|token|masterauth)[\w-]*[\s=]+(?:"([^"]+)"|'([^']+)'|([^\s"']+))/gi;
  const whole = words.filter(
    (word, at) => !word.startsWith('-') && /^--?[\w-]*(pass|secret|token|masterauth)[\w-]*$/i.test(words[at - 1] ?? ''),
  );
  const inside = words.flatMap((word) => [...word.matchAll(named)].map(([, ...quoted]) => quoted.find((one) => one !== undefined) ?? ''));
  return [...whole, ...inside].filter((value) => !/^[/$]/.test(value));
}
