import type { Command, Container } from '../docker/docker.ts';
import type { Access } from './engine.ts';

/** One word of a shell script, quoted so that the shell takes it literally. */
export function quote(word: string): string {
  return /^[A-Za-z0-9_./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** A script for the `sh` inside the container. */
export function script(...lines: readonly (string | undefined)[]): Command {
  return { argv: ['sh', '-c', lines.filter((line) => line !== undefined && line !== '').join('\n')] };
}

/** How a script reads a value that lies in the container: never the value itself. */
export type Expression = string;

export function fromVariable(name: string): Expression {
  return `"$${name}"`;
}

export function fromFile(path: string): Expression {
  return `"$(cat ${path.startsWith('$') ? `"${path}"` : quote(path)})"`;
}

/** The password where labels say that it lies. */
export function namedPassword({ passwordFile, passwordEnv }: Access): Expression | undefined {
  if (passwordFile !== undefined) return fromFile(passwordFile);
  return passwordEnv === undefined ? undefined : fromVariable(passwordEnv);
}

/**
 * The first of these variables that the container has, plain or as `NAME_FILE`, as the official images accept them.
 * Docker gives a command the configured environment even when the entrypoint has unset it.
 */
export function firstVariable(container: Container, names: readonly string[]): Expression | undefined {
  for (const name of names) {
    if (container.env[name]) return fromVariable(name);
    if (container.env[`${name}_FILE`]) return fromFile(`$${name}_FILE`);
  }
  return undefined;
}

/** Whether the image is called so; the tools that carry a database's name in theirs are not it. */
export function isImage({ image }: Container, names: RegExp): boolean {
  const [name = ''] = image
    .replace(/@.*$/, '')
    .replace(/:[^/]*$/, '')
    .split('/')
    .slice(-1);
  return names.test(name) && !/exporter|backup|admin|proxy|pool|bouncer|client|operator|^postgrest/.test(name);
}
