import { expect, test } from 'vitest'
import { connectorConfig } from '../../../connector/config/connector-config.ts'
import { checkSource } from '../../../connector/doctor/check-source.ts'
import type { ReadArguments } from '../../../connector/source/client-source.ts'
import { fakePolaris, type SourceFault } from '../../support/fake-client-source.ts'
import { virtualClock } from '../../support/virtual-clock.ts'
import { fromEnvironment, leastEnvironment, valid } from '../config/config-sources.ts'

/** What doctor finds of a source with five clients, read two at a time, and the reads that this took. */
async function found({ fault = 'none', ...more }: { fault?: SourceFault; POLARIS_LAST_CHANGED?: string }) {
  const clock = virtualClock(Date.parse('2026-06-15T10:00:00Z'))
  const reads: ReadArguments[] = []
  const polaris = fakePolaris({
    ...{ now: () => clock.now(), timeZone: 'Europe/Paris', modificationTime: 'shown' },
    fault: (at) => {
      reads.push(at)
      return fault
    },
  })
  for (const id of ['1', '2', '3', '4', '5']) polaris.change(id)
  const [config] = connectorConfig(valid(fromEnvironment({ ...leastEnvironment, POLARIS_LIMIT: '2', ...more }))).streams
  if (config === undefined) throw new Error('no stream')
  const findings = await checkSource({ config, source: polaris.source('doctor') }, clock, new AbortController().signal)
  return { reads, findings }
}

test('one page is read from the beginning of the stream, and no more of what is there', async () => {
  const { reads, findings } = await found({ POLARIS_LAST_CHANGED: '2026-01-01' })
  expect(reads).toMatchObject([{ lastChanged: '2026-01-01T00:00:00', checkPoint: null, limit: 2 }])
  expect(findings.polaris).toMatchObject({ verdict: 'ok', seen: expect.stringMatching(/^2 clients .* more to come$/) })
})

test('a stream that has no beginning in its settings is looked at since yesterday', async () => {
  const { reads } = await found({})
  expect(reads).toMatchObject([{ lastChanged: '2026-06-14T12:00:00', checkPoint: null }])
})

test('without a page nothing is said of its fields, clock and zone', async () => {
  const { findings } = await found({ fault: 'fail', POLARIS_LAST_CHANGED: '2026-01-01' })
  expect(findings.polaris).toMatchObject({ verdict: 'failed', code: 'source.unreachable' })
  for (const check of ['fields', 'server clock', 'time zone']) expect(findings[check]?.verdict, check).toBe('skipped')
})
