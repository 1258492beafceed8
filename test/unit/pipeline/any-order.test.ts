import { describe, expect, test } from 'vitest'
import { runPipeline } from '../../../connector/pipeline/pipeline.ts'
import type { ClientSource } from '../../../connector/source/client-source.ts'
import { virtualClock } from '../../support/fakes/virtual-clock.ts'
import { historyOf } from '../../support/scans.ts'
import { beginAt, DAY, MINUTE, noon, statesOf } from '../scan/scans.ts'
import { openedStream, settled, stage } from '../stream/open/open-parts.ts'
import { orderedServer, SERVED, serverOrders } from './ordered-server.ts'

const refused = serverOrders.map((order) => ({ order, trouble: 'a refused token' }) as const)
const failing = (['oldest first', 'frozen, changing'] as const).map(
  (order) => ({ order, trouble: 'twelve 500s' }) as const,
)

/** Runs a new stream until nothing is left to read; the number of clients that it has published. */
async function publishedFrom(source: ClientSource, clock: ReturnType<typeof virtualClock>) {
  const on = stage({ source, clock })
  const stopping = new AbortController()
  const opened = await openedStream({ ...on.open, beginAt }, stopping.signal)
  const { checkpoint } = opened
  const scans = statesOf({ lookBacks: [], history: historyOf('first') })
  checkpoint.advance({ ...checkpoint.state(), scans, entries: '' })
  const settings = {
    ...on.pipeline.reader.settings,
    limit: 100,
    intervalMs: MINUTE,
    overlapMs: 15_000,
  }
  const reader = { ...on.pipeline.reader, settings, beginAt }
  const end = runPipeline({ ...on.pipeline, reader }, opened, stopping.signal)
  const isDone = () => {
    const { history, background } = checkpoint.state().scans
    return history.state === 'done' && background.length === 0
  }
  while (!isDone() && clock.now() < noon + 5 * DAY) {
    await settled()
    clock.fireNext()
  }
  stopping.abort()
  clock.fireNext()
  await end
  expect(isDone()).toBe(true)
  return new Set(on.kafka.committed.map(({ key }) => key)).size
}

describe('Invariant 1: a history publishes every client, whatever the order of the server', () => {
  test.each([...refused, ...failing])('$order, $trouble', async ({ order, trouble }) => {
    const clock = virtualClock(noon)
    const source = orderedServer({ order, trouble, clock })
    expect(await publishedFrom(source, clock)).toBe(SERVED)
  })
})
