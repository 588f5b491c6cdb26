import type { CreateNotifier } from './notifier.ts';
import { post } from './request.ts';
import { text } from './text.ts';

/** healthchecks.io and its like: `/start`, then the address itself or `/fail`. They also notice when no run comes at all. */
export const healthchecks: CreateNotifier = (address) => ({
  name: `healthchecks ${address.host}`,
  async notify(notice, signal) {
    const ping = new URL(address);
    if (notice.status === 'started') ping.pathname = below(address, 'start');
    else if (notice.status !== 'complete') ping.pathname = below(address, 'fail');
    await post(ping, text(notice), {}, signal);
  },
});

function below({ pathname }: URL, name: string): string {
  return `${pathname.replace(/\/+$/, '')}/${name}`;
}
