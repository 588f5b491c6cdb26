import type { Context } from '../context.ts';
import { messageOf } from '../model/errors.ts';
import type { FilesSource } from '../model/plan.ts';
import { artifactId } from '../model/snapshot.ts';
import type { EarlierTree } from '../repository/repository.ts';
import { readTree } from './files.ts';
import type { Run } from './run.ts';

/**
 * Where a format is incremental: reads every tree while its app still runs, so that it need not stand still for longer than it takes to read what changes
 * meanwhile. What fails here is tried again later, with consequences.
 */
export async function readAhead(context: Context, run: Run): Promise<Map<FilesSource, EarlierTree>> {
  const ahead = new Map<FilesSource, EarlierTree>();
  if (!context.repository.isIncremental(run.address.storage)) return ahead;
  for (const source of run.plan.sources) {
    if (source.kind !== 'files') continue;
    const startedAt = context.now().toISOString();
    try {
      const { tree } = await readTree(context, run, source, { ahead: true });
      if (tree !== undefined) ahead.set(source, { stored: tree, startedAt });
      context.log.info({ source: artifactId(source), bytes: tree?.plain.bytes, stored: tree?.stored.bytes }, 'read ahead');
    } catch (error) {
      context.signal.throwIfAborted();
      context.log.warn(
        { source: artifactId(source), error: messageOf(error) },
        'could not be read ahead, so its app stands still for longer',
      );
    }
  }
  return ahead;
}
