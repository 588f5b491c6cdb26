import type { Command, Container } from '../docker/docker.ts';
import type { Artifact, Table } from '../model/snapshot.ts';

/** Where a database's credentials lie *inside its own container*. Their values are never known to Davit. */
export interface Access {
  readonly user?: string | undefined;
  readonly passwordEnv?: string | undefined;
  readonly passwordFile?: string | undefined;
  /** Extra arguments for the dump tool. */
  readonly options: readonly string[];
}

/** The container and how to log in to the database in it. */
export interface Target {
  readonly container: Container;
  readonly access: Access;
}

export interface Database {
  readonly name: string;
  /** What is needed to create it again: charset, collation, owner. */
  readonly details: Readonly<Record<string, string>>;
  readonly warnings: readonly string[];
}

export interface Inventory {
  readonly server: string;
  readonly tool: string;
  readonly databases: readonly Database[];
  /** Everything at once, for servers that have one moment only so: `*` takes it instead of every database by itself. */
  readonly whole?: Database;
  /** False when the login sees only its own account: then no accounts are dumped, and `warnings` says so. */
  readonly accounts: boolean;
  readonly warnings: readonly string[];
}

/** Watches a dump go by. */
export interface Inspector {
  /** The chunk is only there for the call: what is needed later is copied. */
  see(chunk: Buffer): void;
  /** The tables found, where the format tells. Throws a DavitError when the dump lacks its end or its structure is broken. */
  conclude(): Table[] | undefined;
}

export interface Dump {
  readonly command: Command;
  readonly extension: string;
  inspect(): Inspector;
}

/**
 * How one kind of database is dumped and restored, by its own tools in its own container. Everything here is pure: commands are data,
 * outputs are parsed. The words of a command hold names and `$VARIABLES`, never a secret. A dump command's stdout is the artifact;
 * a restore command reads the artifact on stdin, recreates what it restores, and exits with 0 only when all of it is in.
 */
export interface Engine {
  readonly name: string;
  recognises(container: Container, processes: readonly string[]): boolean;
  /** A volume mounted at, above or below one of these is the server's own and is never archived. */
  readonly dataDirectories: readonly string[];
  /** Name of the accounts artifact: `@accounts`, `@roles`; undefined when there are none. */
  readonly accounts: string | undefined;
  /** Accounts hold grants on tables and routines, which can only be given when these are there: they are restored before the databases, and again after them. */
  readonly grantsObjects: boolean;
  /** Options of the dump tool that leave out what no restore can do without. */
  readonly leavesOut?: RegExp;
  inventory(target: Target): Command;
  readInventory(stdout: string): Inventory;
  /** `database` undefined: the accounts. */
  dump(target: Target, database: Database | undefined): Dump;
  restore(target: Target, artifact: Artifact): Command;
  /** Whether a server of this version takes what one of that version dumped; where it is missing, all do that can. */
  canLoad?(dumped: string, server: string): boolean;
  /** Exits with 0 when the real server, not a set-up one, accepts the login, and says 1 when this login may restore everything. */
  ready(target: Target): Command;
  /** The same without the network, for a server that has none, or another port: a set-up server may answer as well. */
  readyInside?(target: Target): Command;
  /** The words of the server's command without those that would have it wait for others, so that it works alone. */
  alone?(words: readonly string[]): string[];
  /** Counts tables and rows as they are now; undefined where an artifact has none. */
  census(target: Target, artifact: Artifact): Command | undefined;
  readCensus(stdout: string): Table[];
}
