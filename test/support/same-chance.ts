import fc from 'fast-check'

// Before each test file. Chance is the commit's (`vitest.config.ts`): a red run is red again, and the next commit tries something else.
fc.configureGlobal({ seed: Number(process.env.TEST_SEED) })
