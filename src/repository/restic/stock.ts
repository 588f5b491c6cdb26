import { sentence } from '../../model/errors.ts';
import type { BlobIndex } from './blob-index.ts';
import { idOf, listFiles } from './objects.ts';
import type { Opened } from './open.ts';
import { packKey } from './pack.ts';

/** Packs that the index names and that are not there as it tells, each with what is wrong. One that is sent later than it was asked for is never among them: its index follows it. */
export async function lostPacks({ storage }: Opened, index: BlobIndex): Promise<Map<string, string>> {
  const lost = new Map(index.packs().map((pack) => [pack, 'is missing']));
  for await (const { key, bytes } of listFiles(storage, 'data')) {
    const pack = idOf(key);
    const wanted = index.packBytes(pack);
    if (bytes === wanted) lost.delete(pack);
    else if (wanted !== undefined) lost.set(pack, `has ${bytes} bytes instead of ${wanted}`);
  }
  return lost;
}

/** What whoever stores a snapshot must be told: older ones may need what is in no other pack. */
export function lossesOf({ storage }: Opened, index: BlobIndex, lost: ReadonlyMap<string, string>): string[] {
  const [first, ...others] = index.unreplaced();
  if (first === undefined) return [];
  const more = others.length === 0 ? '' : ` (and ${others.length} more packs)`;
  return [
    sentence({
      where: storage.location,
      what: `${packKey(first)} ${lost.get(first)}${more}, which harms older snapshots; this one stores again what it needs`,
      fix: 'see which are harmed with `davit verify --no-read-data`, and why the storage has lost something',
    }),
  ];
}
