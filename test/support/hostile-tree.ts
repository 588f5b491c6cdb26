import { execFileSync } from 'node:child_process';

/** Everything a volume may hold that careless archivers lose, made in the current folder by bash. Needs root, and Debian's acl and attr. */
export const hostileTree = String.raw`
umask 022
mkdir empty-dir deep 'with space'
mkdir -p deep/er/still
echo one >file; chown 1234:5678 file; chmod 4755 file
echo two >deep/two; chmod 2640 deep/two; chown 99:100 deep
: >empty-file
chmod 1777 'with space'; chmod 0700 empty-dir
ln -s file symlink; ln -s /nowhere/at/all dangling; ln -s '../with space' deep/up
ln file hardlink; ln deep/two deep/er/same
truncate -s 100M sparse; printf end | dd of=sparse bs=1 seek=50000000 conv=notrunc status=none
mkfifo fifo; mknod device c 1 3; mknod block b 7 99
echo x >"$(printf 'new\nline')"; echo x >' leading and trailing '; echo x >-dash; echo x >--help; echo x >'*?[a]'
echo x >"$(printf '\360\237\232\244 boat')"; echo x >"$(printf 'raw\377\376bytes')"; echo x >'back\slash\n'; echo x >"$(printf 'a%.0s' $(seq 200))"
setfattr -n user.comment -v 'kept' file; setfattr -n user.binary -v 0x00ff00 deep
setfattr -n security.capability -v 0x0100000200200000000000000000000000000000 deep/two
setfacl -m u:4321:rw,g:77:r empty-file; setfacl -d -m u:4321:rwx deep
touch -d '2020-02-02 02:02:02.123456789 UTC' file; touch -d '1935-05-05 05:05:05.987654321 UTC' deep/two
touch -h -d '2001-01-01 01:01:01.5 UTC' symlink dangling
touch -d '1999-12-31 23:59:59.999999999 UTC' deep empty-dir; touch -d '2038-01-20 00:00:00.1 UTC' empty-file
chown 33:33 .; chmod 2750 .; touch -d '2010-10-10 10:10:10.101010101 UTC' .
`;

export function makeHostileTree(root: string): void {
  execFileSync('bash', ['-e', '-c', hostileTree], { cwd: root });
}

/** One line per thing: name, kind, mode, owner, time, link target, link count, content, attributes, ACLs. Two equal trees have equal descriptions. */
export function describeTree(root: string): string[] {
  const run = (file: string, args: string[]) => execFileSync(file, args, { cwd: root, encoding: 'latin1', maxBuffer: 64 * 1024 * 1024 });
  const things = run('find', ['.', '-printf', String.raw`%p | %y | %m | %U:%G | %T@ | %l | %n\0`]).split('\0');
  const devices = run('find', ['.', '(', '-type', 'c', '-o', '-type', 'b', ')', '-exec', 'stat', '-c', '%n is %t:%T', '{}', '+']).split(
    '\n',
  );
  const contents = run('find', ['.', '-type', 'f', '-exec', 'sha256sum', '-z', '{}', '+']).split('\0');
  const attributes = run('bash', ['-c', 'find . -print0 | sort -z | xargs -0 getfattr -h -d -m - -e hex --']).split('\n\n');
  const acls = run('bash', ['-c', 'find . ! -type l -print0 | sort -z | xargs -0 getfacl -n --']).split('\n\n');
  return [...things, ...devices, ...contents, ...attributes, ...acls].filter((line) => line !== '').toSorted();
}

/** Bytes on the disk, holes not counted. */
export function usedBytes(path: string): number {
  return Number(execFileSync('stat', ['-c', '%b', path], { encoding: 'utf8' })) * 512;
}
