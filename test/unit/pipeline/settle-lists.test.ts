import { describe, expect, test } from 'vitest'
import type { PipelineEvent } from '../../../connector/pipeline/pipeline-event.ts'
import { type ReadPage, withLists } from '../../../connector/pipeline/read/settle-lists.ts'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import { newScans, type ScanStates } from '../../../connector/scan/scan-state.ts'
import type { ClientRecord } from '../../../connector/source/client-source.ts'
import { virtualClock } from '../../support/fakes/virtual-clock.ts'
import { backfillOf } from '../../support/scans.ts'
import { never } from '../../support/signals.ts'
import { noon, scanOf } from '../scan/scans.ts'
import { settled as idle } from '../stream/open/open-parts.ts'
import { mappedTo, reading } from './readings.ts'

const backfilling: ScanStates = { ...newScans, background: [scanOf({ kind: 'backfill', tag: 1 })] }
const caughtUp: ScanStates = { ...newScans, backfill: backfillOf('done') }
const pageWith = (clients: readonly ClientRecord[], states = backfilling): ReadPage => reading(clients, { states })
const one = { No: '1', Cartes: { Carte: { Code: 'a', Type: 'b' } } }
const two = { No: '2', Cartes: [{ Code: 'a' }, { Code: 'b' }] }
const plain = { No: '3', Nom: 'x' }

/** What the reader returns next: a page, a failure, or nothing until `stop` or the next page. */
type Step = ReadPage | ConnectorError | 'late'

function settling(steps: readonly Step[], settled: readonly string[] | null = null, lists: readonly string[] = []) {
  const clock = virtualClock(noon)
  const events: PipelineEvent[] = []
  const late = Promise.withResolvers<void>()
  let read = 0
  async function* pages(): AsyncGenerator<ReadPage, void> {
    for (const step of steps) {
      read += 1
      if (step === 'late') await late.promise
      else if (step instanceof ConnectorError) throw step
      else yield step
    }
  }
  const parts = { settled, fields: { lists }, clock, observe: (event: PipelineEvent) => void events.push(event) }
  const stop = new AbortController()
  const found = withLists(pages(), parts, AbortSignal.any([never, stop.signal]))
  const next = async () => (await found.next()).value
  return { next, found, read: () => read, clock, events, late, stop }
}

describe('the lists of a new stream', () => {
  test('are settled from its first three pages with clients, before the first page is processed', async () => {
    const { next, read, events } = settling([
      pageWith([]),
      pageWith([one]),
      pageWith([plain]),
      pageWith([two]),
      pageWith([plain]),
    ])
    expect((await next())?.mapping.lists).toBeNull() // a page without clients says nothing
    const first = await next()
    expect([first?.page.clients, first?.lists, first?.mapping.lists]).toEqual([[one], ['Cartes'], ['Cartes']])
    expect(read()).toBe(4)
    expect(events).toEqual([{ kind: 'lists-settled', fields: ['Cartes'] }])
    for (const expected of [plain, two, plain]) expect(await next()).toMatchObject({ page: { clients: [expected] } })
    expect(await next()).toBeUndefined()
  })

  test('are settled from fewer pages when nothing is left to read, and at the end', async () => {
    const small = settling([pageWith([two]), pageWith([one], caughtUp), 'late'])
    expect((await small.next())?.lists).toEqual(['Cartes'])
    expect((await small.next())?.page.clients).toEqual([one])
    const ended = settling([pageWith([two])])
    expect((await ended.next())?.lists).toEqual(['Cartes'])
    expect(await ended.next()).toBeUndefined()
  })

  test('do not wait longer than ten seconds for a page, nor for one after a failure or a stop', async () => {
    const slow = settling([pageWith([two]), 'late', pageWith([one])])
    const waiting = slow.next()
    await idle()
    expect(slow.clock.nextTimerAt()).toBe(noon + 10_000)
    slow.clock.fireNext()
    expect((await waiting)?.page.clients).toEqual([two])
    slow.late.resolve()
    expect(await slow.next()).toMatchObject({ page: { clients: [one] }, lists: ['Cartes'] })

    const failing = settling([pageWith([two]), new ConnectorError('source.unreachable', 'read page: planned')])
    expect((await failing.next())?.page.clients).toEqual([two])
    await expect(failing.next()).rejects.toMatchObject({ code: 'source.unreachable' })

    const stopping = settling([pageWith([two]), 'late'])
    const last = stopping.next()
    await idle()
    stopping.stop.abort()
    expect((await last)?.page.clients).toEqual([two])
  })

  test('say nothing when there are none, or only configured ones', async () => {
    const none = settling([pageWith([plain, one])])
    expect(await none.next()).toMatchObject({ lists: [], mapping: { lists: [] } })
    const configured = settling([pageWith([two])], null, ['cartes'])
    expect(await configured.next()).toMatchObject({ lists: ['cartes'], mapping: { lists: [] } })
    expect([...none.events, ...configured.events]).toEqual([])
  })
})

test('a field that is found to be a list later is one from that page on, and reported as a change of shape', async () => {
  const { next, events } = settling([pageWith([one]), pageWith([one, two]), pageWith([plain])], [])
  expect((await next())?.lists).toEqual([])
  expect(await next()).toMatchObject({ lists: ['Cartes'], mapping: { ...mappedTo('No', 'Modif'), lists: ['Cartes'] } })
  expect((await next())?.lists).toEqual(['Cartes'])
  expect(events).toEqual([{ kind: 'lists-found', fields: ['Cartes'] }])
})

test('the pages after those of an earlier opening have the lists that it settled', async () => {
  const { next, read, events } = settling([pageWith([one]), pageWith([two])], ['Cartes'], ['Ref'])
  expect((await next())?.lists).toEqual(['Ref', 'Cartes'])
  expect(read()).toBe(1)
  expect(events).toEqual([])
})
