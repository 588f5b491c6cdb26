import { createFilesystemStorage } from '../../src/storage/filesystem.ts';
import { createS3Storage, type S3Options } from '../../src/storage/s3.ts';
import { stuck } from './bytes.ts';

/** Run as a program that is then killed: begins to store `key` and never ends. Says `half` when that much has been taken. */
const [where = '', key = ''] = process.argv.slice(2);
const place = JSON.parse(where) as { directory: string } | S3Options;
const storage = 'directory' in place ? createFilesystemStorage(place.directory) : createS3Storage(place);

const { data, delivered } = stuck(20_000_000);
void storage.put(key, data);
await delivered;
process.stdout.write('half\n');
setInterval(() => undefined, 60_000);
