import { describe, expect, it } from 'vitest'
import { checkpointObject } from '../support/checkpoint-object.ts'
import { type ConnectorProcess, says } from '../support/connector-process.ts'
import { expectExactlyOnce, expectNumbered, type Scene, scene } from '../support/stream-scene.ts'
import type { TopicRecord } from '../support/topic-reader.ts'

const began = says('publishing clients again on request')

/** The exit code of a command, and what it printed. */
async function outcome(command: ConnectorProcess): Promise<{ code: number; printed: string }> {
  return { code: await command.exitCode(120_000), printed: command.printed() }
}

interface Event {
  readonly id: string
  readonly republished?: string
  readonly data: unknown
}
const eventOf = ({ value }: TopicRecord) => value as Event
const isMarked = (record: TopicRecord) => eventOf(record).republished !== undefined
const marked = (records: readonly TopicRecord[]) => records.filter(isMarked)

/**
 * Invariants 2, 3 and 7: numbers have no gap and no id is used twice, changes are there exactly once, and a marked event
 * has the content of the event before it.
 */
function expectPublishedAgain(stage: Scene, records: readonly TopicRecord[]): void {
  expectNumbered(records)
  expect(new Set(records.map((record) => eventOf(record).id)).size).toBe(records.length)
  const changes = records.filter((record) => !isMarked(record))
  expectSame(stage, changes)
  const last = new Map<string | null, TopicRecord>()
  for (const record of records) {
    const before = last.get(record.key)
    if (isMarked(record)) expect(eventOf(record).data).toEqual(before && eventOf(before).data)
    last.set(record.key, record)
  }
}

/** The changes without their numbers, which have gaps. */
function expectSame({ simulator }: Scene, changes: readonly TopicRecord[]): void {
  const renumbered = changes.toSorted(byNumber).map((record, at) => ({
    ...record,
    value: { ...(record.value as object), sequence: String(at) },
  }))
  expectExactlyOnce({ simulator }, renumbered)
}

const byNumber = (one: TopicRecord, other: TopicRecord) => numberOf(one) - numberOf(other)
const numberOf = ({ value }: TopicRecord) => Number((value as { sequence: string }).sequence)

const idIn = (command: ConnectorProcess) => /requested: (\S+)/.exec(command.printed())?.[1] ?? ''
const everything = ['republish', '--from', 'beginning', '--rate']

