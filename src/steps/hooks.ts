import type { Hook, HookPhase } from '../config/labels.ts';
import type { Context } from '../context.ts';
import { DavitError } from '../model/errors.ts';
import type { Service } from './discover.ts';

/** `services` in the order in which their hooks run: by `davit.order`, then by name. */
export function hooksOf(services: readonly Service[], phase: HookPhase): { service: Service; hook: Hook }[] {
  return [...services]
    .toSorted((a, b) => (a.labels?.order ?? 0) - (b.labels?.order ?? 0) || a.name.localeCompare(b.name))
    .flatMap((service) => (service.labels?.hooks ?? []).filter((hook) => hook.phase === phase).map((hook) => ({ service, hook })));
}

/**
 * Runs one hook, never with a terminal. Throws only when its `on-error` is `fail`; answers with the warning otherwise. It is not aborted by a stop of
 * Davit: what it undoes must be undone.
 */
export async function runHook({ docker, log, now }: Context, service: Service, hook: Hook): Promise<string | undefined> {
  const label = `davit.hook.${hook.phase}${hook.name === '' ? '' : `.${hook.name}`}`;
  const startedAt = now();
  const problem = await outcome();
  const fields = { service: service.name, hook: label, ms: now().getTime() - startedAt.getTime() };
  if (problem === undefined) {
    log.info(fields, 'hook ran');
    return undefined;
  }
  if (hook['on-error'] === 'fail') throw problem;
  log.warn({ ...fields, error: problem.message }, 'hook failed');
  return problem.message;

  async function outcome(): Promise<DavitError | undefined> {
    const where = `service "${service.name}"`;
    const forbidden = hook['fail-on-output'];
    try {
      const { exitCode, stdout, stderr } = await docker.run(
        service.containers[0].id,
        // Of stderr only the end is kept, and what is looked for may stand anywhere.
        { argv: ['sh', '-c', forbidden === undefined ? hook.command : `exec 2>&1\n${hook.command}`], user: hook.user },
        { timeoutMs: hook.timeout, ...(hook.stdin === undefined ? {} : { stdin: `${hook.stdin}\n` }) },
      );
      const output = `${stdout}\n${stderr}`.trim();
      if (exitCode !== 0)
        return new DavitError({
          where,
          what: `${label} ended with exit code ${exitCode}`,
          seen: output.split('\n').at(-1),
          fix: 'run the command by hand in the container',
        });
      if (forbidden !== undefined && output.includes(forbidden))
        return new DavitError({
          where,
          what: `the output of ${label} contains what means failure`,
          seen: forbidden,
          fix: 'run the command by hand in the container',
        });
      return undefined;
    } catch (error) {
      if (error instanceof DavitError) return new DavitError({ where, what: `${label} failed`, seen: error.message }, { cause: error });
      throw error;
    }
  }
}
