import { expect, test } from 'vitest'
import { connectorConfig } from '../../../../connector/config/connector-config.ts'
import { deadLetterLimit } from '../../../../connector/event/dead-letter.ts'
import { checkProgress } from '../../../../connector/inspect/doctor/check-progress.ts'
import { checkSource } from '../../../../connector/inspect/doctor/check-source.ts'
import type { ReadArguments } from '../../../../connector/source/client-source.ts'
import { fakePolaris, type SourceFault } from '../../../support/fakes/fake-client-source.ts'
import { virtualClock } from '../../../support/fakes/virtual-clock.ts'
import { eventForm } from '../../../support/records.ts'
import { never } from '../../../support/signals.ts'
import { fromEnvironment, leastEnvironment, valid } from '../../config/config-sources.ts'

interface Checked {
  readonly fault?: (read: number) => SourceFault
  readonly clients?: number
  /** The server's zone. */
  readonly timeZone?: string
  readonly POLARIS_LAST_CHANGED?: string
  readonly comparesOutputs?: boolean
}

/** The results for a source with two clients per page, and the reads that were made. */
async function checkOf({ fault = () => 'none', clients = 5, timeZone = 'Europe/Paris', ...more }: Checked) {
  const { comparesOutputs = false, ...environment } = more
  const clock = virtualClock(Date.parse('2026-06-15T10:00:00Z'))
  const reads: ReadArguments[] = []
  const progress = checkProgress()
  const shown: string[] = []
  const polaris = fakePolaris({
    ...{ now: () => clock.now(), timeZone, modificationTime: 'shown' },
    fault: (at) => {
      shown.push(progress.inProgress().join())
      return fault(reads.push(at))
    },
  })
  for (let client = 1; client <= clients; client += 1) polaris.change(String(client))
  const [config] = connectorConfig(
    valid(fromEnvironment({ ...leastEnvironment, POLARIS_LIMIT: '2', ...environment })),
  ).streams
  if (config === undefined) throw new Error('no stream')
  const events = {
    settings: {
      form: eventForm({ source: '/polaris/shops/clients' }),
      maxValueBytes: 100_000,
      deadLetterClient: 'leave-out',
    },
    reading: { timeZone, ignored: new Set<string>(), lists: [], fields: undefined },
    limit: deadLetterLimit,
  } as const
  const stream = { config, source: polaris.source('doctor'), events }
  const results = await checkSource(stream, { clock, progress, comparesOutputs }, never)
  return { reads, results, shown: [...new Set(shown)] }
}

test('reads two pages from the start, a live scan, the second page again, and then the last day to its end', async () => {
  const { reads, results } = await checkOf({ POLARIS_LAST_CHANGED: '2026-01-01' })
  const start = { lastChanged: '2026-01-01T00:00:00', limit: 2 }
  const live = { lastChanged: '2026-06-15T11:59:45', limit: 2 }
  const aDayAgo = { lastChanged: '2026-06-14T12:00:00', limit: 2 }
  expect(reads).toMatchObject([
    { ...start, checkPoint: null },
    { ...start, checkPoint: expect.any(String) },
    { ...live, checkPoint: null },
    { ...live, checkPoint: expect.any(String) },
    { ...live, checkPoint: expect.any(String) },
    { ...start, checkPoint: reads[1]?.checkPoint },
    { ...aDayAgo, checkPoint: null },
    { ...aDayAgo, checkPoint: expect.any(String) },
    { ...aDayAgo, checkPoint: expect.any(String) },
  ])
  expect(results.polaris).toMatchObject({
    verdict: 'ok',
    detail: expect.stringMatching(/^2 clients .* more results follow$/),
  })
  expect(results['second page']).toMatchObject({ verdict: 'ok', detail: '2 clients, 0 ms' })
  expect(results.live).toMatchObject({
    verdict: 'ok',
    detail: '5 clients since 2026-06-15T11:59:45 server time, 3 pages',
  })
  expect(results.interleaving?.verdict).toBe('ok')
  expect(results['time zone']?.verdict).toBe('ok')
})

