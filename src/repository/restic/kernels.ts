import { compiled } from './kernels/compiled.ts';
import type { RollingTables } from './polynomial.ts';

/** What is used of it; the types of Node leave it to those of browsers. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { readonly exports: unknown };
};

/** The functions of kernels.as; all numbers are addresses in `memory`. */
interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): void };
  readonly data: { readonly value: number };
  findCut(from: number, to: number): number;
  polyBegin(): void;
  polyBlocks(from: number, to: number): void;
  polyEnd(from: number, length: number): void;
  xor(target: number, stream: number, length: number): void;
}

export interface Kernels extends Exports {
  readonly bytes: Buffer;
  /** Where the caller's own bytes begin. */
  readonly start: number;
}

let module: object | undefined;

/** An instance of its own, with room for so many bytes of data. */
export function createKernels(dataBytes: number): Kernels {
  module ??= new WebAssembly.Module(Buffer.from(compiled, 'base64'));
  const exports = new WebAssembly.Instance(module).exports as Exports;
  const start = exports.data.value;
  const missing = start + dataBytes - exports.memory.buffer.byteLength;
  if (missing > 0) exports.memory.grow(Math.ceil(missing / 65_536));
  return { ...exports, start, bytes: Buffer.from(exports.memory.buffer) };
}

export function setTables({ memory }: Kernels, { out, mod }: RollingTables): void {
  new BigUint64Array(memory.buffer, 0, 256).set(out);
  new BigUint64Array(memory.buffer, 2048, 256).set(mod);
}

/** Where `polyBegin` finds its key and `polyEnd` leaves the result. */
export const polyKeyAt = 4096;
export const polyTagAt = 4128;
