import type { Log } from './log.ts';

/** How many bytes have gone to or come from the storage, here and in workers. */
export interface Progress {
  add(bytes: number): void;
  total(): number;
}

export function createProgress(): Progress {
  let bytes = 0;
  return { add: (more) => void (bytes += more), total: () => bytes };
}

const logEveryMs = 10_000;
const drawEveryMs = 200;
const mebibyte = 1024 * 1024;

/** Shows long work while it moves: a line that is redrawn on a terminal, otherwise a log line every 10 s. Silent while nothing moves. */
export function showProgress(progress: Progress, log: Log, output: NodeJS.WriteStream): void {
  const everyMs = output.isTTY ? drawEveryMs : logEveryMs;
  let before = 0;
  let drawn = false;
  setInterval(() => {
    const bytes = progress.total();
    const perSecond = ((bytes - before) * 1000) / everyMs;
    if (output.isTTY && (drawn || bytes > before)) output.write(`\r\u001B[K${bytes > before ? bar(bytes, perSecond) : ''}`);
    else if (!output.isTTY && bytes > before) log.info({ bytes, mebibytesPerSecond: Math.round(perSecond / mebibyte) }, 'under way');
    drawn = bytes > before;
    before = bytes;
  }, everyMs).unref();
}

/** The whole is not known before a dump has ended, so the bar moves instead of filling. */
function bar(bytes: number, perSecond: number): string {
  const width = 20;
  const at = Math.floor(bytes / (4 * mebibyte)) % width;
  return `[${' '.repeat(at)}=${' '.repeat(width - 1 - at)}] ${(bytes / mebibyte).toFixed(1)} MiB, ${(perSecond / mebibyte).toFixed(1)} MiB/s`;
}
