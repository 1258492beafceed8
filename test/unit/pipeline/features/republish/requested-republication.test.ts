import { describe, expect, test } from 'vitest'
import { republish } from '../../../../../connector/pipeline/features/republish/republish.ts'
import { REQUESTED } from '../../../../../connector/scan/scan-state.ts'
import { openRepublications } from '../../../../support/fakes/open-republications.ts'
import { beginAt, MINUTE, noon, SECOND, scanOf, statesOf } from '../../../scan/scans.ts'
import { settled } from '../../../stream/open/open-parts.ts'
import { building } from '../../builders.ts'
import { kindsOf, pageReader, type Respond } from '../../page-readers.ts'
import { pageOf, token } from '../../readings.ts'

/** Live scans have one empty page, scans from the beginning three pages of 50 clients. */
const respond: Respond = ({ lastChanged, checkPoint }) => {
  if (lastChanged > beginAt) return pageOf([])
  const page = Number(checkPoint ?? 0) + 1
  const clients = Array.from({ length: 50 }, (_, at) => ({ No: `${page}-${at}` }))
  return page === 3 ? pageOf(clients) : pageOf(clients, { hasMoreResults: true, checkPoint: token(String(page)) })
}

const noLookBacks = { lookBacks: [], intervalMs: 10 * MINUTE }

function readingAgain(more: Parameters<typeof pageReader>[1] = {}) {
  const operator = openRepublications()
  const ended = new Set<string>()
  const requests = {
    ...operator.requests,
    isRecorded: (id: string) => ended.has(id),
  }
  const built = building({ features: [republish], requests })
  const states = statesOf({ lookBacks: [] })
  const on = pageReader(respond, { states, parts: built.builder.parts, settings: noLookBacks, ...more })
  return { ...on, operator, ended, begun: () => built.events }
}

describe('a request to publish again', () => {
  test('is carried out at once, not when the next live scan is due', async () => {
    const { operator, next, clock, pages, begun } = readingAgain()
    await next() // a live scan
    const coming = pages.next()
    await settled()
    const before = clock.now()
    const { id } = operator.request({ wanted: { kind: 'clients', keys: ['AAAAAAAAAAA', 'AAAAAAAAAAE'] } })
    expect(await coming).toMatchObject({ value: { scan: { kind: 'requested', from: beginAt }, isFirst: true } })
    expect(clock.now()).toBe(before)
    const started = { request: id, requestedBy: 'operator', clients: 2, lastChanged: beginAt }
    expect(begun()).toMatchObject([{ kind: 'republish-started', ...started }])
  })

  test('is read once, although the end of its scan is not processed yet', async () => {
    const { operator, read } = readingAgain({ settings: { ...noLookBacks, intervalMs: SECOND } })
    operator.request()
    expect(kindsOf(await read(8)).filter((kind) => kind.startsWith('requested'))).toEqual([
      ...['requested', 'requested', 'requested*'],
    ])
  })

  test('is read at the requested rate', async () => {
    const { operator, read, clock } = readingAgain()
    operator.request({ wanted: { kind: 'all', maxPerSecond: 5 } })
    await read(4)
    // Two pauses of ten seconds.
    expect(clock.now() - noon).toBeGreaterThanOrEqual(20 * SECOND)
    expect(clock.now() - noon).toBeLessThan(25 * SECOND)
  })

  test('waits for the one before it', async () => {
    const { operator, read, ended } = readingAgain()
    const [one, two] = [operator.request(), operator.request()]
    const first = await read(4)
    ended.add(one.id)
    const second = await read(3)
    const requestsOf = (readings: typeof first) => [...new Set(readings.map(({ scan }) => scan.request?.id))]
    expect(requestsOf(first)).toEqual([undefined, one.id])
    expect(requestsOf(second)).toEqual([two.id])
  })

  test('is read no further once it has ended', async () => {
    const { operator, next, read, ended } = readingAgain({ settings: { ...noLookBacks, intervalMs: SECOND } })
    const { id } = operator.request()
    expect(kindsOf(await read(2))).toEqual(['live*', 'requested'])
    ended.add(id)
    const { scan, states } = await next()
    expect([scan.kind, states.background]).toEqual(['live', []])
  })

  test('does not keep a poll from ending, which leaves its scan to a replica', async () => {
    const request = { id: 'request 1', maxPerSecond: null }
    const scan = scanOf({ kind: 'requested', tag: REQUESTED, from: beginAt, notBefore: noon + MINUTE, request })
    const inProgress = statesOf({ lookBacks: [], background: [scan] })
    const { operator, next } = readingAgain({ until: 'caught-up', states: inProgress })
    expect(operator.request()).toMatchObject({ id: 'request 1' })
    expect((await next()).states.background).toHaveLength(1)
    expect(await next()).toBeUndefined()
  })
})
