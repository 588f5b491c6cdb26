import type { DavitError } from './errors.ts';
import type { Artifact } from './snapshot.ts';

interface SourceOf<K extends Artifact['kind']> {
  readonly kind: K;
  readonly service: string;
  /** Name of the artifact it becomes. */
  readonly name: string;
  readonly order: number;
}

export interface DatabaseSource extends SourceOf<'database' | 'accounts'> {
  readonly engine: string;
  readonly extension: string;
  readonly database?: string;
  readonly details: Readonly<Record<string, string>>;
  readonly server: string;
  readonly tool: string;
  /** The exact command, without any secret. */
  readonly command: string;
  readonly warnings: readonly string[];
}

export interface FilesSource extends SourceOf<'files'> {
  /** Container path of the tree. */
  readonly path: string;
  readonly mount: {
    readonly type: 'volume' | 'bind';
    readonly source: string;
    readonly destination: string;
    readonly subpath?: string | undefined;
  };
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  /** Which SQLite databases in it are copied safely; globs of container paths. */
  readonly sqlite: 'auto' | 'none' | readonly string[];
}

export interface CommandSource extends SourceOf<'command'> {
  readonly engine: 'command';
  readonly extension: string;
  /** As the label says it. */
  readonly command: string;
  /** The file that the command writes, instead of stdout. */
  readonly collect?: string;
  /** Whether the labels say a way back. */
  readonly restorable: boolean;
}

export type Source = DatabaseSource | FilesSource | CommandSource;

/** Something that is not captured, and why. */
export interface Skipped {
  readonly service: string;
  readonly what: string;
  readonly why: string;
}

export interface Problem {
  readonly service: string;
  readonly error: DavitError;
  /** Wrong for a backup, but nothing that keeps a restore from saving what is there first. */
  readonly absent?: boolean;
}

export interface Plan {
  readonly stack: string;
  readonly set: string;
  readonly sources: readonly Source[];
  /** Services whose database is dumped, or would be if it answered: they never stand still. */
  readonly dumped: readonly string[];
  readonly skipped: readonly Skipped[];
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
}

/** In the order of capture: databases and commands, then files; inside each by `davit.order`, then by name. */
export function byOrder(a: Source, b: Source): number {
  return (
    Number(a.kind === 'files') - Number(b.kind === 'files') ||
    a.order - b.order ||
    a.service.localeCompare(b.service) ||
    a.name.localeCompare(b.name)
  );
}
