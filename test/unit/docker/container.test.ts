import { describe, expect, test } from 'vitest';
import { type ContainerInfo, programs, toContainer } from '../../../src/docker/container.ts';

const info: ContainerInfo = {
  Id: 'c0ffee',
  Name: '/shop-db-1',
  Image: 'sha256:1234',
  Path: 'docker-entrypoint.sh',
  Args: ['redis-server', '--requirepass', 'x'],
  State: { Status: 'running', StartedAt: '2026-11-21T03:00:00Z', Health: { Status: 'healthy' } },
  Config: { Image: 'redis:7', Labels: { 'davit.dump': 'auto' }, Env: ['A=1', 'B=x=y', 'EMPTY=', 'BARE'] },
  NetworkSettings: { Networks: { shop_default: { NetworkID: '5eaf00d' } } },
  Mounts: [
    { Type: 'volume', Name: 'shop_data', Source: '/var/lib/docker/volumes/shop_data/_data', Destination: '/data', RW: true },
    { Type: 'bind', Source: '/srv/conf', Destination: '/conf', RW: false },
    { Type: 'tmpfs', Source: '', Destination: '/run', RW: true },
    { Type: 'npipe', Source: 'x', Destination: '/pipe', RW: true },
  ],
};

describe('a container as Docker describes it', () => {
  test('becomes ours', () => {
    expect(toContainer(info, undefined)).toEqual({
      id: 'c0ffee',
      name: 'shop-db-1',
      image: 'redis:7',
      imageId: 'sha256:1234',
      state: 'running',
      exitCode: 0,
      health: 'healthy',
      labels: { 'davit.dump': 'auto' },
      env: { A: '1', B: 'x=y', EMPTY: '', BARE: '' },
      command: ['docker-entrypoint.sh', 'redis-server', '--requirepass', 'x'],
      mounts: [
        { type: 'volume', source: 'shop_data', destination: '/data', writable: true },
        { type: 'bind', source: '/srv/conf', destination: '/conf', writable: false },
        { type: 'tmpfs', source: '', destination: '/run', writable: true },
        { type: 'other', source: 'x', destination: '/pipe', writable: true },
      ],
      networks: ['5eaf00d'],
      startedAt: '2026-11-21T03:00:00Z',
    });
  });

  test('a mount may be a folder of its volume', () => {
    const subpath = (text: string) =>
      toContainer({ ...info, HostConfig: { Mounts: [{ Target: '/data', VolumeOptions: { Subpath: text } }] } }, undefined).mounts[0]
        ?.subpath;
    expect(['app', './app/x/', ''].map(subpath)).toEqual(['app', 'app/x', undefined]);
  });

  test('with everything absent', () => {
    const bare = {
      ...info,
      Args: null,
      Mounts: null,
      NetworkSettings: undefined,
      Config: { Image: 'x', Labels: null, Env: null },
      State: { Status: 'created', StartedAt: '0001-01-01T00:00:00Z' },
    };
    expect(toContainer(bare, 'redis@sha256:99')).toMatchObject({
      imageId: 'redis@sha256:99',
      state: 'created',
      health: 'none',
      labels: {},
      env: {},
      command: ['docker-entrypoint.sh'],
      mounts: [],
      networks: [],
      startedAt: '',
    });
  });
});

test('programs of `top` under the column names of Linux and BusyBox', () => {
  const titles = ['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD'];
  const row = (command: string): string[] => ['999', '1', '0', '0', '03:00', '?', '00:00:00', command];
  const commands = ['/usr/sbin/mariadbd --user=mysql', 'postgres: checkpointer ', 'redis-server *:6379', '-bash', 'postgres'];
  expect(programs(titles, commands.map(row))).toEqual(['mariadbd', 'postgres', 'redis-server', 'bash']);
  expect(programs(['PID', 'USER', 'TIME', 'COMMAND'], [['1', 'root', '0:00', 'mongod --bind_ip_all']])).toEqual(['mongod']);
  expect(programs([], [])).toEqual([]);
});
