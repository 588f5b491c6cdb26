import type { BlobLocation, BlobType, IndexedPack } from './blob.ts';
import { packLength } from './pack.ts';

/** Where every blob lies. A million of them take 60 MB: numbers in two typed arrays, and no object for each. */
export interface BlobIndex {
  /** A pack with everything in it. A blob that is known already keeps its first place, unless that is lost. */
  add(pack: IndexedPack): void;
  /** Also where it has been lost. Whoever wants its bytes need not care about its type. */
  find(id: string): BlobLocation | undefined;
  /** Whether it lies in a pack that is not lost, as one of that type where that is told. */
  has(id: string, type?: BlobType): boolean;
  packs(): readonly string[];
  /** How long a pack must be; undefined: no index names it. */
  packBytes(pack: string): number | undefined;
  /** The pack is gone: nobody has what it held, until another one is added that has it. */
  lose(pack: string): void;
  /** Exactly these are gone. True: one of them was not known to be. */
  loseOnly(packs: Iterable<string>): boolean;
  /** Of the packs that are gone, those that held what no other one has. */
  unreplaced(): string[];
}

const idWords = 8;
const recordWords = idWords + 4;
/** Of the word that holds the number of the pack. */
const treeBit = 0x8000_0000;

export function createBlobIndex(): BlobIndex {
  const packs: string[] = [];
  const packNumbers = new Map<string, number>();
  const lengths: number[] = [];
  const lost = new Set<number>();
  /** Of what is both a tree and the content of a file. */
  const ofBothTypes = new Set<string>();
  const key = new Uint32Array(idWords);
  const keyBytes = Buffer.from(key.buffer);
  let records = new Uint32Array(1024 * recordWords);
  /** The number of a record plus one, at the first free place from where the id points to. */
  let places = new Uint32Array(2048);
  let size = 0;

  function placeOf(first: number, isSame: (record: number) => boolean): number {
    const mask = places.length - 1;
    let place = first & mask;
    while (places[place] !== 0 && !isSame((places[place] as number) - 1)) place = (place + 1) & mask;
    return place;
  }

  function isKey(record: number): boolean {
    const at = record * recordWords;
    for (let word = 0; word < idWords; word++) if (records[at + word] !== key[word]) return false;
    return true;
  }

  function recordOf(id: string): number | undefined {
    keyBytes.write(id, 'hex');
    const place = places[placeOf(key[0] as number, isKey)] as number;
    return place === 0 ? undefined : place - 1;
  }

  function grow(): void {
    const larger = new Uint32Array(records.length * 2);
    larger.set(records);
    records = larger;
    places = new Uint32Array(places.length * 2);
    for (let record = 0; record < size; record++) places[placeOf(records[record * recordWords] as number, () => false)] = record + 1;
  }

  function numberOf(pack: string): number {
    const known = packNumbers.get(pack);
    if (known !== undefined) return known;
    packNumbers.set(pack, packs.length);
    return packs.push(pack) - 1;
  }

  function typeOf(record: number): BlobType {
    return ((records[record * recordWords + idWords] as number) & treeBit) === 0 ? 'data' : 'tree';
  }

  function packOf(record: number): number {
    return (records[record * recordWords + idWords] as number) & ~treeBit;
  }

  function isLost(record: number): boolean {
    return lost.size > 0 && lost.has(packOf(record));
  }

  function addBlob({ id, type, pack, offset, length, plainLength }: BlobLocation): void {
    const where = [numberOf(pack) | (type === 'tree' ? treeBit : 0), offset, length, plainLength];
    const known = recordOf(id);
    if (known !== undefined) {
      if (typeOf(known) !== type) ofBothTypes.add(id);
      if (isLost(known)) records.set(where, known * recordWords + idWords);
      return;
    }
    if ((size + 1) * recordWords > records.length) grow();
    keyBytes.write(id, 'hex');
    const at = size * recordWords;
    records.set(key, at);
    records.set(where, at + idWords);
    places[placeOf(key[0] as number, isKey)] = ++size;
  }

  return {
    has: (id, type) => {
      const record = recordOf(id);
      if (record === undefined || isLost(record)) return false;
      return type === undefined || type === typeOf(record) || ofBothTypes.has(id);
    },
    packs: () => packs,
    lose: (pack) => void lost.add(numberOf(pack)),
    loseOnly(gone) {
      const before = new Set(lost);
      lost.clear();
      for (const pack of gone) lost.add(numberOf(pack));
      return [...lost].some((number) => !before.has(number));
    },
    unreplaced() {
      const numbers = new Set<number>();
      if (lost.size > 0) for (let record = 0; record < size; record++) if (isLost(record)) numbers.add(packOf(record));
      return [...numbers].map((number) => packs[number] ?? '');
    },
    packBytes: (pack) => lengths[packNumbers.get(pack) ?? -1],
    add({ id, blobs }) {
      const number = numberOf(id);
      // An index may tell of a part of it only.
      lengths[number] = Math.max(lengths[number] ?? 0, packLength(blobs));
      blobs.forEach(addBlob);
    },
    find(id) {
      const record = recordOf(id);
      if (record === undefined) return undefined;
      const at = record * recordWords + idWords;
      const [pack = 0, offset = 0, length = 0, plainLength = 0] = records.subarray(at, at + 4);
      return { id, type: typeOf(record), pack: packs[pack & ~treeBit] ?? '', offset, length, plainLength };
    },
  };
}
