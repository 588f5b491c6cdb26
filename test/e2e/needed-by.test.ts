import { expect, test } from 'vitest';
import type { Manifest } from '../../src/model/snapshot.ts';
import { app } from '../support/services.ts';
import { createStack } from '../support/stack.ts';

test('a snapshot stays as long as one of another set needs it, and is named where that one is shown and restored', async () => {
  await using stack = await createStack({
    services: { app: app('files', { labels: ['davit.set=shop'] }), images: app('more', { labels: ['davit.set=images'] }) },
    volumes: ['files', 'more'],
    davit: { labels: ['davit.set.images.keep=last=1', 'davit.set.images.needed-by=shop', 'davit.set.shop.keep=last=2'] },
  });
  await stack.up();
  const backup = async (set: string): Promise<string> => {
    const [outcome] = await stack.json<{ manifest: Manifest }[]>(['backup', '--set', set]);
    return outcome?.manifest.id ?? '';
  };
  const verdicts = async () => {
    const all = await stack.json<{ id: string; keep: boolean; reasons: string[] }[]>(['prune', '--dry-run']);
    return Object.fromEntries(all.map(({ id, keep, reasons }) => [id, keep ? reasons : 'goes']));
  };
  const needed = (...ids: readonly string[]) => expect.arrayContaining([`needed by set shop: ${ids.join(' ')}`]);

  await backup('images');
  const shop1 = await backup('shop');
  const images2 = await backup('images');
  const shop2 = await backup('shop');
  const images3 = await backup('images');
  expect(await verdicts()).toEqual({
    [images3]: needed(shop2),
    [images2]: [`needed by set shop: ${shop1}`],
    [shop2]: expect.anything(),
    [shop1]: expect.anything(),
  });
  expect((await stack.davit('show', shop1)).stdout).toContain(`of set images, ${images2} `);
  expect(await stack.json(['show', shop2])).toMatchObject({ companions: [{ set: 'images', id: images3 }] });

  const shop3 = await backup('shop');
  expect(await verdicts()).toEqual({
    [images3]: needed(shop3, shop2),
    [images2]: 'goes',
    [shop3]: expect.anything(),
    [shop2]: expect.anything(),
  });
  const restored = await stack.restore(shop3, '--no-safety');
  expect(restored.stdout).toContain(`davit restore ${images3}`);
  expect((await stack.davit('prune')).stdout).toContain(`removed ${images2}`);
});
