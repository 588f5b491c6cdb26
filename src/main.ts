#!/usr/bin/env node
import { createContext, createWorkerContext } from './app.ts';
import { createCli } from './commands/cli.ts';
import { worker } from './commands/worker.ts';
import { createRedactor } from './log.ts';
import { DavitError, exitCodes } from './model/errors.ts';

const stopping = new AbortController();
for (const name of ['SIGTERM', 'SIGINT'] as const) {
  process.on(name, () =>
    stopping.abort(
      new DavitError({
        where: 'davit',
        what: `was told to stop by ${name}`,
        fix: 'nothing was kept of what was under way; the next run starts over',
      }),
    ),
  );
}
const redactor = createRedactor();

/** The environment is read here and nowhere else. */
const run = createCli({
  createContext: (output) => createContext(process.env, output, stopping.signal, redactor),
  worker: () => worker(process.stdin, process.stdout, createWorkerContext),
  print: (text) => process.stdout.write(redactor.redact(text)),
  exit: (code) => void (process.exitCode = code),
});

try {
  await run(process.argv);
} catch (error) {
  const expected = error instanceof DavitError;
  process.stderr.write(
    redactor.redact(`davit: ${expected ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`),
  );
  process.exitCode = expected ? error.exitCode : exitCodes.failed;
}
