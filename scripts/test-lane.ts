import { startVitest, type TestCase, type TestModule } from 'vitest/node'

/** The result of a lane, which is one project of `vitest.config.ts`. */
export interface LaneResult {
  readonly passed: number
  readonly failed: readonly NamedReason[]
  readonly skipped: readonly NamedReason[]
}

export interface NamedReason {
  readonly test: string
  readonly why: string
}

// usage: node test-lane.ts LANE, as a child process: runs the lane and sends its LaneResult to the parent.
const [lane] = process.argv.slice(2)
if (lane === undefined) throw new Error('usage: node test-lane.ts LANE')
const vitest = await startVitest('test', [], { project: [lane], watch: false })
const result = resultOf(vitest.state.getTestModules(), vitest.state.getUnhandledErrors())
process.send?.(result)
process.disconnect?.()
await vitest.exit() // also when a test left a handle open

/** A file that cannot be loaded, an error outside the tests and a lane without tests count as one failed test each. */
function resultOf(modules: readonly TestModule[], unhandled: readonly unknown[]): LaneResult {
  const tests = modules.flatMap((module) => [...module.children.allTests()])
  const inState = (state: string) => tests.filter((test) => test.result().state === state)
  const failed = [
    ...[...inState('failed'), ...inState('pending')].map((test) => ({ test: test.fullName, why: whyFailed(test) })),
    ...modules.flatMap((module) =>
      module
        .errors()
        .slice(0, 1)
        .map(({ message }) => ({ test: module.relativeModuleId, why: message })),
    ),
    ...unhandled.map((error) => ({
      test: 'outside the tests',
      why: error instanceof Error ? error.message : `${error}`,
    })),
  ]
  return {
    passed: inState('passed').length,
    failed: tests.length + failed.length === 0 ? [{ test: 'the lane', why: 'has no tests' }] : failed,
    skipped: inState('skipped').map((test) => ({ test: test.fullName, why: whySkipped(test) })),
  }
}

function whyFailed(test: TestCase): string {
  return test.result().errors?.[0]?.message ?? 'did not finish'
}

function whySkipped(test: TestCase): string {
  const result = test.result()
  return (result.state === 'skipped' ? result.note : undefined) ?? 'skipped in the source'
}
