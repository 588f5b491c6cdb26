import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';

const main = join(import.meta.dirname, '../../src/main.ts');

test('who does not read an answer to its end disturbs nobody', async () => {
  const davit = spawn(process.execPath, [main, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
  davit.stdout.destroy();
  const [said, [exitCode]] = await Promise.all([text(davit.stderr), once(davit, 'exit') as Promise<[number]>]);
  expect([said, exitCode]).toEqual(['', 0]);
});

test('what somebody has forgotten to close does not keep a command from ending', async () => {
  const forgotten = 'data:text/javascript,setInterval(() => {}, 1000)';
  const davit = spawn(process.execPath, ['--import', forgotten, main, '--version'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [said, [code]] = await Promise.all([text(davit.stdout), once(davit, 'close')]);
  expect([said.trim(), code]).toEqual([expect.stringMatching(/^\d+\.\d+\.\d+$/), 0]);
});
