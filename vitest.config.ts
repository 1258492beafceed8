import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { seedOfCommit } from './test/support/lanes/seed-of-commit.ts'

/** Seeds every random choice in tests. */
const { TEST_SEED = seedOfCommit() } = process.env

/** The files of each lane that take longest. They are small, and Vitest starts the largest ones first. */
const longest = /\/(fresh-machine|delivery-model|hostile-pages|lost-markers|held|oauth)\.test\.ts$/

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLongest = ({ moduleId }: TestSpecification) => longest.test(moduleId)
    const others = await super.sort(files.filter((file) => !isLongest(file)))
    return [...files.filter(isLongest), ...others]
  }
}

/**
 * Lanes: unit (no sockets), contract (real Kafka and S3), simulation (virtual time), e2e (the built CLI as a child
 * process), chaos (replicas, brokers and networks fail), image (the container image, a fresh machine), chart (real
 * Helm, promtool), kubernetes (the chart on a real API server).
 */
export default defineConfig({
  oxc: { target: 'es2023' },
  test: {
    env: { TEST_SEED },
    sequence: { sequencer: LongestFirst },
    setupFiles: 'test/support/lanes/same-chance.ts',
    // kafkajs sets timers in the past.
    execArgv: ['--disable-warning=TimeoutNegativeWarning'],
    // By default, one core is left free.
    maxWorkers: '100%',
    projects: [
      // Unit tests share no state; loading the modules once per worker saves most of the run time.
      {
        extends: true,
        // A busy machine may take ten times as long.
        test: { name: 'unit', include: ['test/unit/**/*.test.ts'], isolate: false, testTimeout: 60_000 },
      },
      {
        extends: true,
        test: {
          name: 'contract',
          include: ['test/contract/**/*.test.ts'],
          globalSetup: 'test/support/lanes/real-servers.ts',
          testTimeout: 60_000,
          hookTimeout: 120_000,
          // They mostly wait for servers and timeouts.
          maxWorkers: 3,
        },
      },
      { extends: true, test: { name: 'simulation', include: ['test/simulation/**/*.test.ts'], testTimeout: 300_000 } },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          globalSetup: 'test/support/lanes/real-servers.ts',
          testTimeout: 300_000,
          hookTimeout: 120_000,
          // They mostly wait for processes and timeouts: each takes half of a core. With more, time limits are exceeded.
          maxWorkers: 3,
        },
      },
      { extends: true, test: { name: 'chart', include: ['test/chart/**/*.test.ts'], testTimeout: 60_000 } },
      {
        extends: true,
        test: {
          name: 'kubernetes',
          include: ['test/kubernetes/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      // On a busy machine, the short run takes four minutes instead of two.
      { extends: true, test: { name: 'chaos', include: ['test/chaos/**/*.test.ts'], testTimeout: 600_000 } },
      {
        extends: true,
        test: {
          name: 'image',
          include: ['test/image/**/*.test.ts'],
          globalSetup: ['test/support/lanes/real-servers.ts', 'test/support/containers/built-image.ts'],
          testTimeout: 300_000,
          hookTimeout: 120_000,
          // The fresh machines install packages while the other files run one after the other.
          maxWorkers: 2,
        },
      },
    ],
  },
})
