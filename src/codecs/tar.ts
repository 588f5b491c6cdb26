import { basename, dirname } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { AbsentPath, DavitError } from '../model/errors.ts';
import { exitError, programInput, programOutput, type Exit } from './program.ts';

/**
 * Everything a file has: numeric owners, modes, nanoseconds, links, holes, devices, attributes and ACLs. SELinux labels stay out: they belong
 * to the container that mounts the volume, and Docker sets them.
 */
const fidelity = ['--xattrs', '--xattrs-include=*', '--xattrs-exclude=security.selinux', '--acls', '--numeric-owner'];
const quoting = ['--quoting-style=escape'];

/** `exclude`: paths below `root`, literal, without leading `./`. */
export interface UnpackedTree {
  readonly root: string;
  readonly exclude: readonly string[];
  /** `root` is no folder but one file, which is called so in the archive. */
  readonly file?: string | undefined;
}

export interface PackedTree {
  readonly stream: Readable;
  /** Complete once the stream has ended. */
  warnings(): string[];
}

/** A tree as a tar stream. What changes or vanishes under tar's hands is a warning; what cannot be read is an error. */
export function packTree(tree: UnpackedTree, signal?: AbortSignal): PackedTree {
  const complaints = createComplaints();
  const excludes = tree.exclude.map((path) => `./${path}`);
  const stream = programOutput(
    'tar',
    tree.file === undefined
      ? [...packArguments(tree.root), ...excludes.filter(isAwkward).map((path) => `--exclude=${path}`), '.']
      : [...packArguments(dirname(tree.root)), `--transform=s|.*|./${tree.file.replace(/[\\|&]/g, '\\$&')}|SH`, `./${basename(tree.root)}`],
    {
      signal,
      stdin: excludes.filter((path) => !isAwkward(path)).join('\n'),
      onStderrLine: complaints.add,
      judge: (exit) => (exit.exitCode < 2 || complaints.areHarmless() ? undefined : complaints.error(tree.root, exit)),
    },
  );
  return { stream, warnings: complaints.warnings };
}

function packArguments(root: string): string[] {
  // The names of extended headers would otherwise hold tar's process id, and their times would change with every reading.
  const stable = '--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime';
  const whole = ['--create', '--file=-', '--format=posix', stable, '--sparse', '--blocking-factor=256'];
  return [...whole, ...fidelity, ...quoting, `--directory=${root}`, '--anchored', '--no-wildcards', '--exclude-from=-'];
}

/** tar reads one name per line and drops blanks at its end. */
function isAwkward(path: string): boolean {
  return /\n|\s$/.test(path);
}

/** tar stops reading where the archive ends, which may be before the end of its last record. */
const untar = 'tar "$@" && exec cat >/dev/null';
/** A folder hands its set-group-ID on to folders that are made in it, and tar leaves it there. The archive tells at its end what the root itself has. */
const untarWhole = `chmod g-s "$root" && ${untar}`;

/** Unpacks a tar stream into an existing directory; finishes when all of it is there. `path` is taken literally. */
export function unpackTree(root: string, path?: string, signal?: AbortSignal): Writable {
  const only = path === undefined ? undefined : memberName(path);
  const restoring = [
    '--extract',
    '--file=-',
    '--same-owner',
    '--same-permissions',
    '--delay-directory-restore',
    '--warning=no-timestamp',
    '--blocking-factor=256',
  ];
  const member = only ? memberArguments(only) : [];
  const script = only ? untar : untarWhole;
  return programInput(
    'sh',
    ['-c', `root=$1; shift; ${script}`, 'sh', root, ...restoring, ...fidelity, ...quoting, `--directory=${root}`, ...member],
    {
      signal,
      judge: (exit) => (exit.exitCode === 0 ? undefined : unpackError(root, only, exit)),
    },
  );
}

/** Reads plain bytes to their end. Of a tar, `path` has to be in it; it is looked for on the way, so that nothing is read twice. */
export async function readToEnd(plain: Readable, path?: string, signal?: AbortSignal): Promise<void> {
  if (path !== undefined) return pipeline(plain, seek(memberName(path), signal));
  for await (const _ of plain);
}

