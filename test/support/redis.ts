import { quick } from './healthchecks.ts';
import type { ComposeService, TestStack } from './stack.ts';

/** A Redis or Valkey as a service of a test stack. */
export interface RedisServer {
  /** Image, service and volume. */
  readonly name: 'redis-7' | 'valkey-8';
  readonly flavour: 'redis' | 'valkey';
  /** What its command adds: passwords, persistence. */
  service(options: readonly string[], changes?: Readonly<Record<string, unknown>>): ComposeService;
  /** Commands, one a line, as its client reads them. Fails the test at an error. */
  run(stack: TestStack, commands: string): Promise<string>;
  seed(stack: TestStack): Promise<void>;
  /** Every key of every database but `soon`, which may be gone, with its type, its whole value and whether it expires, and the functions. */
  describe(stack: TestStack): Promise<string[]>;
}

/** All types, both their small and their large forms, in four databases; one key is gone before it can be restored. */
const seed = `
SET plain text
SET number 12345
SET "odd key \\"\\\\ \\xff\\x00" "\\x00\\x01\\xff\\r\\n\\"'$(id)"
SETRANGE long 70000 x
EVAL "for i=1,3000 do redis.call('set','many:'..i, string.rep('v', i % 90)..i) end" 0
RPUSH list a b ""
EVAL "for i=1,2000 do redis.call('rpush','list:long',string.rep('item',10)..i); redis.call('sadd','set:long','m'..i); redis.call('sadd','set:int',i*7); redis.call('zadd','zset:long',i/3,'m'..i); redis.call('hset','hash:long','f'..i,string.rep('w',i%70)) end" 0
SADD set a b c
ZADD zset 1.5 a -inf b +inf c
HSET hash f v g w
XADD stream 1-1 k v
XADD stream 2-1 k v
XDEL stream 1-1
XGROUP CREATE stream readers 0
XREADGROUP GROUP readers me COUNT 1 STREAMS stream >
EVAL "for i=1,500 do redis.call('xadd','stream:long',i..'-1','a',i) end" 0
PFADD visitors a b c
SETBIT bits 1000 1
GEOADD places 13.36 38.11 Palermo
SET session v EX 86400
HSET hash:session f v
EXPIRE hash:session 90000
SET soon v PX 2000
SELECT 3
SET in:three v
SELECT 7
SET only:session v EX 99999
SELECT 15
SADD in:fifteen x
FUNCTION LOAD "#!lua name=lib\\nredis.register_function('hi', function() return 'hi' end)"`;

/** Hashes and sets come in the order of a random seed, so their parts are sorted. */
const listing = `
local out = {}
for _, db in ipairs({0, 3, 7, 15}) do
  redis.call('select', db)
  for _, key in ipairs(redis.call('keys', '*')) do if key ~= 'soon' then
    local kind = redis.call('type', key)['ok']
    local value
    if kind == 'string' then value = {redis.call('get', key)}
    elseif kind == 'list' then value = redis.call('lrange', key, 0, -1)
    elseif kind == 'set' then value = redis.call('smembers', key); table.sort(value)
    elseif kind == 'zset' then value = redis.call('zrange', key, 0, -1, 'withscores')
    elseif kind == 'hash' then value = redis.call('hgetall', key); local pairs = {}
      for i = 1, #value, 2 do pairs[#pairs + 1] = value[i] .. '=' .. value[i + 1] end
      table.sort(pairs); value = pairs
    elseif kind == 'stream' then value = {}
      for _, entry in ipairs(redis.call('xrange', key, '-', '+')) do value[#value + 1] = entry[1] .. table.concat(entry[2], ',') end
      for _, group in ipairs(redis.call('xinfo', 'groups', key)) do value[#value + 1] = group[2] .. group[4] .. group[6] .. group[8] end
    end
    local lives = redis.call('pttl', key) > 0 and ' expires' or ''
    out[#out + 1] = db .. ' ' .. kind .. ' ' .. redis.sha1hex(key) .. ' ' .. #value .. ' ' .. redis.sha1hex(table.concat(value, '\\0')) .. lives
  end end
end
table.sort(out)
return out`.replaceAll('\n', ' ');

function redisServer(name: RedisServer['name'], flavour: RedisServer['flavour']): RedisServer {
  /** The test knows the password as whoever wrote the compose file does. */
  const client = `[ -z "$TEST_PASSWORD" ] || export REDISCLI_AUTH="$TEST_PASSWORD"; ${flavour}-cli -p "\${TEST_PORT:-6379}"`;
  const run = async (stack: TestStack, commands: string): Promise<string> => {
    const output = await stack.sh(name, `${client} 2>&1`, `${commands.trim()}\n`);
    if (/^\(?(error\)? |ERR|NOAUTH|WRONG|NOPERM|READONLY)/m.test(output)) throw new Error(output.slice(0, 2_000));
    return output;
  };
  return {
    name,
    flavour,
    service: (options, changes = {}) => ({
      image: `davit-test/${name}`,
      // Without the five seconds that a server waits for further replicas.
      command: [`${flavour}-server`, '--repl-diskless-sync-delay', '0', ...options],
      volumes: [`${name}:/data`],
      labels: ['davit.enable=true'],
      healthcheck: {
        test: ['CMD-SHELL', `${client.replaceAll('$', '$$$$')} ping | grep -q PONG`],
        ...quick,
      },
      ...changes,
    }),
    run,
    seed: async (stack) => void (await run(stack, seed)),
    describe: async (stack) => (await run(stack, `EVAL "${listing}" 0\nFUNCTION LIST WITHCODE`)).split('\n'),
  };
}

export const redis = redisServer('redis-7', 'redis');
export const valkey = redisServer('valkey-8', 'valkey');
