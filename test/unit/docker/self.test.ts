import { describe, expect, test } from 'vitest';
import type { ContainerInfo } from '../../../src/docker/container.ts';
import { candidates, findSelf, upperDirOf } from '../../../src/docker/self.ts';

const a = 'a1'.repeat(32);
const b = 'b2'.repeat(32);
const mounts = (id: string, root = '/var/lib/docker/containers'): string =>
  ['resolv.conf', 'hostname', 'hosts']
    .map((file, index) => `${600 + index} 590 254:1 ${root}/${id}/${file} /etc/${file} rw,relatime - ext4 /dev/vda1 rw`)
    .join('\n');
const overlay = (upper: string): string =>
  `590 480 0:52 / / rw,relatime master:1 - overlay overlay rw,lowerdir=/l/1:/l/2,upperdir=${upper},workdir=/w`;

const none = { mountinfo: '', cgroup: '', hostname: 'laptop' };

describe('the ids this process may have', () => {
  test.each([
    ['cgroup v2, private: mounts only', { ...none, mountinfo: mounts(a), cgroup: '0::/' }, [a]],
    ['cgroup v1', { ...none, cgroup: `12:cpu,cpuacct:/docker/${a}\n1:name=systemd:/docker/${a}` }, [a]],
    ['cgroup v1 under systemd', { ...none, cgroup: `4:memory:/system.slice/docker-${a}.scope` }, [a]],
    ['cgroup v2 of the host', { ...none, cgroup: `0::/system.slice/docker-${a}.scope` }, [a]],
    ['rootless', { ...none, mountinfo: mounts(a, '/home/u/.local/share/docker/containers'), cgroup: '0::/' }, [a]],
    [
      'podman',
      {
        ...none,
        mountinfo: `700 1 0:25 /containers/overlay-containers/${a}/userdata/hosts /etc/hosts rw - tmpfs tmpfs rw`,
        cgroup: `0::/machine.slice/libpod-${a}.scope/container`,
      },
      [a],
    ],
    ['hostname as short id', { ...none, hostname: a.slice(0, 12) }, [a.slice(0, 12)]],
    ['hostname of the user', { ...none, hostname: 'cafe' }, []],
    ['kubernetes-like, two ids', { ...none, mountinfo: mounts(a), cgroup: `0::/kubepods/${b}` }, [a, b]],
    [
      'on the host: mounts of other containers are not ours',
      { ...none, mountinfo: `88 25 0:50 / /var/lib/docker/containers/${a}/mounts/shm rw - tmpfs shm rw`, cgroup: '0::/user.slice' },
      [],
    ],
  ])('%s', (_what, traces, expected) => {
    expect(candidates(traces)).toEqual(expected);
  });
});

test('the writable layer is read from the root mount', () => {
  expect(upperDirOf(`${mounts(a)}\n${overlay('/var/lib/docker/overlay2/x/diff')}`)).toBe('/var/lib/docker/overlay2/x/diff');
  expect(upperDirOf(mounts(a))).toBeUndefined();
});

describe('the container of this process', () => {
  const info = (id: string, upper?: string): ContainerInfo =>
    ({ Id: id, GraphDriver: { Data: upper === undefined ? null : { UpperDir: upper } } }) as unknown as ContainerInfo;
  const daemonOf = (...known: readonly ContainerInfo[]) => ({ find: async (id: string) => known.find(({ Id }) => Id.startsWith(id)) });

  test('is the first candidate that Docker confirms', async () => {
    expect(await findSelf(daemonOf(info(b)), { ...none, mountinfo: mounts(a), cgroup: `0::/docker/${b}` })).toBe(b);
    expect(await findSelf(daemonOf(), { ...none, mountinfo: mounts(a) })).toBeUndefined();
  });

  test('is not the one whose network it shares', async () => {
    const mountinfo = `${mounts(a)}\n${overlay('/o/b/diff')}`;
    const daemon = daemonOf(info(a, '/o/a/diff'), info(b, '/o/b/diff'));
    expect(await findSelf(daemon, { ...none, mountinfo })).toBeUndefined();
    expect(await findSelf(daemon, { ...none, mountinfo, cgroup: `1:cpu:/docker/${b}` })).toBe(b);
  });
});
