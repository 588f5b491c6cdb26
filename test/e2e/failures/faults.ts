import { execa } from 'execa';
import { docker, until } from '../../support/docker.ts';
import type { Outcome, TestStack } from '../../support/stack.ts';
import type { Lab } from './lab.ts';

/** The client of MariaDB as root; its password is in the container's environment. */
const client = 'MYSQL_PWD="${MARIADB_ROOT_PASSWORD:-$MYSQL_ROOT_PASSWORD}" mariadb -uroot -nN --default-character-set=utf8mb4';

export async function sql(stack: TestStack, statement: string, service = 'maria', database = 'shop'): Promise<string> {
  return stack.sh(service, `${client} ${database} -e '${statement}'`);
}

/** Tables in the order in which they are dumped: a dump can be held at the gates. */
export const mariaTables =
  'CREATE TABLE a AS SELECT seq AS id, REPEAT("x", 100) AS text FROM seq_1_to_5000; CREATE TABLE gate_1 AS SELECT 1 AS id; ' +
  'CREATE TABLE gate_2 AS SELECT 1 AS id; CREATE TABLE z AS SELECT seq AS id FROM seq_1_to_100';

/** The process of `davit <command>`, as this machine numbers it. */
export async function processOf(stack: TestStack, command: string): Promise<number> {
  const { stdout } = await execa('docker', ['top', await stack.container('davit'), '-eo', 'pid,args']);
  const pids = stdout.split('\n').flatMap((line) => (line.includes(`main.js ${command}`) ? [Number.parseInt(line, 10)] : []));
  if (pids[0] === undefined || pids.length > 1) throw new Error(`one process of davit ${command}, not ${pids.length}`);
  return pids[0];
}

/** `davit backup` with a clock that is wrong by so much. */
export async function atAnotherTime({ compose }: TestStack, byMs: number): Promise<Outcome> {
  const clock = `const now = () => Right.now() + ${byMs}; const Right = Date;
    globalThis.Date = class extends Right { constructor(...given) { super(...(given.length ? given : [now()])); } static now = now; };`;
  const options = `NODE_OPTIONS=--import=data:text/javascript,${encodeURIComponent(clock)}`;
  return compose('exec', '-T', '-e', options, 'davit', 'davit', 'backup', '--json');
}

/** Makes the worker of the next run that reads while the app runs, or while it stands still, stop as soon as it runs: it cannot end before the connection to it does. */
export function holdWorker(
  { stack }: Pick<Lab, 'stack'>,
  app: 'runs' | 'stands still' = 'stands still',
): AsyncDisposable & { reached(): Promise<string> } {
  const find = async (): Promise<string> => {
    const id = await docker('ps', '-q', '--filter', `label=io.davit.worker=${stack.project}`, '--filter', 'status=running');
    const isRunning = id !== '' && (await docker('inspect', '-f', '{{.State.Running}}', await stack.container('app'))) === 'true';
    return isRunning === (app === 'runs') ? id : '';
  };
  /** 0 where it has ended meanwhile, as a worker with little to do has: a signal to 0 would reach the tests. */
  const processIn = async (id: string): Promise<number> =>
    id === '' ? 0 : Number(await docker('inspect', '-f', '{{.State.Pid}}', id).catch(() => 0));
  let pid = 0;
  return {
    async reached() {
      let id = '';
      await until('a worker runs', async () => (pid = await processIn((id = await find()))) > 0, 60_000);
      process.kill(pid, 'SIGSTOP');
      return id;
    },
    async [Symbol.asyncDispose]() {
      if (pid > 0) process.kill(pid, 'SIGCONT');
      pid = 0;
    },
  };
}

/** Harms every worker of a run, once each: where files are read ahead, there are several. */
export async function harmWorkers({ stack }: Lab, run: Promise<unknown>, harm: (id: string) => Promise<unknown>): Promise<void> {
  const find = () => docker('ps', '-q', '--filter', `label=io.davit.worker=${stack.project}`, '--filter', 'status=running');
  const harmed = new Set<string>();
  let isOver = false;
  void run.then(() => (isOver = true));
  await until(
    'the run has ended',
    async () => {
      const id = await find();
      if (id !== '' && !harmed.has(id)) await harm(harmed.add(id) && id);
      return isOver;
    },
    120_000,
  );
}

/** Takes its memory while it stands still: it cannot end before the connection to it does. */
export async function starve(id: string): Promise<void> {
  const pid = Number(await docker('inspect', '-f', '{{.State.Pid}}', id));
  process.kill(pid, 'SIGSTOP');
  // Not every kernel takes a limit below what is in use.
  const limits = async (megabytes: number): Promise<unknown> =>
    docker('update', '--memory', `${megabytes}m`, '--memory-swap', `${megabytes}m`, id).catch(() => limits(megabytes + 8));
  await limits(16);
  process.kill(pid, 'SIGCONT');
}

export interface Gate extends AsyncDisposable {
  /** A dump stands before the locked table: it is half-way. */
  reached(): Promise<void>;
  open(): Promise<void>;
}

/** Locks a table of MariaDB in a session of its own. */
export async function lockTable({ stack }: Pick<Lab, 'stack'>, table: string, service = 'maria', database = 'shop'): Promise<Gate> {
  const session = execa('docker', ['exec', '-i', await stack.container(service), 'sh', '-c', `${client} ${database}`], {
    reject: false,
    buffer: false,
  });
  let said = '';
  session.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  session.stdin.on('error', () => undefined);
  session.stdin.write(`LOCK TABLES ${table} WRITE; SELECT 'locked';\n`);
  await until(`${table} is locked`, () => said.includes('locked'));
  const open = async (): Promise<void> => {
    session.stdin.end();
    await session;
  };
  const waiting = `SELECT COUNT(*) FROM information_schema.processlist WHERE state LIKE "Waiting for table%" AND info LIKE "%${table}%"`;
  return {
    reached: () => until(`a dump waits for ${table}`, async () => (await sql(stack, waiting, service, database)) === '1', 60_000),
    open,
    [Symbol.asyncDispose]: open,
  };
}

/**
 * Puts a shell script before a program of a service; `"$real" "$@"` is the program. What Davit asks first, the version, and accounts pass by.
 * The script can stop at `hold`, until it is let go.
 */
export async function replaceTool(
  { stack }: Pick<Lab, 'stack'>,
  service: string,
  tool: string,
  script: string,
): Promise<Gate & { remove(): Promise<void> }> {
  const real = await stack.sh(service, `command -v ${tool}`);
  const text = [
    '#!/bin/bash',
    `real=${real}`,
    'hold() { touch /tmp/held; while [ -e /tmp/held ]; do sleep 0.05; done; }',
    'case "$*" in *--version* | *--system*) exec "$real" "$@" ;; esac',
    script,
  ].join('\n');
  await stack.sh(service, `cat > /usr/local/bin/${tool} <<'SCRIPT'\n${text}\nSCRIPT\nchmod 755 /usr/local/bin/${tool}`);
  const held = async (): Promise<boolean> => (await stack.sh(service, '[ ! -e /tmp/held ] || echo held')) === 'held';
  const open = async (): Promise<void> => void (await stack.sh(service, 'rm -f /tmp/held'));
  const remove = async (): Promise<void> => void (await stack.sh(service, `rm -f /tmp/held /usr/local/bin/${tool}`));
  return { reached: () => until(`${tool} is held`, held, 60_000), open, remove, [Symbol.asyncDispose]: remove };
}
