import { codecsForWriting, createCodecs } from '../codecs/index.ts';
import { type Environment, locationsOf } from '../config/environment.ts';
import { configurationError } from '../model/errors.ts';
import { deferred } from '../storage/deferred.ts';
import { createFilesystemStorage } from '../storage/filesystem.ts';
import { metered } from '../storage/metered.ts';
import type { Owner } from '../storage/owner.ts';
import { placeOf, rootOf, type S3Options } from '../storage/s3-settings.ts';
import type { Storage } from '../storage/storage.ts';
import { combined } from './combined.ts';
import { createPortableRepository } from './portable/index.ts';
import type { Repository } from './repository.ts';

type Variables = Readonly<Record<string, string>>;
type Settings = Pick<Environment, 'DAVIT_STORAGE' | 'storages' | 'DAVIT_ENCRYPT_TO' | 'DAVIT_IDENTITY' | 'DAVIT_PASSWORD' | 'DAVIT_PROVE'>;

/** The registry of formats and storages: the repositories that the locations mean, as one. `variables` holds the credentials; `count` hears of every byte that moves; `owner`: whose files they shall be, where that is not this process. */
export async function createRepository(
  settings: Settings,
  variables: Variables,
  count: (bytes: number) => void,
  owner?: Owner,
): Promise<Repository> {
  const { DAVIT_ENCRYPT_TO: recipients, DAVIT_IDENTITY: identity, DAVIT_PASSWORD: password, DAVIT_PROVE } = settings;
  const keys = { recipients, identity };
  refuseUselessRecipients(settings);
  refuseUselessPassword(settings);
  const decoders = createCodecs(keys);
  const repositories = new Map<string, Repository>();
  for (const [name, location] of Object.entries(locationsOf(settings))) {
    const plain = location.replace(inResticFormat, '');
    const storage = metered(createStorage(plain, variables, owner), count);
    if (plain === location)
      repositories.set(name, createPortableRepository({ storage, codecs: codecsForWriting(decoders, keys), decoders }));
    else
      repositories.set(
        name,
        (await import('./restic/index.ts')).createResticRepository({
          storage,
          password: requirePassword(password, location),
          prove: DAVIT_PROVE === 'on',
        }),
      );
  }
  return combined(repositories);
}

const inResticFormat = /^restic\+/;

function requirePassword(password: string | undefined, location: string): string {
  if (password !== undefined) return password;
  throw configurationError({
    where: 'environment',
    what: 'DAVIT_PASSWORD is not set, and a repository in the format of restic is always encrypted',
    seen: location,
    fix: 'set it, or DAVIT_PASSWORD_FILE, and keep a copy of it elsewhere',
  });
}

/** Whoever names recipients wants that this machine cannot read its backups: silence would deceive him. */
function refuseUselessRecipients({ DAVIT_ENCRYPT_TO: recipients, ...settings }: Settings): void {
  const locations = Object.values(locationsOf(settings));
  if (recipients.length === 0 || locations.some((location) => !inResticFormat.test(location))) return;
  throw configurationError({
    where: 'environment',
    what: 'DAVIT_ENCRYPT_TO says nothing to the format of restic, which is encrypted with DAVIT_PASSWORD, and readable from here',
    seen: locations.join(', '),
    fix: 'unset it, or store plain files: s3:// or file:// without restic+',
  });
}

/** And whoever gives a password wants that nobody else can read them. */
function refuseUselessPassword({ DAVIT_ENCRYPT_TO: recipients, DAVIT_PASSWORD: password, ...settings }: Settings): void {
  const locations = Object.values(locationsOf(settings));
  if (password === undefined || recipients.length > 0 || locations.some((location) => inResticFormat.test(location))) return;
  throw configurationError({
    where: 'environment',
    what: 'DAVIT_PASSWORD says nothing to plain files, which are not encrypted with it',
    seen: locations.join(', '),
    fix: 'write restic+ before the location, or unset it and encrypt to DAVIT_ENCRYPT_TO',
  });
}

function createStorage(location: string, variables: Variables, owner: Owner | undefined): Storage {
  const url = new URL(location);
  if (url.protocol === 'file:') return createFilesystemStorage(decodeURIComponent(url.pathname), owner);
  if (url.protocol === 's3:') {
    const options = s3Options(url, variables);
    const place = { location: placeOf(options, rootOf(options)), local: false };
    return deferred(place, async () => (await import('../storage/s3.ts')).createS3Storage(options));
  }
  throw configurationError({
    where: 'environment',
    what: 'DAVIT_STORAGE is of an unknown kind',
    seen: url.protocol,
    fix: 'write s3://bucket/prefix or file:///path',
  });
}

/** Credentials that lie in a file or profile of this container, for a worker that does not have it. */
export async function exportCredentials(settings: Settings, variables: Variables): Promise<Record<string, string>> {
  const location = Object.values(locationsOf(settings))
    .map((one) => one.replace(inResticFormat, ''))
    .find((one) => one.startsWith('s3:'));
  if (location === undefined) return {};
  return (await (await import('../storage/s3.ts')).exportCredentials(s3Options(new URL(location), variables))) ?? {};
}

function s3Options({ hostname, pathname }: URL, environment: Variables): S3Options {
  return { bucket: hostname, prefix: decodeURIComponent(pathname), environment };
}
