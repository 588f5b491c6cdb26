import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { configurationError, messageOf } from '../model/errors.ts';
import { prefix } from './labels.ts';

export type LabelsByService = Readonly<Record<string, Readonly<Record<string, string>>>>;

const value = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const fileSchema = z.strictObject({
  services: z.record(z.string(), z.record(z.string().startsWith(prefix, { error: `every key starts with ${prefix}` }), value)),
});

/** Labels from a file, for compose files that are generated and would lose them. Read at every run, so that a change needs no restart. */
export function readLabelsFile(
  path: string | undefined,
  read: (path: string) => string = (file) => readFileSync(file, 'utf8'),
): LabelsByService {
  if (path === undefined) return {};
  try {
    return fileSchema.parse(parse(read(path))).services;
  } catch (cause) {
    const seen =
      cause instanceof z.ZodError
        ? cause.issues
            .map((issue) => `${issue.path.join('.')}: ${issue.code === 'invalid_key' ? `every key starts with ${prefix}` : issue.message}`)
            .join('; ')
        : messageOf(cause);
    throw configurationError(
      {
        where: `DAVIT_LABELS_FILE ${path}`,
        what: 'cannot be used',
        seen,
        fix: 'write `services: {name: {davit.enable: true}}` and mount the file into this container',
      },
      { cause },
    );
  }
}
