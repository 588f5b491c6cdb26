// Completes package-lock.json after an `npm install` against a mirror that lacks other platforms' binaries:
// npm drops an optional package that it cannot fetch, and `npm ci` then refuses the file, on every machine.
// What is added holds no integrity, since nobody here has seen the file.
import { readFileSync, writeFileSync } from 'node:fs';

const systems = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32'];
const processors = ['arm', 'arm64', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'wasm32', 'x64'];

const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'));
const added = [];
for (const [parent, { dev, license, engines, optionalDependencies = {} }] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    if (lock.packages[`${parent}/node_modules/${name}`] || lock.packages[`node_modules/${name}`]) continue;
    const words = name.split(/[/-]/);
    const os = words.filter((word) => systems.includes(word));
    const cpu = words.filter((word) => processors.includes(word));
    if (os.length === 0 || cpu.length === 0) throw new Error(`${name}: for which platform is it?`);
    const libc = os[0] !== 'linux' ? {} : name.includes('musl') ? { libc: ['musl'] } : { libc: ['glibc'] };
    lock.packages[`node_modules/${name}`] = { version, cpu, ...(dev && { dev }), ...libc, license, optional: true, os, engines };
    added.push(name);
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).toSorted(([a], [b]) => a.localeCompare(b, 'en')));
writeFileSync('package-lock.json', `${JSON.stringify(lock, null, 2)}\n`);
console.log(`package-lock.json: ${added.length} platform packages added`);
