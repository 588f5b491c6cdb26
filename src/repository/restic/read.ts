import { lendWhole } from '../../model/chunk.ts';
import type { Artifact } from '../../model/snapshot.ts';
import { createDigester, requireEqual } from '../digester.ts';
import type { Session } from './session.ts';
import type { Node } from './tree.ts';

/** The bytes of a file, one blob after another, each of which is what its id says; together they must be what the manifest says. */
export async function* readFile(
  { blobs }: Session,
  { file, plain }: Artifact,
  { content = [] }: Node,
  signal?: AbortSignal,
): AsyncGenerator<Buffer> {
  const whole = createDigester();
  for await (const bytes of blobs.readAll(content, signal)) {
    whole.see(bytes);
    yield lendWhole(bytes);
  }
  requireEqual(file, 'decoded', whole.digest(), plain);
}
