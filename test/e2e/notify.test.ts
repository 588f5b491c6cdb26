import { expect, test } from 'vitest';
import type { Notice } from '../../src/notifiers/notifier.ts';
import { healthy } from '../support/healthchecks.ts';
import { app } from '../support/services.ts';
import { createStack } from '../support/stack.ts';

/** A web server that writes down what it is sent, one body a line. */
const listener = `use IO::Socket::INET; my $s = IO::Socket::INET->new(LocalPort => 8080, Listen => 9, ReuseAddr => 1) or die;
while (my $c = $s->accept) {
  my $n = 0;
  while (<$c>) { $n = $1 if /^content-length: (\\d+)/i; last if /^\\r?$/ }
  read $c, my $body, $n;
  open my $f, '>>', '/tmp/heard'; print $f "$body\\n"; close $f;
  print $c "HTTP/1.1 200 OK\\r\\ncontent-length: 0\\r\\nconnection: close\\r\\n\\r\\n"; close $c;
}`;

test('who is named in DAVIT_NOTIFY is told how a backup went; who cannot be told is a warning', async () => {
  await using stack = await createStack({
    services: {
      app: app('data'),
      empty: { image: 'davit-test/app', labels: ['davit.files=/nowhere'], profiles: ['wrong'] },
      listener: {
        image: 'davit-test/app',
        command: ['perl', '-e', listener.replaceAll('$', '$$$$')],
        healthcheck: healthy('grep', '-q', ':1F90 ', '/proc/net/tcp'),
      },
    },
    volumes: ['data'],
    environment: { DAVIT_NOTIFY: 'http://listener:8080/hook,hc+http://listener:1/a-token-that-nobody-may-see' },
  });
  const heard = async (): Promise<Notice[]> =>
    (await stack.sh('listener', 'cat /tmp/heard')).split('\n').map((line) => JSON.parse(line) as Notice);
  await stack.up();
  await stack.sh('app', 'echo hello > /data/hello');

  const { exitCode, stderr } = await stack.davit('backup');
  expect(exitCode).toBe(0);
  expect(stderr).toContain('could not notify');
  expect(stderr).toContain('healthchecks listener:1');
  expect(stderr).not.toContain('a-token-that-nobody-may-see');
  expect(await heard()).toMatchObject([
    { stack: stack.project, set: 'default', status: 'complete', snapshot: expect.stringMatching(/^\d{8}T/) },
  ]);

  await stack.up('empty');
  expect((await stack.davit('backup')).exitCode).toBe(3);
  expect((await heard()).slice(1)).toMatchObject([{ status: 'incomplete', error: expect.stringContaining('/nowhere is in no volume') }]);

  expect((await stack.davit('backup', '--set', 'none')).exitCode).toBe(2);
  expect((await heard()).slice(2)).toMatchObject([{ set: 'none', status: 'failed', error: expect.stringContaining('does not exist') }]);
});
