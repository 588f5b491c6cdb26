import { randomBytes, scrypt } from 'node:crypto';
import { z } from 'zod';
import { configurationError, DavitError } from '../../model/errors.ts';
import type { Storage } from '../../storage/storage.ts';
import { createSeal, type Keys, sha256 } from './crypto.ts';
import { getIfThere, idOf, listFiles, putProven } from './objects.ts';

const bytes = z.base64().transform((text) => Buffer.from(text, 'base64'));
const cost = { N: 32_768, r: 8, p: 1 };

/** A key file holds the master keys, sealed with keys that come from a password. */
const keyFile = z.object({
  kdf: z.literal('scrypt'),
  N: z
    .number()
    .int()
    .positive()
    .max(2 ** 24),
  r: z.number().int().positive().max(64),
  p: z.number().int().positive().max(64),
  salt: bytes,
  data: bytes,
});
const masterKeys = z.object({ mac: z.object({ k: bytes, r: bytes }), encrypt: bytes });

async function keysOf(password: string, salt: Buffer, { N, r, p }: typeof cost): Promise<Keys> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const options = { N, r, p, maxmem: 128 * N * r * 2 + 1024 * 1024 };
  scrypt(password, salt, 64, options, (error, derived) => (error ? reject(error) : resolve(derived)));
  const derived = await promise;
  return { encrypt: derived.subarray(0, 32), k: derived.subarray(32, 48), r: derived.subarray(48) };
}

/** The master keys that the password opens, of which only those count that open the repository; none when there is no key at all. */
export async function openKeys(storage: Storage, password: string): Promise<Keys[]> {
  const whole: string[] = [];
  const damaged: string[] = [];
  const found: Keys[] = [];
  for await (const { key } of listFiles(storage, 'keys')) {
    const text = await getIfThere(storage, key);
    if (text === undefined) continue;
    const isWhole = sha256(text) === idOf(key);
    (isWhole ? whole : damaged).push(key);
    if (!isWhole) continue;
    const file = keyFile.parse(JSON.parse(text.toString()));
    const opened = createSeal(await keysOf(password, file.salt, file)).open(file.data);
    if (opened === undefined) continue;
    const { mac, encrypt } = masterKeys.parse(JSON.parse(opened.toString()));
    found.push({ encrypt, ...mac });
  }
  if (found.length > 0 || whole.length + damaged.length === 0) return found;
  if (damaged.length > 0)
    throw new DavitError({
      where: `${storage.location}/${damaged[0]}`,
      what: 'this key holds other bytes than were stored, and no other one opens',
      fix: 'bring it back from a copy of the repository: without it, nobody can read what is stored',
    });
  throw configurationError({
    where: 'DAVIT_PASSWORD',
    what: `opens none of the ${whole.length} keys of ${storage.location}`,
    fix: 'give the password that this repository was made with',
  });
}

export interface Created {
  readonly keys: Keys;
  readonly file: string;
}

/** New master keys, and the file that lets the password open them. */
export async function createKeys(storage: Storage, password: string): Promise<Created> {
  const master = { encrypt: randomBytes(32), k: randomBytes(16), r: randomBytes(16) };
  const salt = randomBytes(64);
  const base64 = (value: Buffer): string => value.toString('base64');
  const plain = { mac: { k: base64(master.k), r: base64(master.r) }, encrypt: base64(master.encrypt) };
  const data = createSeal(await keysOf(password, salt, cost)).seal(Buffer.from(JSON.stringify(plain)));
  const file = { created: new Date().toISOString(), username: 'davit', hostname: 'davit', kdf: 'scrypt', ...cost };
  const text = Buffer.from(JSON.stringify({ ...file, salt: base64(salt), data: base64(data) }));
  const key = `keys/${sha256(text)}`;
  await putProven(storage, key, text, sha256(text));
  return { keys: master, file: key };
}
