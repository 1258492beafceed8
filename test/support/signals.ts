/** Never aborted: for what the test does not stop. */
export const never: AbortSignal = new AbortController().signal