test('reports a token that the server refuses', async () => {
  const { results } = await checkOf({
    fault: (read) => (read === 2 ? 'refuse' : 'none'),
    POLARIS_LAST_CHANGED: '2026-01-01',
  })
  expect(results['second page']).toMatchObject({ verdict: 'failed', code: 'source.request-refused' })
  expect(results.interleaving).toMatchObject({ verdict: 'skipped', detail: 'requires a second page' })
  expect(results.live?.verdict).toBe('ok')
})

test('reports a live scan that fails', async () => {
  const { results } = await checkOf({ fault: (read) => (read === 4 ? 'fail' : 'none') })
  expect(results.polaris?.verdict).toBe('ok')
  expect(results.live).toMatchObject({ verdict: 'failed', code: 'source.unreachable' })
})

test('needs no second page when there is none', async () => {
  const { results } = await checkOf({ clients: 1 })
  expect(results['second page']).toMatchObject({ verdict: 'skipped', detail: 'no more results follow' })
  expect(results.interleaving?.verdict).toBe('skipped')
})

test('reads the first page in the other output too, if asked', async () => {
  const { reads, results } = await checkOf({ comparesOutputs: true, POLARIS_LAST_CHANGED: '2026-01-01' })
  const [first, ...others] = reads
  expect(first).toMatchObject({ output: 'xml' })
  expect(others.filter(({ output }) => output === 'json')).toEqual([{ ...first, output: 'json' }])
  expect(results.outputs).toMatchObject({ verdict: 'ok', detail: 'xml and json of 2 clients are equal' })
})

test('reads from one day ago when the stream has no configured start', async () => {
  const { reads } = await checkOf({})
  expect(reads[0]).toMatchObject({ lastChanged: '2026-06-14T12:00:00', checkPoint: null })
})

test('reads at most 20 pages of the last day', async () => {
  const { reads, results } = await checkOf({ clients: 100 })
  expect(reads).toHaveLength(2 + 20 + 1 + 20)
  expect(results.live?.detail).toMatch(/ 20 pages; more results follow$/)
  expect(results['time zone']).toMatchObject({ verdict: 'ok', detail: expect.stringContaining('first pages') })
})

test('names UTC when the server writes its modification times in UTC', async () => {
  const { results } = await checkOf({ timeZone: 'UTC' })
  expect(results['time zone']).toMatchObject({ verdict: 'warning', hint: expect.stringContaining('to UTC') })
})

test('judges the pages read so far when a page of the last day fails', async () => {
  const { results } = await checkOf({ fault: (read) => (read === 8 ? 'fail' : 'none') })
  expect(results.polaris?.verdict).toBe('ok')
  expect(results['time zone']).toMatchObject({ verdict: 'ok', detail: expect.stringContaining('first pages') })
})

test('skips the checks of fields, clock and time zone when there is no page', async () => {
  const { results } = await checkOf({ fault: () => 'fail', POLARIS_LAST_CHANGED: '2026-01-01' })
  expect(results.polaris).toMatchObject({ verdict: 'failed', code: 'source.unreachable' })
  for (const check of ['second page', 'live', 'interleaving', 'fields', 'order', 'server clock', 'time zone'])
    expect(results[check]?.verdict, check).toBe('skipped')
})

test('names the step that is in progress during each read', async () => {
  const { shown } = await checkOf({ POLARIS_LAST_CHANGED: '2026-01-01', comparesOutputs: true })
  const steps = ['polaris', 'second page', 'live', 'interleaving', 'outputs', 'time zone']
  expect(shown).toEqual(steps.map((step) => `clients: ${step}`))
})

test('warns of a shop without clients, unless the beginning of the stream is unknown', async () => {
  const { results } = await checkOf({ clients: 0, POLARIS_LAST_CHANGED: '2026-01-01' })
  expect(results.polaris).toMatchObject({ verdict: 'warning', hint: expect.stringContaining('POLARIS_CODE_MAGASIN') })
  expect((await checkOf({ clients: 0 })).results.polaris?.verdict).toBe('ok')
})
