import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { FORMAT } from '../../../../connector/checkpoint/checkpoint-document.ts'
import { connectorConfig } from '../../../../connector/config/connector-config.ts'
import { checkSource } from '../../../../connector/inspect/doctor/check-source.ts'
import type { StreamUnderTest } from '../../../../connector/inspect/doctor/doctor-parts.ts'
import type { ClientSource, ReadArguments } from '../../../../connector/source/client-source.ts'
import type { VersionedObject } from '../../../../connector/storage/checkpoint-store.ts'
import { type SourceFault, simulatedPolaris } from '../../../simulation/simulated-polaris.ts'
import { virtualClock } from '../../../support/fakes/virtual-clock.ts'
import { never } from '../../../support/signals.ts'
import { fromEnvironment, leastEnvironment, valid } from '../../config/config-sources.ts'

// The check reads a simulated server, and its requests are compared.

interface Checked {
  readonly fault?: (read: number) => SourceFault
  readonly clients?: number
  readonly [setting: `POLARIS_${string}`]: string
  readonly EVENT_FIELDS?: string
  readonly ids?: readonly string[]
  /** The stored document. */
  readonly stored?: string | undefined
}

/** The results for a source with two clients per page, and the reads that were made. */
async function checkOf({ fault = () => 'none', clients = 5, ids = [], stored, ...environment }: Checked) {
  const clock = virtualClock(Date.parse('2026-06-15T10:00:00Z'))
  const reads: ReadArguments[] = []
  const polaris = simulatedPolaris({
    scans: 'current',
    order: 'oldest first',
    modificationTime: 'shown',
    now: clock.now,
    timeZone: 'Europe/Paris',
    date: clock.now,
    records: () => 0,
    fault: async () => fault(reads.length),
  })
  for (let client = 1; client <= clients; client += 1)
    polaris.change({ clientId: ids[client - 1] ?? String(client), content: 'v1', lateMs: 0 })
  const { read } = polaris.source('doctor')
  const source: ClientSource = {
    read: (at, stop) => {
      reads.push(at)
      return read(at, stop)
    },
  }
  const settings = valid(fromEnvironment({ ...leastEnvironment, POLARIS_LIMIT: '2', ...environment }))
  const [config = expect.fail('no stream')] = connectorConfig(settings).streams
  const object = { read: async () => stored && { text: stored, version: '1' } } as unknown as VersionedObject
  const results = await checkSource({ config, source, object } as StreamUnderTest, clock, never)
  return { reads, results }
}

test('reads two pages from the start, then the last day to its end, and the second page again', async () => {
  const { reads, results } = await checkOf({ POLARIS_LAST_CHANGED: '2026-01-01' })
  const start = { lastChanged: '2026-01-01T00:00:00', limit: 2 }
  const aDayAgo = { lastChanged: '2026-06-14T12:00:00', limit: 2 }
  expect(reads).toMatchObject([
    { ...start, checkPoint: null },
    { ...start, checkPoint: expect.any(String) },
    { ...aDayAgo, checkPoint: null },
    { ...aDayAgo, checkPoint: expect.any(String) },
    { ...aDayAgo, checkPoint: expect.any(String) },
    { ...start, checkPoint: reads[1]?.checkPoint },
  ])
  expect(results.polaris).toMatchObject({
    verdict: 'ok',
    detail: expect.stringMatching(/^2 clients .* more results follow$/),
  })
  expect(results['second page']).toMatchObject({ verdict: 'ok', detail: '2 clients' })
  expect(results['interleaved scans']?.verdict).toBe('ok')
  expect(results['time zone']?.verdict).toBe('ok')
})

test('tells whether a login is proved', async () => {
  const login = { POLARIS_AUTH: 'login', POLARIS_USER: 'u', POLARIS_PASSWORD: 'p' }
  const proved = { verdict: 'ok', detail: 'proved by a page' }
  expect((await checkOf(login)).results.login).toEqual(proved)
  const unproved = { verdict: 'skipped', detail: 'not proved: requires a page' }
  expect((await checkOf({ ...login, fault: () => 'fail' })).results.login).toEqual(unproved)
  expect((await checkOf({})).results).not.toHaveProperty('login')
})

test('reports a token that the server refuses', async () => {
  const { results } = await checkOf({
    fault: (read) => (read === 2 ? 'refuse' : 'none'),
    POLARIS_LAST_CHANGED: '2026-01-01',
  })
  expect(results['second page']).toMatchObject({ verdict: 'failed', code: 'source.request-refused' })
  expect(results['interleaved scans']).toMatchObject({ verdict: 'skipped', detail: 'requires a second page' })
})

test('warns of ids that differ only in white space or case, and names none', async () => {
  expect((await checkOf({})).results['client ids']?.verdict).toBe('ok')
  const {
    verdict,
    detail = '',
    hint = '',
  } = (await checkOf({ ids: ['a 1', 'A 1', ' a 1'] })).results['client ids'] ?? {}
  expect([verdict, detail]).toEqual(['warning', 'groups of ids that differ only in white space or case: 1'])
  expect(hint).toContain('audit --ids similar')
})

test('reads at most 20 pages of the last day', async () => {
  const { reads, results } = await checkOf({ clients: 100 })
  expect(reads).toHaveLength(2 + 20 + 1)
  expect(results['time zone']?.verdict).toBe('ok')
})

test('skips the checks of fields, clock and time zone when there is no page', async () => {
  const { results } = await checkOf({ fault: () => 'fail', POLARIS_LAST_CHANGED: '2026-01-01' })
  expect(results.polaris).toMatchObject({ verdict: 'failed', code: 'source.unreachable' })
  for (const check of [
    'second page',
    'interleaved scans',
    'fields',
    'client ids',
    'lists',
    'server clock',
    'time zone',
  ])
    expect(results[check]?.verdict, check).toBe('skipped')
})

test('warns of a shop without clients, unless the beginning of the stream is unknown', async () => {
  const { results } = await checkOf({ clients: 0, POLARIS_LAST_CHANGED: '2026-01-01' })
  expect(results.polaris).toMatchObject({ verdict: 'warning', hint: expect.stringContaining('POLARIS_CODE_MAGASIN') })
  expect((await checkOf({ clients: 0 })).results.polaris?.verdict).toBe('ok')
})

test('judges rules with what the checkpoint knows: one that has matched stays matched', async () => {
  const paths = async (stored?: string) => {
    const settings = { EVENT_FIELDS: 'Contenu.Contenu: drop', POLARIS_CLIENT_ID_FIELD: 'No', stored } as const
    return (await checkOf(settings)).results['configured paths']
  }
  expect(await paths()).toMatchObject({ verdict: 'failed', code: 'source.mapping' })
  const { document } = JSON.parse(
    readFileSync(new URL(`../../../fixtures/checkpoints/format-${FORMAT}.json`, import.meta.url), 'utf8'),
  )
  const found = { clientId: 'No', modifiedAt: null, path: null, matched: ['contenu.contenu'] }
  document.committed.state.mapping = { xml: found, json: null, lists: [] }
  expect(await paths(JSON.stringify(document))).toMatchObject({ verdict: 'ok' })
  expect(await paths('damaged')).toMatchObject({ verdict: 'failed' })
})
