/** Writes small archives in pg_dump's custom format, of every version that is in use. */

export interface ArchiveEntry {
  readonly id: number;
  readonly tag: string;
  readonly kind: string;
  readonly namespace?: string;
  /** Statement that loads the data; empty where pg_dump wrote INSERTs. */
  readonly copy?: string;
  /** The chunks of its data block; undefined: the table of contents announces none. */
  readonly data?: readonly string[];
  /** Large objects, each with its chunks, in place of `data`. */
  readonly objects?: Readonly<Record<number, readonly string[]>>;
}

export interface ArchiveForm {
  /** The second number of the archive version: 10 to 16. */
  readonly minor?: number;
  readonly intBytes?: number;
  readonly offsetBytes?: number;
  readonly compressed?: boolean;
}

/** The rows of a table as COPY writes them. */
export function copied(...rows: readonly string[]): string {
  return `${rows.map((row) => `${row}\n`).join('')}\\.\n\n\n`;
}

export function table(id: number, name: string): ArchiveEntry {
  return { id, tag: name, kind: 'TABLE', namespace: 'public' };
}

export function tableData(id: number, name: string, data: readonly string[]): ArchiveEntry {
  return { id, tag: name, kind: 'TABLE DATA', namespace: 'public', copy: `COPY public.${name} FROM stdin;\n`, data };
}

export function archive(entries: readonly ArchiveEntry[], form: ArchiveForm = {}): { bytes: Buffer; contentsBytes: number } {
  const { minor = 16, intBytes = 4, offsetBytes = 8, compressed = false } = form;
  const join = (...parts: readonly Buffer[]): Buffer => Buffer.concat(parts);
  const byte = (value: number): Buffer => Buffer.from([value]);
  function int(value: number): Buffer {
    const digits = Buffer.alloc(intBytes);
    digits.writeUIntLE(Math.abs(value), 0, Math.min(intBytes, 6));
    return Buffer.concat([byte(value < 0 ? 1 : 0), digits]);
  }
  const text = (value: string | undefined): Buffer =>
    value === undefined ? int(-1) : Buffer.concat([int(Buffer.byteLength(value)), Buffer.from(value)]);
  const chunks = (parts: readonly string[]): Buffer => Buffer.concat([...parts.filter((part) => part !== '').map(text), int(0)]);

  const entry = ({ id, tag, kind, namespace, copy, data, objects }: ArchiveEntry): Buffer => {
    const hasData = data !== undefined || objects !== undefined;
    return Buffer.concat([
      join(int(id), int(hasData ? 1 : 0), text('1259'), text('16384'), text(tag), text(kind), int(2)),
      join(text(`CREATE ${kind} ${tag}`), text(`DROP ${kind} ${tag}`), text(copy), text(namespace), text('')),
      ...(minor >= 14 ? [text('heap')] : []),
      ...(minor >= 16 ? [int(0x72)] : []),
      join(text('postgres'), text('false'), text('215'), text('216'), text(undefined)),
      join(byte(hasData ? 1 : 3), Buffer.alloc(offsetBytes)),
    ]);
  };
  const block = ({ id, data, objects }: ArchiveEntry): Buffer => {
    if (data !== undefined) return Buffer.concat([byte(1), int(id), chunks(data)]);
    if (objects === undefined) return Buffer.alloc(0);
    return Buffer.concat([
      join(byte(3), int(id)),
      ...Object.entries(objects).flatMap(([oid, parts]) => [int(Number(oid)), chunks(parts)]),
      int(0),
    ]);
  };

  const head = Buffer.concat([
    join(Buffer.from('PGDMP'), byte(1), byte(minor), byte(0), byte(intBytes), byte(offsetBytes), byte(1)),
    minor >= 15 ? byte(compressed ? 1 : 0) : int(compressed ? -1 : 0),
    ...[1, 2, 3, 4, 5, 126, 0].map(int),
    ...['shop', '17.6', '17.6'].map(text),
    int(entries.length),
    ...entries.map(entry),
  ]);
  return { bytes: Buffer.concat([head, ...entries.map(block)]), contentsBytes: head.length };
}
