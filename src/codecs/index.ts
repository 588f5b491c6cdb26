import { createAge, type AgeKeys } from './age.ts';
import type { Codec } from './codec.ts';
import { zstd } from './zstd.ts';

/** Every codec by the name that manifests use for it. A new codec is one file and one line here. */
export function createCodecs(keys: AgeKeys): ReadonlyMap<string, Codec> {
  return new Map([zstd, createAge(keys)].map((codec) => [codec.name, codec]));
}

/** What is written: always compressed, and encrypted where a recipient is named. */
export function codecsForWriting(codecs: ReadonlyMap<string, Codec>, keys: AgeKeys): Codec[] {
  const names = keys.recipients.length > 0 ? ['zstd', 'age'] : ['zstd'];
  return names.flatMap((name) => codecs.get(name) ?? []);
}
