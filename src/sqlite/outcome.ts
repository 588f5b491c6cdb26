import { z } from 'zod';

/** What the copying process found. */
export const outcomeSchema = z.discriminatedUnion('outcome', [
  z.object({
    outcome: z.literal('copied'),
    /** `ok`, or what the check said. */
    integrity: z.string(),
    /** What keeps the copy from being above doubt. */
    warnings: z.array(z.string()),
    details: z.record(z.string(), z.string()),
    tables: z.array(z.object({ name: z.string(), rows: z.number().optional() })),
    sqlite: z.string(),
  }),
  /** SQLite itself cannot read it: damaged beyond its first page, encrypted, or no database at all. */
  z.object({ outcome: z.literal('unreadable'), reason: z.string() }),
  /** Locked for longer than we wait; changed under our hands where no lock was to be had; no space for the copy. */
  z.object({ outcome: z.enum(['locked', 'changing', 'full']), reason: z.string() }),
]);
export type Outcome = z.infer<typeof outcomeSchema>;
export type Copied = Extract<Outcome, { outcome: 'copied' }>;
