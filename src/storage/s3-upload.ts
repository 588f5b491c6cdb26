import { createHash, hash as hashOf } from 'node:crypto';
import type { Readable } from 'node:stream';
import { DavitError } from '../model/errors.ts';
import { chunksOf } from './chunks.ts';
import { cutIntoParts, type Part } from './s3-parts.ts';
import type { PutResult } from './storage.ts';
import { Whole } from './whole.ts';

export interface Receipt {
  readonly etag: string | undefined;
  /** False where the ETag may look like an MD5 but is none: with a customer's encryption key. */
  readonly mayBeMd5: boolean;
  /** The server is known to refuse a body that does not match the MD5 sent along. */
  readonly isChecked: boolean;
}

/** The requests an upload is made of. Each repeats what is transient; the last two are bounded and quiet. */
export interface UploadRequests {
  put(body: Buffer, md5: Buffer, signal: AbortSignal): Promise<Receipt>;
  create(signal: AbortSignal): Promise<string>;
  putPart(uploadId: string, number: number, body: Buffer, md5: Buffer, signal: AbortSignal): Promise<Receipt>;
  /** Returns the ETag of the whole. */
  complete(uploadId: string, etags: readonly string[], signal: AbortSignal): Promise<string | undefined>;
  abort(uploadId: string): Promise<void>;
  remove(): Promise<void>;
}

const attemptsPerPart = 3;

class WrongBytes extends DavitError {}

/** So much goes in one request. */
const largestWhole = 64 * 1024 * 1024;

/** Uploads parts while the next one fills. Complete is sent only after the data has ended well and every part has arrived. */
export async function upload(requests: UploadRequests, where: string, data: Readable, signal?: AbortSignal): Promise<PutResult> {
  if (data instanceof Whole && data.bytes.length <= largestWhole) return uploadWhole(requests, where, data, signal);
  const hash = createHash('sha256');
  let bytes = 0;
  let proven = true;
  let uploadId: string | undefined;
  const etags: string[] = [];
  const md5s: Buffer[] = [];
  const travelling = new Set<Promise<void>>();
  const stopping = new AbortController();
  const stop = signal ? AbortSignal.any([stopping.signal, signal]) : stopping.signal;

  async function send(part: Part, request: () => Promise<Receipt>): Promise<void> {
    try {
      const receipt = await confirm(where, part.md5, request);
      proven &&= receipt.proven;
      etags[part.number - 1] = receipt.etag;
      md5s[part.number - 1] = part.md5;
    } finally {
      part.release();
    }
  }

  function sendInBackground(part: Part, id: string): void {
    const sent = send(part, () => requests.putPart(id, part.number, part.body, part.md5, stop)).catch((error: unknown) =>
      stopping.abort(error),
    );
    travelling.add(sent);
    void sent.then(() => travelling.delete(sent));
  }

  try {
    const see = (chunk: Buffer) => {
      hash.update(chunk);
      bytes += chunk.length;
    };
    for await (const part of cutIntoParts(chunksOf(data, stop), see)) {
      if (part.number === 1 && part.isLast) {
        await send(part, () => requests.put(part.body, part.md5, stop)).catch((error: unknown) => removeIfStored(requests, error));
      } else {
        uploadId ??= await requests.create(stop);
        sendInBackground(part, uploadId);
      }
    }
    await Promise.all(travelling);
    stop.throwIfAborted();
    if (uploadId !== undefined) proven = isOfParts(await requests.complete(uploadId, etags, stop), md5s) && proven;
    return { bytes, sha256: hash.digest('hex'), proven };
  } catch (error) {
    const reason: unknown = stop.aborted ? stop.reason : error;
    stopping.abort(reason);
    data.destroy();
    await Promise.all(travelling);
    if (uploadId !== undefined) await requests.abort(uploadId);
    throw reason;
  }
}

async function uploadWhole(requests: UploadRequests, where: string, { bytes, sha256 }: Whole, signal?: AbortSignal): Promise<PutResult> {
  signal?.throwIfAborted();
  const md5 = hashOf('md5', bytes, 'buffer');
  const stop = signal ?? new AbortController().signal;
  const { proven } = await confirm(where, md5, () => requests.put(bytes, md5, stop)).catch((error: unknown) =>
    removeIfStored(requests, error),
  );
  return { bytes: bytes.length, sha256, proven };
}

/** A body that arrived wrong is already an object. */
async function removeIfStored(requests: UploadRequests, error: unknown): Promise<never> {
  if (error instanceof WrongBytes) await requests.remove();
  throw error;
}

/** The ETag of a whole is by custom the MD5 of its parts' MD5s; one of another kind tells nothing. */
function isOfParts(etag: string | undefined, md5s: readonly Buffer[]): boolean {
  const seen = /^"?([0-9a-f]{32}-\d+)"?$/.exec(etag ?? '')?.[1];
  return seen === undefined || seen === `${createHash('md5').update(Buffer.concat(md5s)).digest('hex')}-${md5s.length}`;
}

const looksLikeMd5 = /^"?([0-9a-f]{32})"?$/;

/** An ETag that is the MD5 of what was sent proves what arrived; another MD5 means that other bytes did. */
async function confirm(where: string, md5: Buffer, request: () => Promise<Receipt>): Promise<{ etag: string; proven: boolean }> {
  for (let attempt = 1; ; attempt++) {
    const { etag, mayBeMd5, isChecked } = await request();
    if (etag === undefined)
      throw new DavitError({ where, what: 'the storage gave no ETag for what it received', fix: 'use another S3 server' });
    const seen = mayBeMd5 ? looksLikeMd5.exec(etag)?.[1] : undefined;
    if (isChecked || seen === undefined) return { etag, proven: isChecked };
    if (seen === md5.toString('hex')) return { etag, proven: true };
    if (attempt === attemptsPerPart) {
      throw new WrongBytes({
        where,
        what: 'the storage received other bytes than were sent',
        seen: `MD5 ${seen} instead of ${md5.toString('hex')}`,
        fix: 'check the network and what lies between',
      });
    }
  }
}
