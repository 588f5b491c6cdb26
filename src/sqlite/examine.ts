import { DatabaseSync } from 'node:sqlite';
import { resultCode } from './copying.ts';
import type { Copied } from './outcome.ts';

const pragmas = {
  journalMode: 'journal_mode',
  userVersion: 'user_version',
  applicationId: 'application_id',
  pageSize: 'page_size',
  pageCount: 'page_count',
};

/**
 * What a copy holds, and whether it is whole. A schema may need what only its app has, such as a collation, or be damaged: then less can be told, and that
 * is said.
 */
export function examine(file: string): Omit<Copied, 'outcome'> {
  const database = new DatabaseSync(file, { enableDoubleQuotedStringLiterals: true, readOnly: true });
  try {
    const details = Object.entries(pragmas).flatMap(([name, pragma]) => {
      const row = attempt(() => database.prepare(`PRAGMA ${pragma}`).get());
      return row === undefined ? [] : [[name, Object.values(row).join()]];
    });
    return {
      ...check(database),
      details: Object.fromEntries(details) as Copied['details'],
      tables: tables(database),
      sqlite: process.versions['sqlite'] ?? 'of unknown version',
    };
  } finally {
    database.close();
  }
}

function check(database: DatabaseSync): Pick<Copied, 'integrity' | 'warnings'> {
  const doubts: string[] = [];
  for (const pragma of ['integrity_check', 'quick_check']) {
    try {
      const integrity = database
        .prepare(`PRAGMA ${pragma}(5)`)
        .all()
        .map((row) => Object.values(row).join())
        .join('; ');
      if (integrity !== 'ok') return { integrity, warnings: [`SQLite's integrity check says that it is damaged: ${integrity}`] };
      return { integrity, warnings: doubts.map((doubt) => `its indexes could not be compared with its tables: ${doubt}`) };
    } catch (error) {
      const said = (error as Error).message;
      if (resultCode(error) !== 1) return { integrity: said, warnings: [`SQLite's integrity check says that it is damaged: ${said}`] };
      doubts.push(said);
    }
  }
  return { integrity: 'unchecked', warnings: [`its integrity could not be checked: ${[...new Set(doubts)].join('; ')}`] };
}

function tables(database: DatabaseSync): Copied['tables'] {
  const found = attempt(() =>
    database.prepare("SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'shadow')").all(),
  );
  const names = (found ?? []).map(({ name }) => String(name)).filter((name) => !name.startsWith('sqlite_'));
  return names.toSorted().map((name) => {
    const row = attempt(() => database.prepare(`SELECT count(*) AS rows FROM "${name.replaceAll('"', '""')}"`).get());
    return { name, ...(row === undefined ? {} : { rows: Number(row['rows']) }) };
  });
}

function attempt<T>(question: () => T): T | undefined {
  try {
    return question();
  } catch {
    return undefined;
  }
}
