import { describe, expect, test } from 'vitest'
import { sha256 } from '../../../connector/event/canonical-json.ts'
import { clientTable } from '../../../connector/index/client-table.ts'
import { clientKey, contentKey } from '../../../connector/index/index-entry.ts'
import { pageGroupBuilder } from '../../../connector/pipeline/group/page-group.ts'
import { returnedClients } from '../../../connector/pipeline/group/scan-memory.ts'
import { codeOf } from '../../../connector/runtime/connector-error.ts'
import { backfillOf } from '../../support/scans.ts'
import { MINUTE, noonText, statesOf } from '../scan/scans.ts'
import { groupParts } from '../stream/open/open-parts.ts'
import { start } from './builders.ts'
import { pageReader, type Respond } from './page-readers.ts'
import { pageOf, token } from './readings.ts'

const CYCLE = 4
/** The same four pages again and again, under tokens that never repeat. */
function cycling(isCycling: (lastChanged: string) => boolean): Respond {
  let pages = 0
  return ({ lastChanged }, clock) => {
    clock.jump(10)
    if (!isCycling(lastChanged)) return pageOf([], { serverTime: undefined })
    pages += 1
    const checkPoint = token(`t${pages}`)
    return pageOf([{ No: `${pages % CYCLE}` }], { hasMoreResults: true, checkPoint, serverTime: undefined })
  }
}

function reading(respond: Respond, backfill: 'first' | 'done') {
  const processed = pageGroupBuilder(groupParts(), { state: start, table: clientTable() })
  const on = pageReader(respond, {
    states: statesOf({ backfill: backfillOf(backfill) }),
    settings: { lookBacks: [] },
    processed,
  })
  return {
    ...on,
    next: async () => {
      const page = await on.next()
      processed.add(page)
      return page
    },
  }
}

const isBackfill = (lastChanged: string) => lastChanged < noonText.slice(0, 10)

describe('a server that returns the same clients under ever new tokens', () => {
  test('is found after a hundred such pages: the live scan begins again once, and then rejects with source.stuck', async () => {
    const { next, asked, of } = reading(
      cycling(() => true),
      'done',
    )
    let code: string | undefined
    while (code === undefined) code = await next().then(() => undefined, codeOf)
    expect(code).toBe('source.stuck')
    expect(asked.length).toBeLessThanOrEqual(2 * (CYCLE + 101))
    expect(of('scan-stuck')[0]).toMatchObject({ scan: 'live', why: expect.stringContaining('already returned') })
  })

  test('pauses a background scan, and the live one continues', async () => {
    const { next, asked, clock, of } = reading(
      cycling((lastChanged) => lastChanged < noonText.slice(0, 10)),
      'first',
    )
    while (of('scan-stuck').length === 0) await next()
    const before = asked.length
    const stuckAt = asked.findLast(({ lastChanged }) => isBackfill(lastChanged))?.at ?? 0
    while (clock.now() < stuckAt + MINUTE - 5_000) expect((await next()).scan.kind).toBe('live')
    expect(asked.slice(before).some(({ lastChanged }) => isBackfill(lastChanged))).toBe(false)
    while (!isBackfill(asked.at(-1)?.lastChanged ?? '')) await next()
    expect(clock.now()).toBeGreaterThanOrEqual(stuckAt + MINUTE)
  })
})

describe('clients returned before', () => {
  const content = (text: string) => contentKey(sha256(text))
  const returned = (clients: number) => {
    const seen = returnedClients()
    for (let client = 0; client < clients; client += 1) seen.add(clientKey(`${client}`), content('same'))
    seen.endPage()
    return seen
  }

  test('are distinguished from new ones and from those with new content, also among many', () => {
    const seen = returned(20_000)
    for (let page = 0; page <= 300; page += 1) {
      seen.add(clientKey(`${page}`), content(page % 3 === 0 ? `changed ${page}` : 'same'))
      expect(seen.endPage()).toBe('fine')
    }
    for (let page = 1; page <= 100; page += 1) {
      seen.add(clientKey(`${page}`), content('same'))
      expect(seen.endPage()).toBe(page < 100 ? 'fine' : 'cycling')
    }
  })

  test('are no cycle on pages without clients', () => {
    const seen = returned(3)
    for (let page = 0; page < 300; page += 1) expect(seen.endPage()).toBe('fine')
  })
})
