import { parseCompose } from '../docker/compose.ts';
import type { Container } from '../docker/docker.ts';

/**
 * The values that must never be printed: of variables that are named like a secret. One that is also a name which Davit has to print, such as that
 * of a service, a user or a database, is no secret to anybody, and without it no answer could be read.
 */
export function secretValues(containers: readonly Container[]): string[] {
  const variables = containers.flatMap(({ env }) => Object.entries(env));
  const named = new Set<string | undefined>([
    ...containers.flatMap(({ labels }) => [parseCompose(labels)?.project, parseCompose(labels)?.service]),
    ...variables.flatMap(([name, value]) => (isSecretName(name) || !isNameVariable(name) ? [] : [value])),
  ]);
  return variables.flatMap(([name, value]) => (isSecretName(name) && !named.has(value) ? [value] : []));
}

/** A path in a `_FILE` variable is no secret. */
export function isSecretName(name: string): boolean {
  return /PASS|SECRET|TOKEN|(^|_)KEY/i.test(name) && !name.endsWith('_FILE');
}

/** `MYSQL_USER`, `POSTGRES_DB`: both show in every plan. */
function isNameVariable(name: string): boolean {
  return /(^|_)(USER|USERNAME|DB|DATABASE)$/i.test(name);
}
