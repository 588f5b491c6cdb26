import { type AppOptions, type Deed, openApp, serves } from '../../support/app-stack.ts';
import { labTest } from '../failures/lab-test.ts';
import type { TestStack } from '../../support/stack.ts';

/** Cases on one of the two examples, with users that upload, replace and delete files all the time; `options` opens another stack of it on the same storage. */
export function ownCloudTest(example: string, services: AppOptions['services'] & {}) {
  let environment: Readonly<Record<string, string>> = {};
  const test = labTest(() => ({
    s3: 'davit-test/s3-fast',
    open: (place) => openApp(example, { services, environment: (environment = place) }),
    seed: (stack) => serves(stack, 'owncloud', 100),
  }));
  return { test, options: () => ({ services, environment }) };
}

/** What an instance is known by, and what state it is in. */
export async function configOf(stack: TestStack): Promise<Record<string, string>> {
  const text = await stack.sh('owncloud', 'cat /mnt/data/config/config.php');
  return Object.fromEntries([...text.matchAll(/^ {2}'(.*)' => (.*),$/gm)].map(([, key = '', value = '']) => [key, value]));
}

/** What its console was asked, since the container was made. */
export async function occ(stack: TestStack): Promise<Deed[]> {
  return (await stack.sh('owncloud', 'cat /tmp/occ.log')).split('\n').map((line) => JSON.parse(line) as Deed);
}
