import { execFileSync } from 'node:child_process';

/** A fresh key pair; `identity` is the whole file that age-keygen writes. */
export function createAgeKeys(): { recipients: [string]; identity: string } {
  const identity = execFileSync('age-keygen', { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  const recipient = /^# public key: (age1\w+)$/m.exec(identity)?.[1];
  if (recipient === undefined) throw new Error('age-keygen printed no public key');
  return { recipients: [recipient], identity };
}
