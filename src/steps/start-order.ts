import type { Stack } from './discover.ts';

/** Dependencies first, as compose starts them; a circle is entered at the first name. */
export function inStartOrder<T extends { readonly service: string }>(stack: Stack, entries: readonly T[]): T[] {
  const dependencies = new Map(stack.services.map(({ name, dependsOn }) => [name, dependsOn.map(({ service }) => service).toSorted()]));
  const order = new Map<string, number>();
  const seen = new Set<string>();
  const visit = (name: string): void => {
    if (seen.has(name)) return;
    seen.add(name);
    dependencies.get(name)?.forEach(visit);
    order.set(name, order.size);
  };
  entries
    .map(({ service }) => service)
    .toSorted()
    .forEach(visit);
  return entries.toSorted((a, b) => (order.get(a.service) ?? 0) - (order.get(b.service) ?? 0));
}
