import type { Command } from '../docker/docker.ts';

/**
 * At its first start, the entrypoint of an official image runs a temporary server that nobody outside can reach, to create and load what the server is to
 * hold. A dump of it is whole, and may lack half of the data. The brackets keep this script from finding itself.
 */
export function askFirstStart(processes = '/proc'): Command {
  const lines = [
    `for file in ${processes}/[0-9]*/cmdline; do`,
    `  case " $(tr '\\0' ' ' <"$file") " in`,
    `    *'sh '*docker-entrypoin[t]*) entrypoint=1 ;;`,
    `    *' --skip-networkin'[g]' '* | *' listen_addresse'[s]'= '* | *docker-entrypoin[t]-temp-config*) temporary=1 ;;`,
    '  esac',
    'done 2>/dev/null',
    '[ "$entrypoint$temporary" != 11 ] || echo yes',
  ];
  return { argv: ['sh', '-c', lines.join('\n')] };
}

export function isFirstStart(stdout: string): boolean {
  return stdout.trim() === 'yes';
}
