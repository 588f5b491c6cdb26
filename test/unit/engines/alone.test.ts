import { expect, test } from 'vitest';
import { mongodb } from '../../../src/engines/mongodb.ts';

test.each([
  [
    ['mongod', '--replSet', 'rs0', '--bind_ip_all'],
    ['mongod', '--bind_ip_all'],
  ],
  [['mongod', '--replSet=rs0'], ['mongod']],
  [
    ['sh', '-c', 'exec mongod --replSet rs0 --port 1'],
    ['sh', '-c', 'exec mongod  --port 1'],
  ],
  [
    ['mongod', '--auth', ''],
    ['mongod', '--auth', ''],
  ],
])('a MongoDB that is alone is no member of a replica set: %j', (words, alone) => {
  expect(mongodb.alone?.(words)).toEqual(alone);
});
