import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Compiles the WebAssembly of the restic format from its source: `npm run kernels`. A unit test fails when the two differ. */

const folder = join(import.meta.dirname, '../src/repository/restic/kernels');
const compiler = join(import.meta.dirname, '../node_modules/assemblyscript/bin/asc.js');

export function compiledKernels(): string {
  const work = mkdtempSync(join(tmpdir(), 'davit-kernels-'));
  try {
    const target = join(work, 'kernels.wasm');
    // The compiler knows one extension only, which would make others take the source for TypeScript.
    copyFileSync(join(folder, 'kernels.as'), join(work, 'kernels.ts'));
    execFileSync(
      process.execPath,
      [compiler, 'kernels.ts', '--outFile', target, '-O3', '--noAssert', '--runtime', 'stub', '--memoryBase', '4224'],
      {
        cwd: work,
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    return readFileSync(target).toString('base64');
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

export function kernelsModule(): string {
  const lines = compiledKernels().match(/.{1,120}/g) ?? [];
  const text = lines.map((line) => `  '${line}',`).join('\n');
  return `// Compiled from kernels.as by \`npm run kernels\`.\nexport const compiled = [\n${text}\n].join('');\n`;
}

if (import.meta.main) writeFileSync(join(folder, 'compiled.ts'), kernelsModule());
