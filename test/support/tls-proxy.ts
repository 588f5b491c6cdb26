import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { type AddressInfo, createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { execa } from 'execa';

export interface TlsProxy extends AsyncDisposable {
  readonly endpoint: URL;
  /** Of the authority that vouches for the proxy, and that nobody knows. */
  readonly authority: string;
}

/** HTTPS before a server that speaks HTTP, with a certificate of a private authority. */
export async function startTlsProxy(upstream: URL, address: string): Promise<TlsProxy> {
  const folder = await mkdtemp(join(tmpdir(), 'davit-authority-'));
  const openssl = (...args: string[]) => execa('openssl', args, { cwd: folder });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  await openssl('req', '-x509', ...key, '-subj', '/CN=authority', '-keyout', 'ca.key', '-out', 'ca.pem');
  const alternative = ['-addext', `subjectAltName=IP:${address}`, '-addext', 'basicConstraints=CA:FALSE'];
  await openssl(
    'req',
    '-x509',
    ...key,
    ...alternative,
    '-subj',
    '/CN=s3',
    '-CA',
    'ca.pem',
    '-CAkey',
    'ca.key',
    '-keyout',
    's3.key',
    '-out',
    's3.pem',
  );
  const read = (name: string): Promise<string> => readFile(join(folder, name), 'utf8');
  const [authority, cert, privateKey] = await Promise.all(['ca.pem', 's3.pem', 's3.key'].map(read));

  const server = createServer({ cert, key: privateKey }, (client) => {
    const server = createConnection({ host: upstream.hostname, port: Number(upstream.port) });
    client.on('error', () => server.destroy()).pipe(server);
    server.on('error', () => client.destroy()).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  return {
    endpoint: new URL(`https://${address}:${(server.address() as AddressInfo).port}`),
    authority: authority ?? '',
    async [Symbol.asyncDispose]() {
      server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
