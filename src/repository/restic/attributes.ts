import { exitError, programOutput } from '../../codecs/program.ts';
import type { Attribute } from './tree.ts';

/** SELinux labels belong to the container that mounts the volume, and Docker sets them. */
const left = new Set(['security.selinux']);

/** Without those that are left out, which restic's own snapshots have. */
export function keptAttributes(attributes: readonly Attribute[] | undefined): readonly Attribute[] | undefined {
  return attributes?.some(({ name }) => left.has(name)) ? attributes.filter(({ name }) => !left.has(name)) : attributes;
}

/** The extended attributes of everything below a path, by absolute path in latin1; ACLs are among them. Most things have none and are not here. */
export async function readAttributes(root: string, signal?: AbortSignal): Promise<Map<string, Attribute[]>> {
  const found = new Map<string, Attribute[]>();
  const args = [
    '--recursive',
    '--physical',
    '--no-dereference',
    '--dump',
    '--match=-',
    '--encoding=base64',
    '--absolute-names',
    '--',
    root,
  ];
  // 1: something vanished meanwhile, or is on a file system without attributes.
  const output = programOutput('getfattr', args, {
    signal,
    judge: (exit) => (exit.exitCode <= 1 ? undefined : exitError('getfattr', exit)),
  });
  let attributes: Attribute[] = [];
  let rest = '';
  const see = (line: string): void => {
    if (line.startsWith('# file: ')) {
      attributes = [];
      found.set(unescape(line.slice(8)), attributes);
    } else if (line !== '') {
      const end = line.search(/=(0s|"|$)/);
      const name = unescape(end === -1 ? line : line.slice(0, end));
      if (!left.has(name))
        attributes.push({ name: Buffer.from(name, 'latin1').toString(), value: valueOf(end === -1 ? '' : line.slice(end + 1)) });
    }
  };
  for await (const chunk of output as AsyncIterable<Buffer>) {
    const lines = (rest + chunk.toString('latin1')).split('\n');
    rest = lines.pop() ?? '';
    lines.forEach(see);
  }
  return found;
}

function valueOf(text: string): Buffer {
  return Buffer.from(text.replace(/^0s/, '').replaceAll('"', ''), 'base64');
}

function unescape(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(parseInt(code, 8)));
}
