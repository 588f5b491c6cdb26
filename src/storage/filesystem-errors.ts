import { DavitError, messageOf } from '../model/errors.ts';

const explanations: Readonly<Record<string, readonly [what: string, fix: string]>> = {
  ENOSPC: ['the disk is full', 'free space there, keep fewer snapshots (DAVIT_KEEP) or store elsewhere'],
  EDQUOT: ['the disk quota is used up', 'raise the quota, keep fewer snapshots (DAVIT_KEEP) or store elsewhere'],
  EFBIG: ['the file is too large for this file system', 'store on another file system'],
  EROFS: ['the file system is read-only', 'mount it writable into the Davit container'],
  EACCES: ['permission denied', 'let the user that Davit runs as write there'],
  EPERM: ['operation not permitted', 'let the user that Davit runs as write there'],
  ENOENT: ['the folder was removed', 'make it anew, and start Davit again: the mount still leads to the one that was removed'],
  ENOTDIR: ['part of the path is a file, not a folder', 'name a folder in DAVIT_STORAGE'],
  EEXIST: ['part of the path is a file, not a folder', 'name a folder in DAVIT_STORAGE'],
  ENAMETOOLONG: ['the name is too long for this file system', 'choose a shorter name'],
  EIO: ['the disk reports an error', 'check the disk'],
};

const ofNetwork = /^(ECONN|EHOST|ENET|ETIMEDOUT|EPIPE)/;

/** What a person can do about an error of the file system; other errors, such as those of the data's source, stay as they are. */
export function fileError(error: unknown, path: string): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined || ofNetwork.test(code)) return error;
  const [what, fix] = explanations[code] ?? ['the file system refused', undefined];
  return new DavitError({ where: path, what, seen: messageOf(error), fix }, { cause: error });
}
