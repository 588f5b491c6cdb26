import { andAlso, DavitError, messageOf } from '../model/errors.ts';

/** How much a restore has replaced when it ends too early. */
export type Reached = 'nothing' | 'something' | 'everything';

/** Whatever was under way when Davit was told to stop failed for that reason. Whoever is left with half a restore must know the way back. */
export function endedEarly(failure: unknown, { aborted, reason }: AbortSignal, reached: Reached, safety: string | undefined): DavitError {
  if (!aborted) return andAlso(failure, 'restore', stateOf(reached, safety));
  const what = reason instanceof DavitError ? reason.complaint.what : messageOf(reason);
  const fix = reached === 'everything' && failure instanceof DavitError ? failure.complaint.fix : undefined;
  return andAlso(new DavitError({ where: 'restore', what, fix }, { cause: reason }), 'restore', stateOf(reached, safety));
}

function stateOf(reached: Reached, safety: string | undefined): string {
  if (reached === 'nothing') return 'nothing was replaced';
  if (reached === 'everything') return 'all data are restored';
  return safety === undefined
    ? 'the restore ended half-way and nothing was saved first: restore again'
    : `the restore ended half-way: \`davit restore ${safety}\` brings back what was there before`;
}
