#!/usr/bin/env node
import { createRedactor } from './redactor.ts';
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
// Whoever has heard enough, as `head` has, must not end a run that has stopped the app.
for (const output of [process.stdout, process.stderr])
  output.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
const redactor = createRedactor();

/** The environment is read here and nowhere else. What is started often, or beside a run, loads only what it needs. */
async function run(): Promise<void> {
  if (process.argv[2] === 'worker') {
    const { worker } = await import('./commands/worker.ts');
    return worker(process.stdin, process.stdout);
  }
  if (process.argv.slice(2).join(' ') === 'health') {
    const { describeHealth, health } = await import('./commands/health.ts');
    return void process.stdout.write(`${describeHealth(await health(new Date()))}\n`);
  }
  const [{ createCli }, { createContext }] = await Promise.all([import('./commands/cli.ts'), import('./app.ts')]);
  return createCli({
    createContext: (output) => createContext(process.env, output, stopping.signal, redactor),
    print: (text) => process.stdout.write(redactor.redact(text)),
    exit: (code) => void (process.exitCode = code),
  })(process.argv);
}

try {
  await run();
} catch (error) {
  const expected = error instanceof DavitError;
  process.stderr.write(
    redactor.redact(`davit: ${expected ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`),
  );
  process.exitCode = expected ? error.exitCode : exitCodes.failed;
}

// What could not be ended in time after a stop, such as a request that nobody answers, is left alone.
if (stopping.signal.aborted) process.exit();
// And what somebody has forgotten to close keeps nobody waiting who has been answered.
const isAnswered = (): boolean => process.stdout.writableLength + process.stderr.writableLength === 0;
setInterval(() => isAnswered() && process.exit(), 3000).unref();
