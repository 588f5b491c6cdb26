import type { Manifest } from '../../model/snapshot.ts';
import type { BlobWriter } from './blob-writer.ts';
import { toGoMode } from './file-mode.ts';
import { encodeTree, type Node } from './tree.ts';

export const manifestFile = 'davit/manifest.json';

/** Artifacts by their place, and the manifest, become one tree. */
export async function assemble(
  blobs: BlobWriter,
  manifest: Manifest,
  artifacts: ReadonlyMap<string, Node>,
): Promise<{ tree: string; paths: string[] }> {
  const at = BigInt(Date.parse(manifest.startedAt)) * 1_000_000n;
  const base = { mtime: at, atime: at, ctime: at, uid: 0, gid: 0 };

  async function folder(name: string, things: ReadonlyMap<string, Node>): Promise<Node> {
    const below = Map.groupBy(things, ([path]) => path.split('/')[0] ?? '');
    const nodes: Node[] = [];
    for (const [first, inside] of below) {
      const [[path, node] = ['', undefined]] = inside;
      if (path === first && node !== undefined) nodes.push(node);
      else nodes.push(await folder(first, new Map(inside.map(([path, node]) => [path.slice(first.length + 1), node]))));
    }
    return {
      ...base,
      name: Buffer.from(name),
      type: 'dir',
      mode: toGoMode(0o040700),
      subtree: await blobs.save('tree', encodeTree(nodes)),
    };
  }

  const text = Buffer.from(`${JSON.stringify(manifest, undefined, 2)}\n`);
  const content = await blobs.save('data', text);
  const name = manifestFile.slice(manifestFile.indexOf('/') + 1);
  const node: Node = { ...base, name: Buffer.from(name), type: 'file', mode: 0o600, size: text.length, links: 1, content: [content] };
  const { subtree = '' } = await folder('', new Map([...artifacts, [manifestFile, node]]));
  const paths = [...new Set([...artifacts.keys(), manifestFile].map((path) => `/${path.split('/')[0]}`))];
  return { tree: subtree, paths: paths.toSorted() };
}
