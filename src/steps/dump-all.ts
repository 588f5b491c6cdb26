import pLimit from 'p-limit';
import type { Context } from '../context.ts';
import { captureCommand } from './command.ts';
import { dumpDatabase } from './dump.ts';
import { attempt, type Run } from './run.ts';

/** More would share the same disk and cores. */
const concurrentDumps = 4;

/** Dumps all databases of the set and runs all its commands at the same time, so that they share a moment. */
export async function dumpAll(context: Context, run: Run): Promise<void> {
  const limit = pLimit(concurrentDumps);
  const sources = run.plan.sources.filter((source) => source.kind !== 'files');
  await Promise.all(
    sources.map((source) =>
      limit(() =>
        attempt(context, run, { service: source.service, source: source.name }, async () => {
          run.artifacts.push(await (source.kind === 'command' ? captureCommand(context, run, source) : dumpDatabase(context, run, source)));
        }),
      ),
    ),
  );
}
