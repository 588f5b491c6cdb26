import { pipeline, type Duplex, type Readable } from 'node:stream';
import type { Codec } from '../../codecs/codec.ts';
import { DavitError } from '../../model/errors.ts';
import type { Digest, StoredFile } from '../../model/snapshot.ts';
import type { Storage } from '../../storage/storage.ts';
import { createDigester, requireEqual } from '../digester.ts';

export type Encoded = Omit<StoredFile, 'file'>;

/** plain → count and hash → codecs → storage. */
export async function store(
  storage: Storage,
  codecs: readonly Codec[],
  key: string,
  plain: Readable,
  signal: AbortSignal,
): Promise<Encoded> {
  const source = createDigester((digest) => {
    if (digest.bytes === 0) throw new DavitError({ where: key, what: 'the source gave no data at all', fix: 'see why its dump is empty' });
  });
  const data = connect(plain, () => [source.stage, ...codecs.map((codec) => codec.encode(signal))]);
  const { bytes, sha256, proven } = await storage.put(key, data, signal).catch((error: unknown) => {
    throw signal.aborted ? signal.reason : error;
  });
  return { codecs: codecs.map(({ name }) => name), plain: source.digest(), stored: { bytes, sha256 }, proven };
}

/** storage → compare → codecs backwards → compare. The stream fails unless both sides are exactly what the manifest says. */
export async function load(
  storage: Storage,
  decoders: readonly Codec[],
  key: string,
  file: StoredFile,
  signal?: AbortSignal,
): Promise<Readable> {
  const stored = await storage.get(key, signal);
  const whole = createDigester((digest) => requireEqual(key, 'stored', digest, file.stored));
  const plain = createDigester((digest) => requireEqual(key, 'decoded', digest, file.plain));
  return connect(stored, () => [whole.stage, ...decoders.map((codec) => codec.decode(signal)), plain.stage]);
}

/** Reads a stored object to its end. */
export async function digestOf(storage: Storage, key: string, signal?: AbortSignal): Promise<Digest> {
  const { stage, digest } = createDigester();
  for await (const _ of connect(await storage.get(key, signal), () => [stage]));
  return digest();
}

/** An error anywhere becomes the error of the last stage; who stops reading it, stops the source. */
function connect(source: Readable, createStages: () => Duplex[]): Readable {
  try {
    const stages = createStages();
    pipeline([source, ...stages], () => undefined);
    return stages.at(-1) ?? source;
  } catch (error) {
    source.on('error', () => undefined).destroy();
    throw error;
  }
}
