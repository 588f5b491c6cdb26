import { expect, test } from 'vitest';
import { until } from '../support/docker.ts';
import { postgres } from '../support/services.ts';
import { createStack } from '../support/stack.ts';

const psql = 'psql -U postgres -At -q -v ON_ERROR_STOP=1 -d iot';

/** A hypertable takes foreign keys, checks, triggers and indexes on to its chunks, and so does the dump. */
const seed = `
  CREATE ROLE meter;
  CREATE EXTENSION timescaledb;
  CREATE TABLE sensors (id int PRIMARY KEY, name text UNIQUE);
  INSERT INTO sensors SELECT g, 'sensor ' || g FROM generate_series(1, 5) g;
  CREATE TABLE readings (time timestamptz, sensor int REFERENCES sensors, value float CHECK (value >= 0), PRIMARY KEY (time, sensor));
  SELECT create_hypertable('readings', 'time', chunk_time_interval => interval '1 day');
  SELECT add_dimension('readings', 'sensor', number_partitions => 2);
  CREATE TABLE seen (n int);
  CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.seen VALUES (1); RETURN NULL; END $$;
  CREATE TRIGGER see AFTER INSERT ON readings FOR EACH ROW EXECUTE FUNCTION see();
  CREATE INDEX ON readings (sensor, time DESC);
  INSERT INTO readings SELECT g, s, s FROM generate_series('2026-11-01'::timestamptz, '2026-11-04', '1 hour') g, generate_series(1, 5) s;
  CREATE SCHEMA other;
  CREATE TABLE other.counts (at bigint NOT NULL, gone int, n int);
  SELECT create_hypertable('other.counts', 'at', chunk_time_interval => 1000);
  INSERT INTO other.counts SELECT g, g, g FROM generate_series(1, 5000) g;
  ALTER TABLE other.counts DROP COLUMN gone;
  ALTER TABLE readings OWNER TO meter`;

const description = `
  SELECT count(*), sum(value), min(time) FROM readings; SELECT count(*) FROM seen; SELECT count(*), sum(n) FROM other.counts;
  SELECT hypertable_name, count(*), min(range_start), max(range_end) FROM timescaledb_information.chunks GROUP BY 1 ORDER BY 1;
  SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE contype IN ('f', 'c', 'p') ORDER BY 1, 2;
  SHOW timescaledb.restoring`;

const scheduler = `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'TimescaleDB Background Worker Scheduler'`;

test('hypertables come back into an empty server and over other content, and their jobs go on, also after a restore that failed', async () => {
  await using stack = await createStack({ services: { db: postgres('db', { image: 'davit-test/timescaledb' }) }, volumes: ['db'] });
  const sql = (text: string): Promise<string> => stack.sh('db', psql, text);
  const describe = (): Promise<string> => sql(description);
  const schedules = (): Promise<void> => until('its jobs are scheduled', async () => (await sql(scheduler)) === '1');
  await stack.up();
  await stack.sh('db', 'psql -U postgres -q', 'CREATE DATABASE iot');
  await sql(seed);
  const before = await describe();
  await stack.backup();

  await sql(`DELETE FROM readings WHERE time > '2026-11-02'; SELECT drop_chunks('other.counts', 3000); DROP TABLE seen CASCADE`);
  await stack.restore('latest');
  expect(await describe()).toBe(before);
  await schedules();
  await expect(sql('INSERT INTO readings VALUES (now(), 9, 1)')).rejects.toThrow(/readings_sensor_fkey/);
  await sql('INSERT INTO readings VALUES (now(), 2, 1); ALTER TABLE readings OWNER TO postgres; DROP ROLE meter');

  const later = await describe();
  const failed = await stack.davit('restore', 'latest', '--only', 'db/iot', '--yes', '--no-safety');
  expect(failed).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('role "meter" does not exist') });
  expect(await describe()).toBe(later);
  await schedules();

  await stack.wipe(['db'], ['db']);
  await stack.up();
  await stack.restore('latest');
  expect(await describe()).toBe(before);
  await schedules();
});
