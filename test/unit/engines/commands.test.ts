import { describe, expect, test } from 'vitest';
import type { Command } from '../../../src/docker/docker.ts';
import type { Access, Database, Engine } from '../../../src/engines/engine.ts';
import { engines } from '../../../src/engines/index.ts';
import { artifact, target } from '../../support/builders.ts';

/** Rules for the commands of every engine in the registry. */

const secret = 'PLANTED-SECRET';
const families = ['MARIADB', 'MYSQL', 'POSTGRES', 'POSTGRESQL', 'MONGO_INITDB', 'REDIS'];
const secretEnv = Object.fromEntries(
  families.flatMap((family) =>
    ['ROOT_PASSWORD', 'PASSWORD', 'POSTGRES_PASSWORD', 'USER', 'USERNAME'].map((name) => [`${family}_${name}`, secret]),
  ),
);
const database: Database = { name: 'shop', details: { charset: 'utf8mb4', collation: 'utf8mb4_bin', owner: 'app' }, warnings: [] };

function commandsOf(engine: Engine, env: Record<string, string>, access: Partial<Access> = {}, name = 'shop'): Command[] {
  const at = target({ env }, access);
  const stored = artifact({ engine: engine.name, name, database: name, details: database.details });
  const accounts = artifact({ engine: engine.name, name: engine.accounts ?? '', kind: 'accounts' });
  return [
    engine.inventory(at),
    engine.dump(at, { ...database, name }).command,
    ...(engine.accounts === undefined ? [] : [engine.dump(at, undefined).command, engine.restore(at, accounts)]),
    engine.restore(at, stored),
    engine.ready(at),
    engine.readyInside?.(at),
    engine.census(at, stored),
  ].filter((command) => command !== undefined);
}

describe.each(engines.map((engine) => [engine.name, engine] as const))('%s', (_, engine) => {
  test('no value of a variable is ever in a command', () => {
    const commands = commandsOf(engine, secretEnv, { options: ['--verbose'] });
    expect(commands.length).toBeGreaterThanOrEqual(5);
    expect(JSON.stringify(commands)).not.toContain(secret);
    expect(JSON.stringify(commands)).toMatch(/\$\w+PASSWORD/);
  });

  test('what labels name is used in every command, and what the container was configured with in none', () => {
    const access = { user: 'backup', passwordEnv: 'BACKUP_PASSWORD' };
    for (const { argv } of commandsOf(engine, { ...secretEnv, BACKUP_PASSWORD: secret }, access)) {
      expect(argv.join('\n')).toContain('"$BACKUP_PASSWORD"');
      expect(argv.join('\n')).toContain('=backup');
      expect(argv.join('\n')).not.toMatch(/ROOT_PASSWORD|POSTGRES_PASSWORD|PLANTED/);
    }
  });

  test.each(["it's", 'a b', '$(id)', '`id`', 'a"b', '-x', 'a;b', 'a=b', 'ü', '\\'])(
    'a database called %j stays one literal word',
    (name) => {
      const plain = commandsOf(engine, {}, {}, 'PLAINNAME');
      const odd = commandsOf(engine, {}, {}, name);
      expect(odd.map(({ argv }) => shape(argv[2] ?? ''))).toEqual(plain.map(({ argv }) => shape(argv[2] ?? '')));
    },
  );

  test('extra options go to the dump of a database, each as one word', () => {
    const [, dump] = commandsOf(engine, {}, { options: ['--where=a = 1', '-v'] });
    expect(dump?.argv[2]).toContain(` '--where=a = 1' -v `);
  });

  test('an accounts artifact has no rows to count', () => {
    expect(engine.census(target(), artifact({ kind: 'accounts' }))).toBeUndefined();
  });
});

/** A script without its single-quoted texts and its plain words: what is left is what the shell would act on. */
function shape(script: string): string {
  return script.replace(/'[^']*'|\\'/g, '').replace(/[\w.,/@%+:=-]+/g, '');
}
