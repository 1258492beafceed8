import { describe, expect, test } from 'vitest'
import { stateOfNewBeginning, stateReadingHistoryAgain } from '../../../connector/checkpoint/rewind.ts'
import type { Rewind } from '../../../connector/checkpoint/wishes.ts'
import { clientTable } from '../../../connector/index/client-table.ts'
import { hashedId, UNKNOWN_CONTENT } from '../../../connector/index/index-entry.ts'
import { encodedEntriesOf } from '../../../connector/index/index-state.ts'
import { clientOutcome } from '../../../connector/pipeline/group/group-clients.ts'
import { scansAfterEnd } from '../../../connector/scan/begin-scan.ts'
import type { Lane } from '../../../connector/scan/scan-state.ts'
import { historyOf } from '../../support/scans.ts'
import { entry } from '../index/entries.ts'
import { beginAt, noon, scanOf, settings } from '../scan/scans.ts'
import { building, start } from './builders.ts'
import { reading } from './readings.ts'

/** Shows rewinds and the events after them. A client is written as ID:CONTENT, and an event with the mark as ID:CONTENT!. */

const asked = { id: 'rewind', beforeEvent: 5, isIndexNew: false }
const onNewIndex = { ...asked, beforeEvent: 0, isIndexNew: true }

test.each([
  ['no entry', undefined, null, 'published'],
  ['no entry', undefined, asked, 'published'],
  ['no entry', undefined, onNewIndex, 'republished'],
  ['an event from before the rewind', entry(4, { scanNumber: 1 }), asked, 'republished'],
  ['one of the same content from before the rewind, for another lane', entry(4, { scanNumber: 1 }), null, 'suppressed'],
  ['an event since the rewind, of the same content', entry(5, { scanNumber: 9 }), asked, 'suppressed'],
  ['the same content in a new index', entry(4, { scanNumber: 1 }), onNewIndex, 'suppressed'],
  ['other content from a later scan', entry(6, { scanNumber: 8 }), asked, 'superseded'],
  ['unknown content from a later scan', entry(6, { scanNumber: 8, content: UNKNOWN_CONTENT }), asked, 'superseded'],
  ['other content', entry(6, { scanNumber: 7 }), asked, 'published'],
  ['unknown content', entry(6, { scanNumber: 7, content: UNKNOWN_CONTENT }), asked, 'republished'],
  ['unknown content, for another lane', entry(6, { scanNumber: 7, content: UNKNOWN_CONTENT }), null, 'published'],
] as const)('a client with %s: case %#', (what, known, republication, outcome) => {
  const isContentSame = /same/.test(what)
  expect(clientOutcome(known, { isContentSame, scanNumber: 7, republication })).toBe(outcome)
})

const client = (text: string) => {
  const [No = '', Nom = ''] = text.split(':')
  return { No, Nom }
}

/** A stream that has published these clients and whose history has ended. */
function publishedStream(...clients: readonly string[]) {
  let at = { ...start, scans: { ...start.scans, history: historyOf('done') } }
  let table = clientTable()
  let number = 0
  /** A new scan of this lane; returns the events of each page that it reads. */
  const scanOfLane = (lane: Lane) => {
    number += 1
    const scan = scanOf({ lane, from: beginAt, number })
    return (...texts: readonly string[]) => {
      const { builder, deliver, state } = building({}, { state: at, table })
      builder.add(reading(texts.map(client), { scan, scans: { ...at.scans, lastScanNumber: number } }))
      const { records } = deliver(builder.finish())
      at = state()
      return records.map(({ value }) => {
        const { subject, data, republished } = JSON.parse(String(value))
        return `${subject}:${data.Nom}${republished === undefined ? '' : '!'}`
      })
    }
  }
  scanOfLane('live')(...clients)
  const wished = (more: Partial<Rewind>) => ({
    id: 'rewind',
    to: null,
    republish: true,
    confirmedDocument: null,
    ...more,
  })
  return {
    scanOfLane,
    rewind: (more: Partial<Rewind> = {}) => {
      at = stateReadingHistoryAgain(at, wished(more), { beginAt, settings, now: noon, table })
      table.setAll(encodedEntriesOf(at.index.delta))
    },
    beginAgain: () => {
      at = stateOfNewBeginning({ document: undefined, record: undefined, now: noon }, wished({}), beginAt)
      table = clientTable()
    },
    endHistory: () => {
      at = { ...at, scans: scansAfterEnd(at.scans, scanOf({ lane: 'history', from: beginAt }), beginAt) }
    },
  }
}

const named = (...ids: readonly string[]) => ({ clients: ids.map(hashedId) })

describe('after --republish', () => {
  test('the history publishes every client once more, with the mark, and no other scan does', () => {
    const on = publishedStream('1:a', '2:a', '3:a')
    on.rewind()
    const history = on.scanOfLane('history')
    expect(on.scanOfLane('look-back')('1:a', '2:b')).toEqual(['2:b'])
    expect(history('1:a', '2:a')).toEqual(['1:a!'])
    expect(on.scanOfLane('live')('1:a', '3:a')).toEqual([])
    expect(history('1:a', '3:b', '4:a')).toEqual(['3:b!', '4:a'])
  })

  test('clients that it did not reach are not published by what reads them later', () => {
    const on = publishedStream('1:a', '2:a')
    on.rewind()
    expect(on.scanOfLane('history')('2:a')).toEqual(['2:a!'])
    on.endHistory()
    expect(on.scanOfLane('history')('1:a', '2:a')).toEqual([])
    on.rewind({ republish: false })
    expect(on.scanOfLane('history')('1:a', '2:a')).toEqual([])
    expect(on.scanOfLane('look-back')('1:a', '2:b')).toEqual(['2:b'])
  })

  test('a rewind without it continues what it has asked for', () => {
    const on = publishedStream('1:a', '2:a')
    on.rewind()
    expect(on.scanOfLane('history')('1:a')).toEqual(['1:a!'])
    on.rewind({ republish: false })
    expect(on.scanOfLane('history')('1:a', '2:a')).toEqual(['2:a!'])
  })
})

describe('after --republish for some clients', () => {
  test('these have the mark, and the changes of others have none', () => {
    const on = publishedStream('1:a', '2:a', '3:a')
    on.rewind(named('2'))
    expect(on.scanOfLane('history')('1:a', '2:a', '3:b', '4:a')).toEqual(['2:a!', '3:b', '4:a'])
    expect(on.scanOfLane('history')('2:a')).toEqual([])
  })

  test('a --republish for all that has not ended goes on, and publishes these a second time', () => {
    const on = publishedStream('1:a', '2:a', '3:a')
    on.rewind()
    expect(on.scanOfLane('history')('1:a', '2:a')).toEqual(['1:a!', '2:a!'])
    on.rewind(named('1'))
    expect(on.scanOfLane('history')('1:a', '2:a', '3:a')).toEqual(['1:a!', '3:a!'])
  })
})

test('a stream that has begun again marks what its history finds, and nothing that live scans found before', () => {
  const on = publishedStream('1:a', '2:a')
  on.beginAgain()
  const history = on.scanOfLane('history')
  expect(on.scanOfLane('live')('1:b')).toEqual(['1:b'])
  expect(history('1:a', '2:a')).toEqual(['2:a!'])
  on.endHistory()
  expect(on.scanOfLane('history')('3:a')).toEqual(['3:a'])
})
