import type { ComposeService } from './stack.ts';

/** Services that tests are made of, as compose knows them. Passwords are planted: no output may show them. */

export const planted = { maria: 'planted-maria-password', postgres: 'planted-postgres-password' } as const;

const healthy = (...command: string[]) => ({ test: ['CMD', ...command], interval: '500ms', retries: 120 });

export function app(volume: string, more: Partial<ComposeService> = {}): ComposeService {
  return { image: 'davit-test/app', volumes: [`${volume}:/data`], labels: ['davit.enable=true'], ...more };
}

export function maria(volume: string, more: Partial<ComposeService> = {}): ComposeService {
  return {
    image: 'davit-test/mariadb-11.8',
    environment: { MARIADB_ROOT_PASSWORD: planted.maria, MARIADB_DATABASE: 'shop' },
    volumes: [`${volume}:/var/lib/mysql`],
    labels: ['davit.enable=true'],
    healthcheck: healthy('healthcheck.sh', '--connect'),
    ...more,
  };
}

export function postgres(volume: string, more: Partial<ComposeService> = {}): ComposeService {
  return {
    image: 'davit-test/postgres-17',
    environment: { POSTGRES_PASSWORD: planted.postgres },
    volumes: [`${volume}:/var/lib/postgresql/data`],
    labels: ['davit.enable=true'],
    healthcheck: healthy('pg_isready', '-h', '127.0.0.1'),
    ...more,
  };
}

export const sqlIn = {
  maria: (sql: string) => `mariadb -uroot -p${planted.maria} -N shop -e "${sql}"`,
  postgres: (sql: string) => `psql -U postgres -At -c "${sql}"`,
};
