import { expect, test } from 'vitest';
import { twinOptions } from '../../../src/docker/twin.ts';

const spec = {
  name: 'davit-drill-shop-db-1',
  hostname: 'db',
  image: undefined,
  labels: { 'io.davit.worker': 'shop' },
  volumes: ['/data'],
  mounts: [
    { type: 'bind' as const, source: '/srv/conf', target: '/conf' },
    { type: 'volume' as const, source: 'keys', subpath: 'server/tls', target: '/tls' },
  ],
  standIns: {
    variable: (name: string, value: string) => (name === 'PASSWORD' ? 'new' : value),
    words: (words: readonly string[]) => [...words],
  },
};
const base = { Env: ['PATH=/old/bin', 'PGDATA=/data'], Entrypoint: ['entrypoint'], Cmd: ['server'] };
const config = { Image: 'db:1', Labels: {}, ...base };

test('what comes from the image is left to the image, which may be another one', () => {
  const Env = ['PATH=/old/bin', 'PGDATA=/elsewhere', 'PASSWORD=old=', 'A=b=c'];
  const options = twinOptions({ Config: { ...config, Env } }, base, 'sha256:1', spec);
  expect(options).toMatchObject({ Image: 'sha256:1', Env: ['PGDATA=/elsewhere', 'PASSWORD=new', 'A=b=c'], Labels: spec.labels });
  expect(options).not.toHaveProperty('Cmd');
  expect(options).not.toHaveProperty('Entrypoint');
  expect(twinOptions({ Config: { ...config, Cmd: ['server', '-v'] } }, base, 'x', spec)).toMatchObject({ Cmd: ['server', '-v'] });
  // With an entrypoint of its own, Docker no longer takes the image's command.
  expect(twinOptions({ Config: { ...config, Entrypoint: ['other'] } }, base, 'x', spec)).toMatchObject({
    Entrypoint: ['other'],
    Cmd: ['server'],
  });
});

test('it is alone: no network, no ports, no privileges, no devices, none of the volumes, and it does not come back', () => {
  const HostConfig = {
    NetworkMode: 'shop_default',
    PortBindings: { '1/tcp': [{ HostPort: '1' }] },
    Privileged: true,
    Devices: [{}],
    Binds: ['/srv/data:/data'],
    Links: ['x'],
    PidMode: 'host',
    VolumesFrom: ['x'],
    RestartPolicy: { Name: 'always' },
    ShmSize: 1234,
    Ulimits: null,
  };
  const { HostConfig: own } = twinOptions({ Config: config, HostConfig }, base, 'x', spec);
  expect(own).toEqual({
    ShmSize: 1234,
    NetworkMode: 'none',
    ExtraHosts: ['db:127.0.0.2'],
    LogConfig: { Type: 'none' },
    Mounts: [
      { Type: 'volume', Target: '/data' },
      { Type: 'bind', Source: '/srv/conf', Target: '/conf', ReadOnly: true },
      { Type: 'volume', Source: 'keys', Target: '/tls', ReadOnly: true, VolumeOptions: { Subpath: 'server/tls' } },
    ],
  });
});
