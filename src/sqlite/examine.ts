import { DatabaseSync } from 'node:sqlite';
import { resultCode } from './copying.ts';
import type { Copied } from './outcome.ts';

/** What a copy holds, and whether it is whole. A schema may need what only its app has, such as a collation: then less can be checked, and that is said. */
export function examine(file: string): Omit<Copied, 'outcome'> {
  const database = new DatabaseSync(file, { enableDoubleQuotedStringLiterals: true, readOnly: true });
  try {
    const integrity = check(database);
    const pragma = (name: string): string => String(Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
    const facts = {
      journalMode: 'journal_mode',
      userVersion: 'user_version',
      applicationId: 'application_id',
      pageSize: 'page_size',
      pageCount: 'page_count',
    };
    const details = Object.fromEntries(Object.entries(facts).map(([name, of]) => [name, pragma(of)]));
    return {
      ...integrity,
      details,
      tables: tables(database),
      sqlite: String(database.prepare('SELECT sqlite_version() AS it').get()?.['it']),
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
  return { integrity: 'unchecked', warnings: [`its integrity could not be checked: ${doubts.join('; ')}`] };
}

/** A table that only its app can read has no count. */
function tables(database: DatabaseSync): Copied['tables'] {
  try {
    const names = database.prepare("SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'shadow')").all();
    return names
      .map(({ name }) => String(name))
      .filter((name) => !name.startsWith('sqlite_'))
      .toSorted()
      .map((name) => ({ name, ...count(database, name) }));
  } catch {
    return [];
  }
}

function count(database: DatabaseSync, table: string): { rows?: number } {
  try {
    return { rows: Number(database.prepare(`SELECT count(*) AS it FROM "${table.replaceAll('"', '""')}"`).get()?.['it']) };
  } catch {
    return {};
  }
}
