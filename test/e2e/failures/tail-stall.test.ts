import { expect } from 'vitest';
import { startSocketProxy } from '../../support/socket-proxy.ts';
import { labTest } from './lab-test.ts';
import { hostAddress } from './look.ts';

/** Docker waits 2 s for a reader when a command has ended, and then drops what is left, with a clean end. Which sizes it loses depends on how much it can hold. */
const stall = { afterBytes: 300_000, forMs: 2500 };
const sizes = Array.from({ length: 32 }, (_, index) => 1_500_000 + 12_000 * index);

const proxy = await startSocketProxy({ listen: 'tcp', address: await hostAddress(), stall });
const test = labTest(() => ({
  uses: proxy,
  environment: { DOCKER_HOST: proxy.host },
  services: {
    app: {
      image: 'davit-test/app',
      labels: ['davit.files=none', ...sizes.map((size) => `davit.command.c${size}=head -c ${size} /dev/zero`)],
    },
  },
}));

test('the reader stands still while commands end: not a byte of any is missing', async ({ lab }) => {
  const stored = lab.good().artifacts.map(({ name, plain }) => `${name}: ${plain.bytes}`);
  expect(stored.toSorted()).toEqual(sizes.map((size) => `c${size}: ${size}`).toSorted());
});
