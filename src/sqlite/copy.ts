import { statfs } from 'node:fs/promises';
import { dirname, extname } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { programOutput } from '../codecs/program.ts';
import { type Outcome, outcomeSchema } from './outcome.ts';

const script = fileURLToPath(new URL(`./process${extname(import.meta.url)}`, import.meta.url));

/** A safe copy of a live, resting or crashed database, in a process of its own that an abort kills. `target` is removed by the caller. */
export async function copySafely(source: string, target: string, bytes: number, signal: AbortSignal): Promise<Outcome> {
  const { bavail, bsize } = await statfs(dirname(target));
  if (bavail * bsize < bytes) return { outcome: 'full', reason: `it needs ${bytes} bytes, and ${bavail * bsize} are free` };
  const output = programOutput(process.execPath, ['--disable-warning=ExperimentalWarning', script, source, target], { signal });
  return outcomeSchema.parse(JSON.parse(await text(output)));
}
