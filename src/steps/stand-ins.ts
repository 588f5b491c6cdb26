import { randomBytes } from 'node:crypto';
import type { Container, TwinSpec } from '../docker/docker.ts';
import { replaceSecrets, secretsInWords } from '../model/secret-words.ts';
import { isSecretName } from './secret-values.ts';

/** Settings such as ALLOW_EMPTY_PASSWORD=yes are named like a secret. */
const setting = /^(yes|no|true|false|on|off|0|1|)$/i;
const inAddress = /(:\/\/[^:/@\s]*:)([^@/\s]+)(?=@)/g;

/**
 * Passwords of their own for a throw-away server, so that the real ones are in no container that Davit makes. Everything in it finds its password where it finds it in
 * the real one; what is equal there is equal here.
 */
export function createStandIns(
  { env, command }: Pick<Container, 'env' | 'command'>,
  invent = (): string => `Drill${randomBytes(12).toString('hex')}`,
): TwinSpec['standIns'] {
  const secrets = [
    ...Object.entries(env).flatMap(([name, value]) => (isSecret(name, value) ? [value] : [])),
    ...secretsInWords([...command, ...Object.values(env)]),
  ];
  const standIns = new Map([...new Set(secrets)].map((secret) => [secret, invent()]));
  const standIn = (secret: string): string => standIns.get(secret) ?? invent();
  return {
    variable(name, value) {
      if (isSecret(name, value)) return standIn(value);
      return replaceSecrets([value], standIn)
        .join()
        .replaceAll(inAddress, (_, before: string, secret: string) => before + standIn(secret));
    },
    words: (words) => replaceSecrets(words, standIn),
  };
}

function isSecret(name: string, value: string): boolean {
  return isSecretName(name) && !setting.test(value) && !value.startsWith('/');
}
