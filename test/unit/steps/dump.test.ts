import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { DavitError } from '../../../src/model/errors.ts';
import { dumpDatabase } from '../../../src/steps/dump.ts';
import { databaseSource, service, stack } from '../../support/builders.ts';
import { fakeContext } from '../../support/fake-context.ts';
import { runOf } from '../../support/run.ts';

/** A dump that the tool refuses. */
async function refused(labels: Record<string, string>, fix?: string): Promise<string> {
  const db = service('db', { labels });
  const context = fakeContext({ containers: [] });
  const docker = {
    read: () => {
      const stream = new PassThrough();
      stream.destroy(new DavitError({ where: 'container "db"', what: 'pg_dump exited with 1', seen: 'unrecognized option', fix }));
      return stream;
    },
  } as unknown as typeof context.docker;
  const error: unknown = await dumpDatabase({ ...context, docker }, runOf(stack(db)), databaseSource('db')).catch(
    (cause: unknown) => cause,
  );
  return String(error);
}

test('a dump that the tool refuses says how to see why', async () => {
  expect(await refused({ 'davit.dump': 'postgres' })).toMatch(
    /unrecognized option — `davit plan` shows the command: try it in the container$/,
  );
  expect(await refused({ 'davit.dump.options': '--nonsense' })).toMatch(
    / — `davit plan` .*, with `--nonsense` from label davit\.dump\.options: try/,
  );
  expect(await refused({ 'davit.dump.options': '--skip-comments' }, 'look at the log')).toMatch(
    / — look at the log; `davit plan` .*, with `--skip-comments` from label davit\.dump\.options: try/,
  );
  expect(await refused({ 'davit.dump': 'postgres' }, 'look at the log')).toMatch(/ — look at the log$/);
});
