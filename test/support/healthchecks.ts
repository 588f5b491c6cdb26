const often = { start_period: '60s', start_interval: '250ms' };

/** So that nobody waits for the next one: often while a container starts, and seldom afterwards, because each is a process in its container. */
export const quick = { interval: '5s', timeout: '10s', retries: 12, ...often };

export function healthy(...command: readonly string[]) {
  return { test: ['CMD', ...command], ...quick };
}
