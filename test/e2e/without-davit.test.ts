import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { createAgeKeys } from '../support/age-keys.ts';
import { presentServers, superPassword } from '../support/databases.ts';
import { app } from '../support/services.ts';
import { ask, sql } from '../support/sqlite.ts';
import { createStack, format } from '../support/stack.ts';

/** The fenced blocks of docs/restore.md that say how it goes by hand. */
async function blockOfManual(name: string): Promise<string> {
  const text = await readFile(new URL('../../docs/restore.md', import.meta.url), 'utf8');
  const block = new RegExp(`\`\`\`bash test=${name}\n([^]*?)\`\`\``).exec(text)?.[1];
  if (block === undefined) throw new Error(`docs/restore.md has no block ${name}`);
  return block;
}

const keys = { AWS_ACCESS_KEY_ID: 'planted-access-key', AWS_SECRET_ACCESS_KEY: 'planted/secret+key=' };
const mysql = (await presentServers()).find(({ engine }) => engine === 'mysql');
const blog = `SELECT * FROM blog.posts; SELECT * FROM blog.titles; SHOW CREATE VIEW blog.titles; SHOW GRANTS FOR author; CALL blog.count_posts();`;

/** In the format of restic it is restic that restores by hand: see incremental.test.ts. */
test.runIf(format === 'portable')(
  `an encrypted snapshot in a bucket is restored with curl, age, zstd and tar${mysql === undefined ? '' : ' and mysql'}, as docs/restore.md says`,
  async () => {
    const { recipients, identity } = createAgeKeys();
    await using stack = await createStack({
      services: {
        s3: {
          image: 'davit-test/s3',
          environment: { S3_ACCESS_KEY: keys.AWS_ACCESS_KEY_ID, S3_SECRET_KEY: keys.AWS_SECRET_ACCESS_KEY, S3_BUCKET: 'bucket' },
          ports: ['127.0.0.1::9000'],
        },
        app: app('files'),
        ...(mysql === undefined ? {} : { 'blog-db': mysql.service({ volumes: ['blog:/var/lib/mysql'] }) }),
      },
      volumes: ['files', ...(mysql === undefined ? [] : ['blog'])],
      environment: {
        DAVIT_STORAGE: 's3://bucket/pre%20fix',
        DAVIT_ENCRYPT_TO: recipients.join(),
        AWS_ENDPOINT_URL_S3: 'http://s3:9000',
        ...keys,
      },
    });
    const contents = async (): Promise<string> => {
      const files = await stack.sh(
        'app',
        'cd /data && find . ! -path ./db -printf "%p %y %U:%G %m %T@ %l\\n" | sort && cat "./odd name/+ü?&🚤"',
      );
      return files + (mysql === undefined ? '' : await stack.sh('blog-db', `MYSQL_PWD=${superPassword} mysql -uroot --table`, blog));
    };
    const folder = await mkdtemp(join(tmpdir(), 'davit-by-hand-'));
    try {
      await stack.up();
      await stack.sh(
        'app',
        'cd /data && mkdir "odd name" && echo boat > "odd name/+ü?&🚤" && ln -s nowhere link && chown -R 12:34 . && chmod 0710 .',
      );
      sql(join(folder, 'vault'), 'CREATE TABLE t (a)', "INSERT INTO t VALUES ('a boat')");
      const vault = (await readFile(join(folder, 'vault'))).toString('base64');
      await stack.sh(
        'app',
        'mkdir /data/db && cd /data/db && base64 -d > "my vault" && chown 56:78 * && chmod 0640 * && touch -d @1000000000 *',
        vault,
      );
      if (mysql !== undefined) {
        await stack.sh(
          'blog-db',
          `MYSQL_PWD=${superPassword} mysql -uroot --default-character-set=utf8mb4`,
          `CREATE DATABASE blog COLLATE utf8mb4_0900_ai_ci; USE blog; CREATE USER author IDENTIFIED BY 'pw';
         CREATE TABLE posts (id INT AUTO_INCREMENT PRIMARY KEY, title TEXT, body LONGBLOB); INSERT INTO posts (title, body) VALUES ('a horse 🐴', x'00ff'), ('it''s', NULL);
         CREATE DEFINER = author SQL SECURITY INVOKER VIEW titles AS SELECT title FROM posts; CREATE PROCEDURE count_posts() SELECT COUNT(*) FROM posts;
         GRANT SELECT ON blog.titles TO author; GRANT EXECUTE ON PROCEDURE blog.count_posts TO author;`,
        );
      }
      const before = await contents();
      const { id } = await stack.backup();

      await writeFile(join(folder, 'identity'), identity, { mode: 0o600 });
      await stack.wipe(['app', ...(mysql === undefined ? [] : ['blog-db'])], ['files', ...(mysql === undefined ? [] : ['blog'])]);
      const names = ['fetch-curl', 'check', 'plain-age', 'files', 'sqlite', ...(mysql === undefined ? [] : ['mysql']), 'start'];
      const blocks = await Promise.all(names.map(blockOfManual));
      const aws = `if command -v aws; then (SNAPSHOT=$SNAPSHOT-aws PREFIX='pre fix'; ${await blockOfManual('fetch-aws')}); diff -r "$SNAPSHOT" "$SNAPSHOT-aws"; fi`;
      await execa('bash', ['-euo', 'pipefail', '-c', ['mkdir "$SNAPSHOT"', ...blocks, aws].join('\n')], {
        stdin: 'ignore',
        env: {
          ...keys,
          AWS_REGION: 'us-east-1',
          AWS_ENDPOINT_URL_S3: `http://${(await stack.compose('port', 's3', '9000')).stdout}`,
          BUCKET: 'bucket',
          PREFIX: 'pre%20fix',
          COMPOSE_PROJECT_NAME: stack.project,
          COMPOSE_FILE: stack.file,
          COMPOSE_PROGRESS: 'quiet',
          STACK: stack.project,
          SET: 'default',
          ID: id,
          SNAPSHOT: join(folder, 'snapshot'),
          IDENTITY: join(folder, 'identity'),
          VOLUME: `${stack.project}_files`,
          PASSWORD: superPassword,
          TOOLS: 'davit-test/app',
        },
      });
      expect(await contents()).toBe(before);
      await writeFile(join(folder, 'restored'), Buffer.from(await stack.sh('app', 'base64 "/data/db/my vault"'), 'base64'));
      expect(ask(join(folder, 'restored'), 'SELECT a FROM t')).toBe('a boat');
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
);
