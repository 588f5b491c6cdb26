import { expect, test } from 'vitest';
import { parseEnvironment } from '../../../src/config/environment.ts';
import { createRepository } from '../../../src/repository/index.ts';

const recipient = `age1${'q'.repeat(58)}`;
const create = (variables: Record<string, string>) =>
  createRepository(parseEnvironment({ DAVIT_PASSWORD: 'x', ...variables }), {}, () => undefined);

test('recipients that nothing would be encrypted to are refused', async () => {
  const restic = { DAVIT_STORAGE: 'restic+file:///backups', DAVIT_ENCRYPT_TO: recipient };
  await expect(create(restic)).rejects.toThrow(/DAVIT_ENCRYPT_TO says nothing to the format of restic/);
  await expect(create({ ...restic, DAVIT_STORAGE_PLAIN: 's3://bucket' })).resolves.toBeDefined();
  await expect(create({ DAVIT_STORAGE: 'file:///backups', DAVIT_ENCRYPT_TO: recipient })).resolves.toBeDefined();
});

test('a password that nothing would be encrypted with is refused', async () => {
  await expect(create({ DAVIT_STORAGE: 's3://bucket' })).rejects.toThrow(
    /DAVIT_PASSWORD says nothing to plain files.*: s3:\/\/bucket — write restic\+/,
  );
  await expect(create({ DAVIT_STORAGE: 's3://bucket', DAVIT_STORAGE_IMAGES: 'restic+s3://images' })).resolves.toBeDefined();
});

test('whether snapshots stay on this machine is asked of the storage that they go to', async () => {
  const { isLocal } = await create({ DAVIT_STORAGE: 's3://bucket', DAVIT_STORAGE_IMAGES: 'restic+file:///images' });
  expect([isLocal(), isLocal('images')]).toEqual([false, true]);
});
