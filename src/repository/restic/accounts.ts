import { readFileSync } from 'node:fs';

/** Names of users and groups by number, as this machine knows them; restoring goes by the numbers. */
export interface Accounts {
  user(uid: number): string | undefined;
  group(gid: number): string | undefined;
}

export function readAccounts(): Accounts {
  const [users, groups] = [namesIn('/etc/passwd'), namesIn('/etc/group')];
  return { user: (uid) => users.get(uid), group: (gid) => groups.get(gid) };
}

function namesIn(file: string): Map<number, string> {
  try {
    const rows = readFileSync(file, 'utf8')
      .split('\n')
      .map((line) => line.split(':'));
    return new Map(rows.toReversed().map(([name = '', , number]) => [Number(number ?? Number.NaN), name]));
  } catch {
    return new Map();
  }
}
