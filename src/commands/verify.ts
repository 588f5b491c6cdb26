import { share } from '../config/values.ts';
import type { Context } from '../context.ts';
import { configurationError, type ExitCode, exitCodes, messageOf } from '../model/errors.ts';
import type { Depth, Share } from '../model/share.ts';
import { verifyAll } from '../steps/verify.ts';
import { list, show, type Which } from './snapshots.ts';

export interface VerifyOptions {
  /** What `--read-data`, `--read-data=SHARE` or `--no-read-data` says. */
  readonly readData?: boolean | Share;
}

export interface Verification {
  readonly verified: string[];
  readonly problems: string[];
  /** How much was read, where that is not everything. */
  readonly read?: string;
}

/** `davit verify [ID]`: everything about one snapshot or all of them, down to every byte or to a share. All damage is reported, not only the first. */
export async function verify(
  context: Context,
  snapshot: string | undefined,
  { readData = true, ...which }: Which & VerifyOptions,
): Promise<Verification & { exitCode: ExitCode }> {
  const depth: Depth = typeof readData === 'object' ? readData : readData ? 'bytes' : 'sizes';
  const { manifests: listed, damaged } =
    snapshot === undefined ? await list(context, which) : { manifests: [await show(context, snapshot, which)], damaged: [] };
  const found = await verifyAll(context, listed, depth);
  // What retention has removed meanwhile is not damaged.
  const still = found.size === 0 ? listed : (await list(context, which)).manifests;
  const manifests = listed.filter((manifest) => !found.has(manifest) || still.some(({ id }) => id === manifest.id));
  const verified = manifests.filter((manifest) => !found.has(manifest)).map(({ id }) => id);
  const problems = [...damaged, ...manifests.flatMap((manifest) => found.get(manifest) ?? []).map(messageOf)];
  if (manifests.length === 0 && problems.length === 0) problems.push('there is no snapshot to verify — run `davit backup`');
  return { verified, problems, ...readOf(depth), exitCode: problems.length === 0 ? exitCodes.ok : exitCodes.failed };
}

function readOf(depth: Depth): Pick<Verification, 'read'> {
  if (depth === 'bytes') return {};
  if (depth === 'sizes') return { read: 'nothing' };
  return { read: 'of' in depth ? `${depth.part}/${depth.of}` : `${depth.percent}%` };
}

export function parseShare(text: string): Share {
  const { data, error } = share.safeParse(text);
  if (data !== undefined) return data;
  throw configurationError({
    where: 'davit verify --read-data',
    what: error.issues.map(({ message }) => message).join('; '),
    seen: text,
    fix: 'write --read-data=10%, --read-data=1/5, or nothing for everything; the snapshot stands before it',
  });
}

export function describeVerification({ verified, problems, read }: Verification): string {
  const part = read === undefined ? '' : read === 'nothing' ? ' (its bytes were not read)' : ` (${read} of its bytes were read)`;
  return [...verified.map((id) => `ok ${id}${part}`), ...problems.map((problem) => `x ${problem}`)].join('\n');
}
