import { getCACertificates, rootCertificates, setDefaultCACertificates } from 'node:tls';
import { configurationError } from './model/errors.ts';

/** Authorities that this process trusts beyond those that come with Node: what `NODE_EXTRA_CA_CERTS` names. Node itself only warns when it cannot be read. */
export function ownAuthorities(file: string | undefined): string[] {
  const known = new Set(rootCertificates);
  const authorities = getCACertificates('default').filter((certificate) => !known.has(certificate));
  if (file === undefined || file === '' || getCACertificates('extra').length > 0) return authorities;
  throw configurationError({
    where: 'environment',
    what: 'NODE_EXTRA_CA_CERTS names no certificate that can be read',
    seen: file,
    fix: 'mount a file in PEM format there, or remove the variable',
  });
}

/** In a worker, which has neither the variable nor the file. */
export function trust(authorities: readonly string[]): void {
  if (authorities.length > 0) setDefaultCACertificates([...rootCertificates, ...authorities]);
}
