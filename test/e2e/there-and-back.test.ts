import { expect, it } from 'vitest'
import type { PolarisSimulator } from '../polaris/polaris-simulator.ts'
import { expectExactlyOnce, scene } from '../support/stream-scene.ts'
import type { TopicRecord } from '../support/topic-reader.ts'

const MINUTE_MS = 60_000

/** The next page with the changed client also contains, before it, the content that it had in between. */
function showBoth(simulator: PolarisSimulator, id: string): void {
  simulator.change(id)
  simulator.change(id, { like: 1 })
  const done = simulator.faults.when(() => true, {
    name: 'a client twice',
    page: (page) => ({
      ...page,
      parts: page.parts.flatMap((part) => {
        if (!isOf(part, id)) return [part]
        done()
        return [Buffer.from(part.toString().replace('<NoVersion>1<', '<NoVersion>2<')), part]
      }),
    }),
  })
}

/** Changes the client back between its page and the next page of the same scan. */
function changeBackWithinScan(simulator: PolarisSimulator, [id = '', ...others]: readonly string[]): void {
  for (const one of [id, ...others]) simulator.change(one)
  const done = simulator.faults.when(() => true, {
    name: 'changes back',
    page: (page) => {
      if (!page.parts.some((part) => isOf(part, id))) return page
      done()
      expect(page.hasMoreResults).toBe(true)
      simulator.change(id, { like: 1 })
      return page
    },
  })
}

const isOf = (part: Buffer, id: string) => part.includes(`<No>${id}</No>`)

const versionsOf = (records: readonly TopicRecord[], id: string) =>
  records.filter(({ key }) => key === id).map(({ value }) => (value as { data: { NoVersion: string } }).data.NoVersion)

it.each([true, false])(
  'publishes A → B → A as three events when it is on one page, on pages of one scan, in several scans, or around a restart (modification time shown: %s)',
  async (shown) => {
    const { simulator, start, caughtUp } = await scene({
      source: { clients: 50, hasModificationTime: shown },
      environment: { POLARIS_LIMIT: '5', POLL_LOOK_BACK: '5m/1s' },
    })
    const first = start()
    await caughtUp()
    const ids = simulator.clientIds
    const [onPage = '', inLive = '', intoLookBack = '', fromLookBack = '', atRestart = ''] = ids
    const others = ids.slice(10, 30)
    const longAgo = { at: Date.now() - MINUTE_MS }

    showBoth(simulator, onPage)
    await caughtUp()
    changeBackWithinScan(simulator, others)
    await caughtUp()
    for (const id of [inLive, intoLookBack, atRestart]) simulator.change(id)
    simulator.change(fromLookBack, longAgo)
    await caughtUp()
    for (const id of [inLive, fromLookBack]) simulator.change(id, { like: 1 })
    simulator.change(intoLookBack, { ...longAgo, like: 1 })
    await caughtUp()
    expect(await first.stop()).toBe(0)
    simulator.change(atRestart, { like: 1 })
    const second = start()
    const records = await caughtUp()
    expect(await second.stop()).toBe(0)

    expectExactlyOnce({ simulator }, records)
    for (const id of [onPage, inLive, intoLookBack, fromLookBack, atRestart, others[0] ?? ''])
      expect(versionsOf(records, id)).toEqual(['1', '2', '1'])
    expect(new Set(records.map(({ value }) => (value as { id: string }).id)).size).toBe(records.length)
  },
)
