import type { Reporter } from 'vitest/node';

/** Tells why a test that passed in the end failed at first: that it is `(retry x1)` alone helps nobody. */
export const secondTries: Reporter = {
  onTestCaseResult(test) {
    const { state, errors = [] } = test.result();
    if (state !== 'passed') return;
    for (const { message, stack } of errors) console.log(`passed at the second try: ${test.fullName}\n${stack ?? message}`);
  },
};
