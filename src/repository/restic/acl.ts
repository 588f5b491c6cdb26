/** ACLs are kept as the attributes that the kernel has; tar carries them as text. */

const tags = new Map([
  [0x01, 'user'],
  [0x02, 'user'],
  [0x04, 'group'],
  [0x08, 'group'],
  [0x10, 'mask'],
  [0x20, 'other'],
]);
const named = new Set([0x02, 0x08]);
const [headerBytes, entryBytes] = [4, 8];

/** `user::rwx,user:4321:rw-,group::r--,mask::rw-,other::r--` */
export function aclText(attribute: Buffer): string {
  const entries: string[] = [];
  for (let at = headerBytes; at + entryBytes <= attribute.length; at += entryBytes) {
    const [tag, permissions, id] = [attribute.readUInt16LE(at), attribute.readUInt16LE(at + 2), attribute.readUInt32LE(at + 4)];
    const letters = ['r', 'w', 'x'].map((letter, bit) => ((permissions & (4 >> bit)) === 0 ? '-' : letter)).join('');
    entries.push(`${tags.get(tag) ?? 'other'}:${named.has(tag) ? id : ''}:${letters}`);
  }
  return entries.join(',');
}
