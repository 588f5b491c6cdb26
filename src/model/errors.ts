/** Exit codes of every command; part of the contract with users. */
export const exitCodes = { ok: 0, failed: 1, configuration: 2, partial: 3 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** The four parts of an error that a person can act on: where it happened, what went wrong, what was seen, what to do. */
export interface Complaint {
  readonly where: string;
  readonly what: string;
  readonly seen?: string | undefined;
  readonly fix?: string | undefined;
}

/** One line in reading order: `where: what, seen — fix`. */
export function sentence({ where, what, seen, fix }: Complaint): string {
  return `${where}: ${what}${seen ? `: ${seen}` : ''}${fix ? ` — ${fix}` : ''}`;
}

/** Every error that Davit expects is a DavitError; anything else is a bug and is shown with its stack. */
export class DavitError extends Error {
  readonly complaint: Complaint;
  readonly exitCode: ExitCode;

  constructor(complaint: Complaint, options: { exitCode?: ExitCode; cause?: unknown } = {}) {
    super(sentence(complaint), options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'DavitError';
    this.complaint = complaint;
    this.exitCode = options.exitCode ?? exitCodes.failed;
  }
}

/** A container of this name is there, or is being created. */
export class NameTaken extends DavitError {}

/** A path that an artifact does not hold. */
export class AbsentPath extends DavitError {}

/** Wrong input of a person: label, variable, command line. Exit code 2. */
export function configurationError(complaint: Complaint, options: { cause?: unknown } = {}): DavitError {
  return new DavitError(complaint, { ...options, exitCode: exitCodes.configuration });
}

/** The same error with what to do, where it does not say that itself. */
export function advised(error: unknown, fix: string): unknown {
  if (!(error instanceof DavitError) || error.complaint.fix !== undefined) return error;
  return new DavitError({ ...error.complaint, fix }, { exitCode: error.exitCode, cause: error });
}

/** The same error, with more to know behind what to do. */
export function andAlso(error: unknown, where: string, more: string): DavitError {
  const { fix, ...complaint } = error instanceof DavitError ? error.complaint : { where, what: messageOf(error), fix: undefined };
  return new DavitError({ ...complaint, fix: fix === undefined ? more : `${fix}; ${more}` }, { cause: error });
}

/** What went wrong first, where leaving a scope has failed as well: often for the same reason. */
export function firstOf(error: unknown): unknown {
  return error instanceof Error && 'suppressed' in error ? firstOf(error.suppressed) : error;
}

/** The sentence of any error, without a stack. */
export function messageOf(thrown: unknown): string {
  const error = firstOf(thrown);
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}

/** The same without what to do, where something larger says that. */
export function factOf(thrown: unknown): string {
  const error = firstOf(thrown);
  return error instanceof DavitError ? sentence({ ...error.complaint, fix: undefined }) : messageOf(error);
}

/** Whether the system says one of these, such as ENOENT. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && codes.includes((error as NodeJS.ErrnoException).code ?? '');
}
