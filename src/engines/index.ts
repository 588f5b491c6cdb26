import type { Engine } from './engine.ts';
import { mariadb } from './mariadb.ts';
import { mongodb } from './mongodb.ts';
import { mysql } from './mysql.ts';
import { postgres } from './postgres.ts';
import { redis } from './redis.ts';

/** The registry. A new engine is one file and one line here; the order decides which one recognises a service first. */
export const engines: readonly Engine[] = [mariadb, mongodb, mysql, postgres, redis];
