const option = /^--?[\w-]*(pass|secret|token|masterauth)[\w-]*$/i;
const inside = /((?:^|\s)--?[\w-]*(?:pass|secret|token|masterauth)[\w-]*[\s=]+)("[^"]+"|'[^']+'|[^\s"']+)/gi;

/**
 * The words of a command, with what follows an option that is named like a secret, as in `--requirepass x`, put through `replace`: as a word of its own, or in a
 * shell line that is one word. Paths and variables are no secrets.
 */
export function replaceSecrets(words: readonly string[], replace: (secret: string) => string): string[] {
  const replaced = (value: string): string => (/^[/$]/.test(value) ? value : replace(value));
  return words.map((word, at) => {
    if (!word.startsWith('-') && option.test(words[at - 1] ?? '')) return replaced(word);
    return word.replaceAll(inside, (_, named: string, value: string) => {
      const [quote = ''] = /^["']/.exec(value) ?? [];
      return `${named}${quote}${replaced(quote === '' ? value : value.slice(1, -1))}${quote}`;
    });
  });
}

export function secretsInWords(words: readonly string[]): string[] {
  const secrets: string[] = [];
  replaceSecrets(words, (secret) => {
    secrets.push(secret);
    return secret;
  });
  return secrets;
}
