import type { CreateNotifier } from './notifier.ts';
import { post } from './request.ts';

/** Any address: the notice as JSON. */
export const webhook: CreateNotifier = (address) => ({
  name: `webhook ${address.host}`,
  async notify(notice, signal) {
    if (notice.status !== 'started') await post(address, JSON.stringify(notice), { 'content-type': 'application/json' }, signal);
  },
});
