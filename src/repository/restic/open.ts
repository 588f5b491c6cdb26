import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { DavitError } from '../../model/errors.ts';
import type { Storage } from '../../storage/storage.ts';
import { createSeal, type Seal, unseal } from './crypto.ts';
import { type Created, createKeys, openKeys } from './keys.ts';
import { getIfThere, listFiles } from './objects.ts';
import { isIrreducible, type Polynomial, randomPolynomial } from './polynomial.ts';

export interface Opened {
  readonly storage: Storage;
  readonly seal: Seal;
  readonly polynomial: Polynomial;
  /** Whether it is still the repository that was opened: somebody may have made one anew at the same time, or taken it away. */
  isSame(): Promise<boolean>;
}

const configName = 'config';
const settleMs = 300;
const configSchema = z.object({
  version: z.number(),
  id: z.string(),
  chunker_polynomial: z
    .string()
    .regex(/^[0-9a-f]{1,16}$/)
    .transform((hex) => BigInt(`0x${hex}`))
    .refine(isIrreducible),
});

/** Undefined: there is no repository here yet. */
export async function openExisting(storage: Storage, password: string): Promise<Opened | undefined> {
  const sealed = await readConfig(storage);
  if (sealed === undefined) return undefined;
  const seals = (await openKeys(storage, password)).map(createSeal);
  const [first] = seals;
  if (first === undefined) throw withoutKey(storage);
  // Who makes a repository together with somebody else leaves a key behind that opens nothing.
  const seal = seals.find((one) => one.open(sealed) !== undefined) ?? first;
  const config: unknown = JSON.parse(unseal(seal, `${storage.location}/${configName}`, sealed, 'take it away: it is made anew').toString());
  const { version, chunker_polynomial: polynomial } = configSchema.parse(config);
  if (version === 2) return { storage, seal, polynomial, isSame: async () => (await readConfig(storage))?.equals(sealed) === true };
  throw new DavitError({
    where: storage.location,
    what: `is a repository of version ${version}, and Davit knows version 2`,
    fix: version === 1 ? 'upgrade it: restic migrate upgrade_repo_v2' : 'use a newer Davit',
  });
}

function readConfig(storage: Storage): Promise<Buffer | undefined> {
  return getIfThere(storage, configName);
}

function withoutKey({ location }: Storage): DavitError {
  return new DavitError({ where: location, what: 'is a repository without any key', fix: 'bring its folder `keys` back' });
}

/** Also where the config is lost: to say that there are none would be wrong, and nothing of it is needed to read them. */
export async function hasSnapshots(storage: Storage): Promise<boolean> {
  for await (const _ of listFiles(storage, 'snapshots')) return true;
  return false;
}

/** Makes the repository where there is none. Should others do so at the same moment, the last one wins, and all of them use what it made. */
export async function openOrCreate(storage: Storage, password: string): Promise<Opened> {
  const existing = await openExisting(storage, password);
  if (existing !== undefined) return existing;
  const [known] = await openKeys(storage, password);
  if (known === undefined && (await hasSnapshots(storage))) throw withoutKey(storage);
  const created = known === undefined ? await createKeys(storage, password) : undefined;
  const config = { version: 2, id: randomBytes(32).toString('hex'), chunker_polynomial: randomPolynomial().toString(16) };
  const sealed = createSeal(known ?? (created as Created).keys).seal(Buffer.from(JSON.stringify(config)));
  if ((await readConfig(storage)) === undefined) await storage.put(configName, Readable.from([sealed], { objectMode: false }));
  // Until whoever saw no repository, as we did, has made his.
  await wait(settleMs);
  // A key that does not open the repository would mislead restic.
  if (created !== undefined && (await readConfig(storage))?.equals(sealed) !== true) await storage.remove([created.file]);
  const opened = await openExisting(storage, password);
  if (opened !== undefined) return opened;
  throw new DavitError({ where: storage.location, what: 'the repository is gone as soon as it was made', fix: 'check the storage' });
}
