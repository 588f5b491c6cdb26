import type { Repository } from './repository.ts';

const firstMs = 5000;

/** A repository that tells while somebody waits for its storage: after 5 s, 10 s, 20 s and so on. A storage that does not answer is given a minute and a half. */
export function tellingWaits(repository: Repository, tell: (waitedMs: number) => void, afterMs = firstMs): Repository {
  async function told<T>(work: Promise<T>): Promise<T> {
    let timer = setTimeout(again, afterMs, afterMs);
    function again(waitedMs: number): void {
      tell(waitedMs);
      timer = setTimeout(again, waitedMs, waitedMs * 2);
    }
    try {
      return await work;
    } finally {
      clearTimeout(timer);
    }
  }
  return {
    ...repository,
    list: (stack, set) => told(repository.list(stack, set)),
    listReachable: (stack, set) => told(repository.listReachable(stack, set)),
    stacks: () => told(repository.stacks()),
    begin: (address) => told(repository.begin(address)),
    remove: (manifests, signal) => told(repository.remove(manifests, signal)),
    sweep: (stack, isDead) => told(repository.sweep(stack, isDead)),
  };
}
