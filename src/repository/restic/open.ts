import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { DavitError } from '../../model/errors.ts';
import { MissingObject, type Storage } from '../../storage/storage.ts';
import { createSeal, type Seal, sha256, unseal } from './crypto.ts';
import { createKeys, openKeys } from './keys.ts';
import { getWhole, putProven } from './objects.ts';
import { isIrreducible, type Polynomial, randomPolynomial } from './polynomial.ts';

export interface Opened {
  readonly storage: Storage;
  readonly seal: Seal;
  readonly polynomial: Polynomial;
  /** Fails when the repository is not the one any more that was opened: somebody has made it anew at the same time, or over it. */
  requireSame(): Promise<void>;
}

const configName = 'config';
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
  const sealed = await getWhole(storage, configName).catch((error: unknown) => {
    if (error instanceof MissingObject) return undefined;
    throw error;
  });
  if (sealed === undefined) return undefined;
  const seals = (await openKeys(storage, password)).map(createSeal);
  const [first] = seals;
  if (first === undefined)
    throw new DavitError({ where: storage.location, what: 'is a repository without any key', fix: 'bring its folder `keys` back' });
  // Who makes a repository together with somebody else leaves a key behind that opens nothing.
  const seal = seals.find((one) => one.open(sealed) !== undefined) ?? first;
  const config: unknown = JSON.parse(unseal(seal, `${storage.location}/${configName}`, sealed).toString());
  const { version, chunker_polynomial: polynomial } = configSchema.parse(config);
  if (version === 2) return { storage, seal, polynomial, requireSame: () => requireConfig(storage, sealed) };
  throw new DavitError({
    where: storage.location,
    what: `is a repository of version ${version}, and Davit knows version 2`,
    fix: version === 1 ? 'upgrade it: restic migrate upgrade_repo_v2' : 'use a newer Davit',
  });
}

async function requireConfig(storage: Storage, sealed: Buffer): Promise<void> {
  if (sealed.equals(await getWhole(storage, configName))) return;
  throw new DavitError({ where: storage.location, what: 'was made anew by somebody else meanwhile', fix: 'run again' });
}

/** Makes the repository where there is none. Should somebody else do so at the same time, the last one wins, and a commit of the other is refused. */
export async function openOrCreate(storage: Storage, password: string): Promise<Opened> {
  const existing = await openExisting(storage, password);
  if (existing !== undefined) return existing;
  const keys = (await openKeys(storage, password))[0] ?? (await createKeys(storage, password));
  const config = { version: 2, id: randomBytes(32).toString('hex'), chunker_polynomial: randomPolynomial().toString(16) };
  const sealed = createSeal(keys).seal(Buffer.from(JSON.stringify(config)));
  await putProven(storage, configName, [sealed], sha256(sealed));
  const opened = await openExisting(storage, password);
  if (opened !== undefined) return opened;
  throw new DavitError({ where: storage.location, what: 'the repository is gone as soon as it was made', fix: 'check the storage' });
}
