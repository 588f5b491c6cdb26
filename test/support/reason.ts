/** Why a promise that is still pending will be rejected; fails when it is fulfilled instead. */
export async function reasonOf(promise: Promise<unknown>): Promise<Error> {
  const { reason } = await promise.then(
    () => ({ reason: undefined }),
    (reason: unknown) => ({ reason }),
  );
  if (reason instanceof Error) return reason;
  throw new Error('expected the promise to be rejected with an error');
}
