import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** Prints a compose override that replaces official images by the stand-ins built from Debian packages: `node scripts/stand-ins.ts compose.yaml`. */

const standIns = z
  .record(z.string(), z.string())
  .parse(JSON.parse(readFileSync(new URL('../test/images/stand-ins.json', import.meta.url), 'utf8')));
const configSchema = z.object({ services: z.record(z.string(), z.object({ image: z.string() })) });

export function overrideFor(composeFile: string): string {
  const config = execFileSync('docker', ['compose', '-f', composeFile, '--profile', '*', 'config', '--format', 'json'], {
    encoding: 'utf8',
  });
  const { services } = configSchema.parse(JSON.parse(config));
  const replaced = Object.entries(services).flatMap(([name, { image }]) => {
    const standIn = standIns[image];
    return standIn === undefined ? [] : [[name, { image: standIn, pull_policy: 'never' }] as const];
  });
  return JSON.stringify({ services: Object.fromEntries(replaced) }, undefined, 2);
}

if (import.meta.main) process.stdout.write(`${overrideFor(process.argv[2] ?? 'compose.yaml')}\n`);
