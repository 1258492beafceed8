import { describe, expect, test } from 'vitest'
import { canonicalJson, sha256 } from '../../../connector/event/canonical-json.ts'
import { repeatWatch } from '../../../connector/event/repeat-watch.ts'

import { clientKey, contentKey } from '../../../connector/index/index-entry.ts'
import type { ClientRecord, SourceTime } from '../../../connector/source/client-source.ts'

const NOON = Date.parse('2026-03-01T12:00:00Z')
const again = (id: string, client: ClientRecord, instant: number | null = NOON, hasTimeOfDay = true) => ({
  key: clientKey(id),
  client,
  content: contentKey(sha256(canonicalJson(client))),
  modified: instant === null ? undefined : { instant, hasTimeOfDay, wallClock: '2026-03-01T12:00:00' as SourceTime },
})

interface Times {
  readonly at?: (scan: number) => number | null
  readonly hasTimeOfDay?: boolean
}

/** Publishes a client again in each scan. Returns the warnings with the number of their scan. */
function warnings(scans: readonly (ClientRecord | undefined)[], { at = () => NOON, hasTimeOfDay = true }: Times = {}) {
  const watch = repeatWatch()
  return scans.flatMap((client, scan) => {
    watch.nextScan()
    const fields =
      client === undefined ? undefined : watch.publishedAgain(again('1', client, at(scan), hasTimeOfDay), 'Modif')
    return fields === undefined ? [] : [{ scan: scan + 1, fields }]
  })
}
const client = (points: number, more: ClientRecord = {}) => ({ No: '1', Points: String(points), ...more })

describe('a client that changes really', () => {
  const busy = [1, 2, 3, 4, 5, 6, 7, 8].map((points) => client(points, { Modif: `${points}` }))

  test('is never reported, however often a till changes it: ignoring its fields would lose changes', () => {
    expect(warnings(busy, { at: (scan) => NOON + scan })).toEqual([])
  })

  test('is not reported either where nothing tells when it changed', () => {
    expect(warnings(busy, { at: () => null })).toEqual([])
    expect(warnings(busy, { hasTimeOfDay: false })).toEqual([])
  })
})

describe('a client whose contents alternate', () => {
  test('is reported without the field of its modification time', () => {
    const scans = [1, 2, 1, 2, 1, 2].map((points) => client(points, { Modif: `${points}` }))
    expect(warnings(scans, { at: (scan) => NOON + (scan % 2) })).toEqual([{ scan: 5, fields: ['Points'] }])
  })
})

describe('a client that is published again', () => {
  test('is reported after five consecutive scans, with the names of the changing fields only', () => {
    expect(warnings([1, 2, 3, 4, 5].map((points) => client(points)))).toEqual([{ scan: 5, fields: ['Points'] }])
  })

  test('is reported once', () => {
    expect(warnings([1, 2, 3, 4, 5, 6, 7, 8].map((points) => client(points)))).toHaveLength(1)
  })

  test('is not reported after four scans', () => {
    expect(warnings([1, 2, 3, 4].map((points) => client(points)))).toEqual([])
  })

  test('is not reported when it was unchanged in a scan in between', () => {
    expect(warnings([client(1), client(2), client(3), undefined, client(4), client(5)])).toEqual([])
  })

  test('is reported without a field that stayed the same in one scan', () => {
    const townIn = (scan: number) => (scan === 3 ? '2' : String(scan))
    const scans = [1, 2, 3, 4, 5].map((scan) => client(scan, { Ville: townIn(scan), Solde: { Euro: String(scan) } }))
    expect(warnings(scans)).toEqual([{ scan: 5, fields: ['Points', 'Solde'] }])
  })

  test('is reported with a field that appears and disappears', () => {
    const scans = [1, 2, 3, 4, 5].map((scan) => (scan % 2 === 0 ? { No: '1' } : { No: '1', Age: '9' }))
    expect(warnings(scans)).toEqual([{ scan: 5, fields: ['Age'] }])
  })

  test('counts once per scan, however often it is published in that scan', () => {
    const watch = repeatWatch()
    watch.nextScan()
    const answers = [1, 2, 3, 4, 5, 6].map((points) => watch.publishedAgain(again('1', client(points)), null))
    expect(answers.every((answer) => answer === undefined)).toBe(true)
  })

  test('is reported once for two clients with the same changing field', () => {
    const watch = repeatWatch()
    const reports: unknown[] = []
    for (let scan = 1; scan <= 5; scan += 1) {
      watch.nextScan()
      for (const id of ['1', '2']) reports.push(watch.publishedAgain(again(id, client(scan)), null))
    }
    expect(reports.filter((fields) => fields !== undefined)).toEqual([['Points']])
  })

  test('is not watched beyond the first fifty clients, to bound the memory', () => {
    const watch = repeatWatch()
    const reports: unknown[] = []
    for (let scan = 1; scan <= 6; scan += 1) {
      watch.nextScan()
      for (let one = 0; one < 50; one += 1) watch.publishedAgain(again(`${one}`, { No: '1' }), null)
      reports.push(watch.publishedAgain(again('50', client(scan)), null))
    }
    expect(reports.filter((fields) => fields !== undefined)).toEqual([])
  })
})
