import { readFileSync } from 'node:fs';
import { configurationError, messageOf } from '../model/errors.ts';

/** A path by its meaning, not the `_FILE` form of another variable. */
const ownFile = 'DAVIT_LABELS_FILE';

export type RawEnvironment = Readonly<Record<string, string | undefined>>;

/** Variables plus what their `_FILE` forms point to. Throws at an unreadable file, at both forms at once and at unknown `DAVIT_` names. */
export function resolveFiles(
  raw: RawEnvironment,
  read: (path: string) => string = (path) => readFileSync(path, 'utf8'),
): Record<string, string> {
  const resolved: Record<string, string> = {};
  for (const [name, value] of Object.entries(raw)) {
    if (value === '' && name.startsWith('DAVIT_'))
      throw configurationError({ where: 'environment', what: `${name} is set but empty`, fix: 'give it a value, or remove it' });
    if (value === undefined || value === '') continue;
    const plain = fileForm(name);
    if (plain === undefined) {
      resolved[name] ??= value;
      continue;
    }
    if (raw[plain]) throw configurationError({ where: 'environment', what: `${plain} and ${name} are both set`, fix: 'keep one of them' });
    try {
      resolved[plain] = read(value).trim();
    } catch (cause) {
      throw configurationError({
        where: 'environment',
        what: `${name} names a file that cannot be read`,
        seen: messageOf(cause),
        fix: 'check the path and the secrets or volumes of this service',
      });
    }
    if (resolved[plain] === '')
      throw configurationError({ where: 'environment', what: `${name} names an empty file`, seen: value, fix: 'put the value into it' });
  }
  return resolved;
}

const othersWithFile = new Set([
  'TZ',
  'DOCKER_HOST',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_REGION',
  'AWS_DEFAULT_REGION',
  'AWS_ENDPOINT_URL',
  'AWS_ENDPOINT_URL_S3',
]);

/** `DAVIT_X_FILE` → `DAVIT_X`, for Davit's own variables and for those of AWS that Davit reads; AWS's own `…_FILE` variables stay as they are. */
function fileForm(name: string): string | undefined {
  const plain = name.replace(/_FILE$/, '');
  if (name === ownFile || plain === name) return undefined;
  return plain.startsWith('DAVIT_') || othersWithFile.has(plain) ? plain : undefined;
}
