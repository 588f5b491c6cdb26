import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/**
 * An S3 that throws big objects away: both sides of a comparison upload to it, so that neither waits for a disk. It answers with true MD5 ETags,
 * because Davit compares them, and keeps small objects, because manifests are read back. Signatures are not checked.
 */

const keptBytes = 1024 * 1024;
interface Kept {
  readonly bytes: number;
  readonly etag: string;
  readonly body: Buffer | undefined;
}

const objects = new Map<string, Kept>();
const uploads = new Map<string, { key: string; parts: Map<number, Kept> }>();
let counter = 0;

async function take(request: IncomingMessage): Promise<Kept> {
  const hash = createHash('md5');
  const kept: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
    if (bytes <= keptBytes) kept.push(chunk);
  }
  return { bytes, etag: hash.digest('hex'), body: bytes <= keptBytes ? Buffer.concat(kept) : undefined };
}

function complete(id: string): Kept {
  const { key, parts } = uploads.get(id) ?? { key: '', parts: new Map<number, Kept>() };
  const sorted = [...parts].toSorted(([a], [b]) => a - b).map(([, part]) => part);
  const etag = createHash('md5')
    .update(Buffer.from(sorted.map((part) => part.etag).join(''), 'hex'))
    .digest('hex');
  const object = { bytes: sorted.reduce((sum, part) => sum + part.bytes, 0), etag: `${etag}-${sorted.length}`, body: undefined };
  objects.set(key, object);
  uploads.delete(id);
  return object;
}

const xml = (response: ServerResponse, text: string): void =>
  void response.setHeader('content-type', 'application/xml').end(`<?xml version="1.0" encoding="UTF-8"?>${text}`);
const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://sink');
  const key = decodeURIComponent(url.pathname).replace(/^\/[^/]+\/?/, '');
  const upload = url.searchParams.get('uploadId');
  if (request.method === 'PUT') {
    const object = await take(request);
    if (upload === null) objects.set(key, object);
    else uploads.get(upload)?.parts.set(Number(url.searchParams.get('partNumber')), object);
    response.setHeader('etag', `"${object.etag}"`).end();
  } else if (request.method === 'POST' && url.searchParams.has('uploads')) {
    const id = String((counter += 1));
    uploads.set(id, { key, parts: new Map() });
    xml(response, `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`);
  } else if (request.method === 'POST' && upload !== null) {
    await take(request);
    xml(response, `<CompleteMultipartUploadResult><ETag>&quot;${complete(upload).etag}&quot;</ETag></CompleteMultipartUploadResult>`);
  } else if (request.method === 'POST') {
    await take(request);
    xml(response, '<DeleteResult></DeleteResult>');
  } else if (request.method === 'GET' && url.searchParams.has('uploads')) {
    xml(response, '<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>');
  } else if (request.method === 'GET' && key === '') {
    const prefix = url.searchParams.get('prefix') ?? '';
    const found = [...objects].filter(([name]) => name.startsWith(prefix));
    const contents = found.map(
      ([name, { bytes, etag }]) =>
        `<Contents><Key>${escape(name)}</Key><Size>${bytes}</Size><ETag>"${etag}"</ETag><LastModified>${new Date().toISOString()}</LastModified></Contents>`,
    );
    xml(
      response,
      `<ListBucketResult><IsTruncated>false</IsTruncated><KeyCount>${found.length}</KeyCount>${contents.join('')}</ListBucketResult>`,
    );
  } else if (request.method === 'DELETE') {
    objects.delete(key);
    response.writeHead(204).end();
  } else {
    const object = objects.get(key);
    if (object === undefined) response.writeHead(404).end();
    else
      response
        .writeHead(200, { etag: `"${object.etag}"`, 'content-length': object.bytes })
        .end(request.method === 'HEAD' ? undefined : object.body);
  }
}

createServer(
  (request, response) => void answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error))),
).listen(Number(process.argv[2] ?? 9100), () => process.stdout.write('ready\n'));
