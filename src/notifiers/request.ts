import { DavitError, messageOf } from '../model/errors.ts';

/** Posts, and rejects unless the answer is 2xx. A user and password in the address become a header, which is where servers look for them. */
export async function post(address: URL, body: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void> {
  const { username, password } = address;
  const target = new URL(address);
  target.username = target.password = '';
  const login = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64');
  const response = await fetch(target, {
    method: 'POST',
    body,
    headers: { ...headers, ...(username || password ? { authorization: `Basic ${login}` } : {}) },
    // Who follows it asks without the text, and a web page answers that with 200.
    redirect: 'manual',
    signal,
  }).catch((cause: unknown) => {
    throw new DavitError(
      { where: address.host, what: 'does not answer', seen: reasonOf(cause), fix: 'check DAVIT_NOTIFY and the network' },
      { cause },
    );
  });
  await response.body?.cancel();
  if (!response.ok)
    throw new DavitError({
      where: address.host,
      what: 'refused the notification',
      seen: `status ${response.status}`,
      fix: isRedirect(response)
        ? 'name the address that it leads to in DAVIT_NOTIFY, such as https:// instead of http://'
        : 'check DAVIT_NOTIFY',
    });
}

function isRedirect({ status }: Response): boolean {
  return status >= 300 && status < 400;
}

/** `fetch failed` says nothing; its cause does. */
function reasonOf(error: unknown): string {
  return messageOf(error instanceof Error && error.cause !== undefined ? error.cause : error);
}
