import type { CreateNotifier } from './notifier.ts';
import { post } from './request.ts';
import { text, title } from './text.ts';

/** ntfy: the address is server and topic. What is not complete is urgent. */
export const ntfy: CreateNotifier = (address) => ({
  name: `ntfy ${address.host}`,
  async notify(notice, signal) {
    if (notice.status === 'started') return;
    const look =
      notice.status === 'complete' ? { priority: 'low', tags: 'white_check_mark' } : { priority: 'high', tags: 'rotating_light' };
    // Headers are Latin-1 on the wire; ntfy reads this form of others.
    const encoded = `=?UTF-8?B?${Buffer.from(title(notice)).toString('base64')}?=`;
    await post(address, text(notice), { title: encoded, ...look }, signal);
  },
});
