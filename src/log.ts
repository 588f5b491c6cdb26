import { pino } from 'pino';
import { prettyFactory } from 'pino-pretty';
import type { Environment } from './config/environment.ts';
import type { Redactor } from './redactor.ts';

/** One line per step: a constant message, facts as fields. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** JSON lines, or readable ones on a terminal. Nothing leaves without passing the redactor. */
export function createLog(level: Environment['DAVIT_LOG_LEVEL'], redactor: Redactor, output: NodeJS.WriteStream): Log {
  const present = output.isTTY ? prettyFactory({ colorize: true, ignore: 'pid,hostname' }) : (line: string): string => line;
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: (label) => ({ level: label }) } },
    { write: (line) => void output.write(redactor.redact(present(line))) },
  );
}
