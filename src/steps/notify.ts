import type { Context } from '../context.ts';
import { messageOf } from '../model/errors.ts';
import { type Manifest, storedBytes } from '../model/snapshot.ts';
import type { Notice } from '../notifiers/notifier.ts';

const limitMs = 10_000;
/** Docker waits ten seconds in all for a container that it stops. */
const limitWhenStoppingMs = 2_000;

type Told = Pick<Context, 'notifiers' | 'log' | 'redactor' | 'signal'>;

/** Tells everybody at the same time. Who cannot be told is a warning in the log: a backup is as good without it. */
export async function notify({ notifiers, log, redactor, signal }: Told, notice: Notice): Promise<void> {
  const { error, warnings } = notice;
  const clean = {
    ...notice,
    ...(error === undefined ? {} : { error: redactor.redact(error) }),
    ...(warnings === undefined ? {} : { warnings: warnings.map((warning) => redactor.redact(warning)) }),
  };
  const limit = signal.aborted ? AbortSignal.timeout(limitWhenStoppingMs) : AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);
  await Promise.all(
    notifiers.map((notifier) =>
      notifier
        .notify(clean, limit)
        .catch((error: unknown) => log.warn({ notifier: notifier.name, error: messageOf(error) }, 'could not notify')),
    ),
  );
}

/** How the run of a set ended. */
export function noticeOf(stack: string, set: string, durationMs: number, end: { manifest?: Manifest; error?: unknown }): Notice {
  const { manifest, error } = end;
  const stored = manifest && { snapshot: manifest.id, bytes: storedBytes(manifest) };
  if (manifest === undefined || error !== undefined)
    return { stack, set, status: 'failed', error: messageOf(error), durationMs, ...stored };
  const failures = manifest.failures.map(
    (failure) => `${failure.service}${failure.source === undefined ? '' : `/${failure.source}`}: ${failure.error}`,
  );
  return {
    stack,
    set,
    status: manifest.status,
    durationMs,
    ...stored,
    ...(failures.length > 0 ? { error: failures.join('\n') } : {}),
    ...(manifest.warnings.length > 0 ? { warnings: manifest.warnings } : {}),
  };
}
