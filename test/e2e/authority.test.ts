import { expect, test } from 'vitest';
import { startS3 } from '../support/s3-server.ts';
import { app } from '../support/services.ts';
import { createStack } from '../support/stack.ts';
import { startTlsProxy } from '../support/tls-proxy.ts';
import { hostAddress } from './failures/look.ts';

test('a storage with a certificate of a private authority: Davit and its workers trust whom NODE_EXTRA_CA_CERTS names', async () => {
  await using server = await startS3('davit-test/s3-fast');
  await using proxy = await startTlsProxy(server.endpoint, await hostAddress());
  await using stack = await createStack({
    services: { app: app('files') },
    volumes: ['files'],
    files: { authority: proxy.authority },
    environment: {
      DAVIT_STORAGE: `s3://${server.bucket}`,
      ...server.environmentFor(proxy.endpoint),
      NODE_EXTRA_CA_CERTS: '/run/secrets/authority',
    },
    davit: { secrets: ['authority'] },
    top: { secrets: { authority: { file: './authority' } } },
  });
  await stack.up();
  await stack.sh('app', 'echo old > /data/a');
  await stack.backup();
  await stack.sh('app', 'echo new > /data/a');
  await stack.restore('latest');
  expect(await stack.sh('app', 'cat /data/a')).toBe('old');

  const withAuthority = (file: string) => stack.compose('exec', '-T', '-e', `NODE_EXTRA_CA_CERTS=${file}`, 'davit', 'davit', 'list');
  expect(await withAuthority('')).toMatchObject({
    exitCode: 1,
    stderr: expect.stringMatching(/certificate is not trusted.* — .*NODE_EXTRA_CA_CERTS/),
  });
  expect(await withAuthority('/gone')).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('names no certificate that can be read: /gone'),
  });
});
