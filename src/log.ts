import { pino } from 'pino';
import pretty from 'pino-pretty';
import type { Environment } from './config/environment.ts';

/** One line per step: a constant message, facts as fields. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Replaces every secret it has been told, wherever it appears. */
export interface Redactor {
  protect(secrets: readonly (string | undefined)[]): void;
  redact(text: string): string;
}

/** Shorter values would blacken ordinary words; the words of JSON would break every answer (`ALLOW_EMPTY_PASSWORD=true`). */
const shortestSecret = 4;
const ordinary = /^(true|false|null)$/;

export function createRedactor(): Redactor {
  const secrets = new Set<string>();
  return {
    protect(values) {
      for (const value of values) {
        if (value === undefined || value.length < shortestSecret || ordinary.test(value)) continue;
        secrets.add(value);
        secrets.add(JSON.stringify(value).slice(1, -1));
      }
    },
    redact(text) {
      let clean = text;
      for (const secret of [...secrets].toSorted((a, b) => b.length - a.length)) clean = clean.replaceAll(secret, '[redacted]');
      return clean;
    },
  };
}

/** JSON lines, or readable ones on a terminal. Nothing leaves without passing the redactor. */
export function createLog(level: Environment['DAVIT_LOG_LEVEL'], redactor: Redactor, output: NodeJS.WriteStream): Log {
  const readable = output.isTTY ? pretty({ colorize: true, ignore: 'pid,hostname', destination: redacted(), sync: true }) : redacted();

  function redacted(): NodeJS.WritableStream {
    return { write: (line: string | Uint8Array) => output.write(redactor.redact(line.toString())) } as NodeJS.WritableStream;
  }
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: (label) => ({ level: label }) } },
    readable,
  );
}
