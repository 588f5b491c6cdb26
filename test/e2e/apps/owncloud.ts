import type { Deed } from '../../support/app-stack.ts';
import type { TestStack } from '../../support/stack.ts';

/** What an instance is known by, and what state it is in. */
export async function configOf(stack: TestStack): Promise<Record<string, string>> {
  const text = await stack.sh('owncloud', 'cat /mnt/data/config/config.php');
  return Object.fromEntries([...text.matchAll(/^ {2}'(.*)' => (.*),$/gm)].map(([, key = '', value = '']) => [key, value]));
}

/** What its console was asked, since the container was made. */
export async function occ(stack: TestStack): Promise<Deed[]> {
  return (await stack.sh('owncloud', 'cat /tmp/occ.log')).split('\n').map((line) => JSON.parse(line) as Deed);
}
