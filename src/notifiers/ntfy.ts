import type { CreateNotifier } from './notifier.ts';
import { post } from './request.ts';
import { text, title } from './text.ts';

/** A longer one becomes a file, or is refused where the server takes none. */
const longestBytes = 4096;

/** ntfy: the address is server and topic. What is not complete is urgent. */
export const ntfy: CreateNotifier = (address) => ({
  name: `ntfy ${address.host}`,
  async notify(notice, signal) {
    if (notice.status === 'started') return;
    const look =
      notice.status === 'complete' ? { priority: 'low', tags: 'white_check_mark' } : { priority: 'high', tags: 'rotating_light' };
    // Headers are Latin-1 on the wire; ntfy reads this form of others.
    const encoded = `=?UTF-8?B?${Buffer.from(title(notice)).toString('base64')}?=`;
    await post(address, shortened(text(notice)), { title: encoded, ...look }, signal);
  },
});

function shortened(message: string): string {
  const bytes = Buffer.from(message);
  if (bytes.length <= longestBytes) return message;
  const end = ' …';
  // Streaming: what is left of a character at the end is kept back.
  return new TextDecoder().decode(bytes.subarray(0, longestBytes - Buffer.byteLength(end)), { stream: true }) + end;
}
