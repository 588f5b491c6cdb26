import type { Readable } from 'node:stream';
import { DavitError } from '../model/errors.ts';

const limitBytes = 16 * 1024 * 1024;

/** The whole output of a command that is expected to say little. */
export async function collect(stream: Readable, where: string, tool: string): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > limitBytes) throw new DavitError({ where, what: `${tool} wrote more than 16 MiB where a short answer was expected` });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
