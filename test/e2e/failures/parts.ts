import { healthy } from '../../support/healthchecks.ts';

export const password = 'planted-password';

/** The services that stacks are made of. The app stands still while its set is captured. */
export const parts = {
  app: { image: 'davit-test/app', volumes: ['files:/data'], labels: ['davit.quiesce=stop', 'davit.quiesce.timeout=5s'] },
  maria: {
    image: 'davit-test/mariadb-11.8',
    environment: { MARIADB_ROOT_PASSWORD: password, MARIADB_DATABASE: 'shop' },
    volumes: ['maria:/var/lib/mysql'],
    labels: ['davit.enable=true'],
    healthcheck: healthy('healthcheck.sh', '--connect'),
  },
  postgres: {
    image: 'davit-test/postgres-17',
    environment: { POSTGRES_PASSWORD: password, POSTGRES_DB: 'shop' },
    volumes: ['postgres:/var/lib/postgresql/data'],
    labels: ['davit.enable=true'],
    healthcheck: healthy('pg_isready', '-h', '127.0.0.1'),
  },
};
