import { configurationError } from '../model/errors.ts';
import type { Codec } from './codec.ts';
import { exitError, program, type Exit } from './program.ts';

export interface AgeKeys {
  /** Public: `age1…`. */
  readonly recipients: readonly string[];
  /** Secret: the lines of an identity file. Needed only to read. */
  readonly identity?: string | undefined;
}

/** age opens its identity by name, and a name needs a pipe: sh reads descriptor 3, then becomes age with the text waiting in a here-document. */
const decrypt = `identity=$(cat <&3); exec 3<&-; exec age --decrypt --identity /dev/fd/4 4<<END
$identity
END`;

/** Encryption to public keys, in the age format: Davit needs no secret to write a backup. */
export function createAge({ recipients, identity }: AgeKeys): Codec {
  return {
    name: 'age',
    extension: '.age',
    encode(signal) {
      if (recipients.length === 0) throw configurationError({ where: 'DAVIT_ENCRYPT_TO', what: 'names no recipient' });
      return program('age', ['--encrypt', ...recipients.flatMap((recipient) => ['--recipient', recipient])], {
        signal,
        judge: encodeError,
      });
    },
    decode(signal) {
      if (!identity)
        throw configurationError({
          where: 'DAVIT_IDENTITY',
          what: 'is needed to read an encrypted snapshot',
          fix: 'set it, or DAVIT_IDENTITY_FILE',
        });
      return program('sh', ['-c', decrypt], { signal, secret: identity, judge: decodeError });
    },
  };
}

function encodeError(exit: Exit) {
  return exit.exitCode === 0 ? undefined : exitError('age', withoutFooter(exit), 'check the recipients in DAVIT_ENCRYPT_TO');
}

function decodeError(exit: Exit) {
  if (exit.exitCode === 0) return undefined;
  const error = exitError('age', withoutFooter(exit));
  // Of the key, not of what it should open: that is not to be taken for damage.
  if (!/no identity matched|reading "\/dev\/fd\//i.test(exit.stderr)) return error;
  return configurationError({ ...error.complaint, fix: 'DAVIT_IDENTITY must hold the secret key of one of the recipients' });
}

function withoutFooter(exit: Exit): Exit {
  return { ...exit, stderr: exit.stderr.replace(/^age: report unexpected.*$/m, '') };
}
