import { describe, expect, test } from 'vitest'
import { runPipeline } from '../../../connector/pipeline/pipeline.ts'
import type { ClientSource } from '../../../connector/source/client-source.ts'
import { virtualClock } from '../../support/fakes/virtual-clock.ts'
import { backfillOf } from '../../support/scans.ts'
import { beginAt, DAY, MINUTE, noon, statesOf } from '../scan/scans.ts'
import { openedStream, settled, stage } from '../stream/open/open-parts.ts'
import { orderedServer, SERVED, serverOrders, serverTroubles } from './ordered-server.ts'

const everything = (['kept apart', 'mixed up'] as const).flatMap((scans) =>
  serverOrders.flatMap((order) => serverTroubles.map((trouble) => ({ order, trouble, scans }))),
)

/** Runs a new stream until nothing is left to read; the number of clients that it has published. */
async function publishedFrom(
  source: ClientSource,
  clock: ReturnType<typeof virtualClock>,
  interleaving: 'proven' | 'serial',
) {
  const on = stage({ source, clock })
  const stopping = new AbortController()
  const opened = await openedStream({ ...on.open, beginAt }, stopping.signal)
  const { checkpoint } = opened
  const scans = statesOf({ lookBacks: [], backfill: backfillOf('first'), interleaving })
  checkpoint.advance({ ...checkpoint.state(), scans, entries: '' })
  const settings = {
    ...on.pipeline.reader.settings,
    limit: 100,
    intervalMs: MINUTE,
    maxIntervalMs: MINUTE,
    overlapMs: 15_000,
  }
  const reader = { ...on.pipeline.reader, settings, beginAt }
  const group = { ...on.pipeline.group, scanSettings: settings, beginAt }
  const end = runPipeline({ ...on.pipeline, reader, group }, opened, stopping.signal)
  const isDone = () => {
    const { backfill, background } = checkpoint.state().scans
    return backfill.state === 'done' && background.length === 0 && checkpoint.state().recheck === null
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

describe('Invariant 1: a backfill publishes every client, whatever the order of the server', () => {
  test.each(everything)('$order, $trouble, scans $scans', async ({ order, trouble, scans }) => {
    const clock = virtualClock(noon)
    const source = orderedServer({ order, trouble, scans, clock })
    expect(await publishedFrom(source, clock, scans === 'kept apart' ? 'proven' : 'serial')).toBe(SERVED)
  })
})
