import { defineConfig } from 'rolldown';

/**
 * What the image holds: a few files instead of some two thousand modules, because a run starts `node` at least twice, and memory counts.
 * Dockerode's ways to ssh and to BuildKit are never taken, and left out.
 */
const neverTaken = new Set(['ssh2', '@grpc/grpc-js', '@grpc/proto-loader', 'protobufjs']);

export default defineConfig({
  platform: 'node',
  // `process` is started as a process of its own, `packing-thread` as a thread, by the path of their files.
  input: { main: 'src/main.ts', process: 'src/sqlite/process.ts', 'packing-thread': 'src/repository/restic/packing-thread.ts' },
  output: {
    dir: 'dist',
    cleanDir: true,
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
    // `health`, which is asked every minute, needs no more of the packages.
    advancedChunks: { groups: [{ name: 'zod', test: /node_modules\/zod\// }] },
  },
  plugins: [
    {
      name: 'never-taken',
      resolveId: (id) => (neverTaken.has(id) ? `\0${id}` : undefined),
      load: (id) => (id.startsWith('\0') && neverTaken.has(id.slice(1)) ? 'export default {}' : undefined),
    },
  ],
});
