import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { DatabaseSync } from 'node:sqlite';

export function sql(file: string, ...statements: readonly string[]): void {
  const database = new DatabaseSync(file, { defensive: false });
  for (const statement of statements) database.exec(statement);
  database.close();
}

/** The only value of a query. */
export function ask(file: string, query: string): unknown {
  const database = new DatabaseSync(file);
  try {
    return Object.values(database.prepare(query).get() ?? {})[0];
  } finally {
    database.close();
  }
}

export interface App extends AsyncDisposable {
  /** Its last committed row. */
  last(): number;
  /** SIGKILL: nothing is settled. */
  kill(): Promise<void>;
}

/** An app in a process of its own, which prepares a database and then does its work again and again. `work` may use `i`, a number that grows. */
export async function startApp(file: string, prepare: readonly string[], work: string, everyMs = 1): Promise<App> {
  const code = `
    const { DatabaseSync } = require('node:sqlite');
    const database = new DatabaseSync(${JSON.stringify(file)}, { timeout: 60_000 });
    for (const statement of ${JSON.stringify(prepare)}) database.exec(statement);
    let i = 0;
    const work = () => { i += 1; database.exec(${work}); process.stdout.write(i + '\\n'); };
    work();
    setInterval(work, ${everyMs});`;
  const child: ChildProcess = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout?.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-100)));
  const closed = once(child, 'close');
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await closed;
  };
  await Promise.race([
    once(child.stdout ?? child, 'data'),
    closed.then(() => {
      throw new Error('the app ended');
    }),
  ]);
  return {
    last: () => Number(said.slice(0, said.lastIndexOf('\n')).split('\n').at(-1)),
    kill,
    [Symbol.asyncDispose]: kill,
  };
}
