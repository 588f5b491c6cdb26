import { z } from 'zod';

/** What came of one artifact in a drill. */
export const drilledSchema = z.object({
  /** `service/name`. */
  artifact: z.string(),
  /** Loaded into a new server, or checked as a SQLite database; unpacked into a new volume; only read, because its own restore command needs its app. */
  how: z.enum(['restored', 'unpacked', 'read']),
  ms: z.number(),
  tables: z.number().optional(),
  rows: z.number().optional(),
  /** Files, folders and links. */
  entries: z.number().optional(),
  /** Of the server that it was loaded into. */
  image: z.string().optional(),
  note: z.string().optional(),
  /** Why it could not be restored; without it, all is well. */
  error: z.string().optional(),
});
export type Drilled = z.infer<typeof drilledSchema>;
export type Proof = Pick<Drilled, 'tables' | 'rows' | 'entries' | 'image' | 'note'>;

/** A drill of the newest good snapshot of a set, or of a snapshot that somebody named. */
export interface DrillReport {
  readonly set: string;
  readonly snapshot?: string;
  readonly startedAt: string;
  readonly ms: number;
  readonly artifacts: readonly Drilled[];
  /** Why there was nothing to try. */
  readonly error?: string;
}

export function isProven({ error, artifacts }: DrillReport): boolean {
  return error === undefined && artifacts.every((artifact) => artifact.error === undefined);
}

/** Everything that went wrong, in one text. */
export function failureOf(report: DrillReport): string | undefined {
  const failed = report.artifacts.flatMap(({ artifact, error }) => (error === undefined ? [] : [`${artifact}: ${error}`]));
  return isProven(report) ? undefined : [...(report.error === undefined ? [] : [report.error]), ...failed].join('\n');
}
