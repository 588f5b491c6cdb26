import type { TestError } from 'vitest';
import type { Reporter } from 'vitest/node';

/** Tells why a test that passed in the end failed at first: that it is `(retry x1)` alone helps nobody. */
export const secondTries: Reporter = {
  onTestCaseResult(test) {
    const { state, errors = [] } = test.result();
    if (state !== 'passed') return;
    for (const error of errors) console.log(`passed at the second try: ${test.fullName}\n${told(error)}`);
  },
};

/** What failed when something was put away, and what had failed before it. */
interface Suppressed {
  readonly error?: TestError;
  readonly suppressed?: TestError;
}

function told({ message, stack, error, suppressed }: TestError & Suppressed): string {
  return [stack ?? message, ...[suppressed, error].filter((one) => one !== undefined).map(told)].join('\n');
}
