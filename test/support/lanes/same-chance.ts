import fc from 'fast-check'

// Runs before each test file. The seed depends on the commit (`vitest.config.ts`): a failing run fails again when
// repeated, and the next commit tries other values.
fc.configureGlobal({ seed: Number(process.env.TEST_SEED) })