describe('clients are published again', () => {
  it('beside live scans: each unchanged client once, and no older content after a change', async () => {
    const stage = await scene({ source: { clients: 400 } })
    const { simulator, start, caughtUp, records } = stage
    const connector = start()
    await caughtUp()
    const before = simulator.changes.length
    const endChanges = simulator.changeEvery(20)
    const command = start({}, [...everything, '200'])
    const { code, printed } = await outcome(command)
    endChanges()
    expect(code, command.output()).toBe(0)
    expect(printed).toMatch(/complete: \d+ events published/)
    expect(await connector.line(began)).toMatchObject({ request: idIn(command), level: 'info' })
    const ended = await connector.line(says('clients published again'))
    await caughtUp()
    expect(await connector.stop()).toBe(0)
    const all = await records()
    expectPublishedAgain(stage, all)
    const again = marked(all)
    expect(ended).toMatchObject({ missing: 0, published: again.length })
    expect(again.length).toBe(new Set(again.map(({ key }) => key)).size)
    expect(new Set(again.map((record) => eventOf(record).republished))).toEqual(new Set([idIn(command)]))
    // A client that a live scan has published since the request need not be published again.
    const changed = new Set(simulator.changes.slice(before).map(({ clientId }) => clientId))
    const missing = simulator.clientIds.filter((id) => !again.some(({ key }) => key === id))
    expect(missing.filter((id) => !changed.has(id))).toEqual([])
    expect(changed.size).toBeGreaterThan(20)
  })

  it('exactly once, although the replica is killed again and again', async () => {
    const stage = await scene({ source: { clients: 400 } })
    const { start, caughtUp, records } = stage
    let connector = start()
    await caughtUp()
    const command = start({}, [...everything, '100'])
    for (const least of [40, 120, 200, 280]) {
      await expect.poll(async () => marked(await records()).length, { timeout: 60_000 }).toBeGreaterThan(least)
      await connector.kill()
      connector = start()
    }
    const { code, printed } = await outcome(command)
    expect(code, command.output()).toBe(0)
    expect(printed).toContain('complete: 400 events published')
    expect(await connector.stop()).toBe(0)
    const all = await records()
    expectPublishedAgain(stage, all)
    expect(marked(all)).toHaveLength(400)
    expect(new Set(marked(all).map(({ key }) => key)).size).toBe(400)
  })

  it('by name: reads no further than to the last of them, and says which it has not found', async () => {
    const stage = await scene({ source: { clients: 400 } })
    const { simulator, start, caughtUp, records, name } = stage
    const connector = start()
    await caughtUp()
    const [one = '', two = ''] = simulator.clientIds
    const found = start({}, ['republish', '--client', one, '--client', '-'])
    found.type(`${two}\n`)
    expect(await outcome(found)).toMatchObject({ code: 0, printed: expect.stringContaining('2 of 2 clients found') })
    const line = await connector.line(says('clients published again'))
    expect(line).toMatchObject({ published: 2, missing: 0 })
    expect(
      marked(await records())
        .map(({ key }) => key)
        .toSorted(),
    ).toEqual([one, two].toSorted())
    const pages = async () => {
      const { body } = await connector.get('/metrics')
      return Number(/pages_total\{[^}]*scan="requested"[^}]*\} (\d+)/.exec(body)?.[1])
    }
    // All of them are 20 pages.
    const few = await pages()
    expect(few).toBeLessThan(10)

    const unknown = await outcome(start({}, ['republish', '--client', 'no-such-client', '--client', one]))
    expect(unknown).toMatchObject({ code: 1, printed: expect.stringContaining('1 of 2 clients found') })
    expect(unknown.printed).toContain('not found: no-such-client')
    expect(await pages()).toBe(few + 20)
    expect(await connector.stop()).toBe(0)
    expectPublishedAgain(stage, await records())
    // Neither the log nor what is stored has a client id.
    const control = (await checkpointObject(name, '_control').read())?.text ?? ''
    for (const text of [connector.output(), control]) {
      expect(text).not.toContain('no-such-client')
      expect(text).not.toContain(`"${one}"`)
    }
  })

  it('until the request is cancelled, which ends what was left of it', async () => {
    const stage = await scene({ source: { clients: 400 } })
    const { start, caughtUp, records } = stage
    const connector = start()
    await caughtUp()
    const command = start({}, [...everything, '20'])
    await connector.line(began)
    await expect.poll(async () => marked(await records()).length, { timeout: 30_000 }).toBeGreaterThan(10)
    const listed = await outcome(start({}, ['requests', '--json']))
    expect(JSON.parse(listed.printed).requests).toMatchObject([{ id: idIn(command), kind: 'republish', clients: null }])
    const cancelling = await outcome(start({}, ['requests', '--cancel', idIn(command)]))
    expect(cancelling).toMatchObject({ code: 0, printed: expect.stringMatching(/republish .* cancelled/) })
    expect(await outcome(command)).toMatchObject({ code: 3, printed: expect.stringMatching(/cancelled: \d+ events/) })
    const { published } = await connector.line(says('publishing clients again was cancelled'))
    const count = marked(await records()).length
    expect(count).toBe(published)
    expect(count).toBeLessThan(400)
    const twice = await outcome(start({}, ['requests', '--cancel', idIn(command)]))
    expect(twice.code).toBe(2)
    const again = start({}, [...everything, '100000'])
    expect(await outcome(again)).toMatchObject({ code: 0, printed: expect.stringContaining('complete: 400 events') })
    expect(await connector.stop()).toBe(0)
    expectPublishedAgain(stage, await records())
  })

  it('once a paused stream is resumed', async () => {
    const stage = await scene({ source: { clients: 100 } })
    const { start, caughtUp, records } = stage
    const connector = start()
    await caughtUp()
    await outcome(start({}, ['pause', '--reason', 'test']))
    const command = start({}, [...everything, '1000'])
    await expect.poll(() => command.printed(), { timeout: 30_000 }).toMatch('requested')
    command.signal('SIGINT')
    expect(await outcome(command)).toMatchObject({ code: 3, printed: expect.stringContaining('the request continues') })
    expect(marked(await records())).toEqual([])
    await outcome(start({}, ['resume']))
    await connector.line(says('clients published again'))
    expect(await connector.stop()).toBe(0)
    expect(marked(await records())).toHaveLength(100)
    expectPublishedAgain(stage, await records())
  })
})