function seek(member: string, signal?: AbortSignal): Writable {
  const script = 'tar "$@" >/dev/null && exec cat >/dev/null';
  return programInput('sh', ['-c', script, 'sh', '--list', '--file=-', ...quoting, ...memberArguments(member)], {
    signal,
    judge: (exit) => (exit.exitCode === 0 ? undefined : unpackError('nowhere', member, exit)),
  });
}

function memberName(path: string): string {
  return path
    .split('/')
    .filter((segment) => segment !== '' && segment !== '.')
    .join('/');
}

/** A name is taken literally. */
function memberArguments(member: string): string[] {
  return ['--anchored', '--no-wildcards', '--no-unquote', `./${member}`];
}

/** Writes the content of a one-file archive into a file that may be mounted and so cannot be replaced; its owner and mode stay. */
export function unpackFile(target: string, signal?: AbortSignal): Writable {
  return programInput('sh', ['-c', 'tar --extract --file=- --to-stdout > "$1" && exec cat >/dev/null', 'sh', target], {
    signal,
    judge: (exit) => (exit.exitCode === 0 ? undefined : exitError(`tar (writing ${target})`, exit)),
  });
}

/** Compares a tar stream with what lies in a directory. tar says on stdout what differs. */
export function compareTree(root: string, signal?: AbortSignal): Writable {
  const script = 'tar "$@" >&2 && exec cat >/dev/null';
  return programInput('sh', ['-c', script, 'sh', '--compare', '--file=-', '--numeric-owner', ...quoting, `--directory=${root}`], {
    signal,
    judge: (exit) => (exit.exitCode === 0 ? undefined : differs(root, exit)),
  });
}

function differs(root: string, { stderr }: Exit): DavitError {
  const seen = stderr.trim().split('\n').slice(0, 5).join('; ');
  return new DavitError({ where: root, what: 'what was unpacked is not what is stored', seen });
}

function unpackError(root: string, only: string | undefined, exit: Exit): DavitError {
  if (/: Not found in archive$/m.test(exit.stderr)) {
    return new AbsentPath({
      where: `path "${only}"`,
      what: 'is not in this artifact',
      fix: 'list what is: davit cat ID ARTIFACT | tar -t',
    });
  }
  const full = /^.*(No space left on device|Disk quota exceeded|Wrote only \d+ of \d+ bytes)/m.exec(exit.stderr)?.[0];
  if (full !== undefined)
    return new DavitError({ where: root, what: 'the volume is full', seen: full, fix: 'free space in it, or give it more' });
  const target = /Cannot hard link to .\.\/(.+).: No such file/.exec(exit.stderr)?.[1];
  if (only && target) {
    return new DavitError({
      where: `path "${only}"`,
      what: 'has a hard link to a file outside of it',
      seen: target,
      fix: 'restore a folder that holds both',
    });
  }
  return exitError(`tar (unpacking into ${root})`, exit);
}

const shownWarnings = 100;
const changes = [/: file changed as we read it$/, /: File removed before we read it$/, /: File shrank by \d+ bytes; padding with zeros$/];

/** tar's messages, sorted: changes and things without content do no harm, everything else may. */
function createComplaints() {
  const warnings: string[] = [];
  const problems: string[] = [];
  let count = 0;
  const warn = (line: string) => void (++count <= shownWarnings && warnings.push(line));
  return {
    add: (message: string) => {
      const line = message.replace(/^tar: (\.\/(?=[^:]))?/, '');
      if (line.endsWith(': socket ignored') || line.startsWith('Exiting with failure status')) return;
      if (changes.some((change) => change.test(line))) warn(line);
      else if (/^tar: \.\/.+: Cannot \w+: No such file or directory$/.test(message))
        warn(line.replace(/Cannot .*$/, 'vanished before it was read'));
      else if (/: Warning: /.test(line)) warn(line);
      else if (problems.length < shownWarnings) problems.push(line);
    },
    warnings: () => [...warnings, ...problems, ...(count > shownWarnings ? [`and ${count - shownWarnings} more`] : [])],
    areHarmless: () => problems.length === 0 && count > 0,
    error: (root: string, exit: Exit) =>
      exitError(`tar (packing ${root})`, { ...exit, stderr: problems.slice(0, 5).join('\n') || exit.stderr }),
  };
}
