import { expect, it } from 'vitest'
import { faults, plantedMarks } from '../polaris/polaris-simulator.ts'
import { checkpointObject } from '../support/checkpoint-object.ts'
import { type ConnectorProcess, says } from '../support/connector-process.ts'
import { setPaused } from '../support/paused-stream.ts'
import { scene } from '../support/stream-scene.ts'
import type { TopicRecord } from '../support/topic-reader.ts'

const reason = 'letter of 3 May'

/** The exit code of a command, and what it printed. */
async function outcome(command: ConnectorProcess): Promise<{ code: number; output: string }> {
  return { code: await command.exitCode(), output: command.output() }
}

const eraseArgs = (client: string) => ['erase', '--client', client, '--reason', reason]
const isTombstone = ({ text }: TopicRecord) => text === ''
const of = (records: readonly TopicRecord[], client: string) => records.filter(({ key }) => key === client)
const typesOf = (records: readonly TopicRecord[]) =>
  records.map((record) => record.headers.ce_type ?? (record.value as { type: string }).type)
const numbersOf = (records: readonly TopicRecord[]) =>
  records.map((record) => Number(record.headers.ce_sequence ?? (record.value as { sequence: string }).sequence))

it('an erased client is deleted from the topic, and published again only when it changes', async () => {
  const { simulator, start, caughtUp, records, name } = await scene({ environment: { POLL_LOOK_BACK: '5m/1s' } })
  const [client = '', other = ''] = simulator.clientIds
  const connector = start()
  await caughtUp()
  const erased = await outcome(start({}, eraseArgs(client)))
  expect(erased).toMatchObject({
    code: 0,
    output: expect.stringMatching('stream clients has erased the client: a tombstone'),
  })
  const proof = await outcome(start({}, ['audit', 'clients', '--client', client]))
  expect(proof).toMatchObject({ code: 1, output: expect.stringMatching(/source: returned/) })
  expect(proof.output).toMatch(/offset \d+: event,.*\n.*offset \d+: tombstone,/)
  const line = await connector.line(says('client erased on request'))
  expect(line).toMatchObject({ stream: 'clients', reason, outcome: 'erased', level: 'info' })

  const calls = simulator.calls.length
  simulator.change(other)
  await expect.poll(() => simulator.calls.length, { timeout: 20_000 }).toBeGreaterThan(calls + 20) // scans continue
  await connector.stop()
  const before = await records()
  expect(typesOf(of(before, client))).toEqual(['client.modified', 'client.erased'])
  expect(new Set(of(before, client).map(({ partition }) => partition)).size).toBe(1)
  expect(of(before, client).filter(isTombstone)).toMatchObject([{ headers: { ce_source: `/polaris/${name}/clients` } }])

  const again = start()
  await again.line(says('caught up'))
  simulator.change(client)
  await caughtUp()
  expect(typesOf(of(await records(), client))).toEqual(['client.modified', 'client.erased', 'client.modified'])
  const unknown = start({}, eraseArgs('-'))
  unknown.type('no such client\n')
  expect(await outcome(unknown)).toMatchObject({
    code: 1,
    output: expect.stringMatching('no client with this id, nothing was published'),
  })
  const forced = await outcome(start({}, [...eraseArgs('no such client'), '--force']))
  expect(forced).toMatchObject({ code: 0, output: expect.stringMatching('has no client with this id; a tombstone') })
  expect(of(await records(), 'no such client')).toHaveLength(1)
  expect(await again.stop()).toBe(0)
  const numbers = numbersOf(await records())
  expect(numbers.toSorted((one, another) => one - another)).toEqual(numbers.map((_, at) => at))

  const control = (await checkpointObject(name, '_control').read())?.text ?? ''
  expect(control).toMatch(reason)
  const said = [connector.output(), again.output(), erased.output, control]
  for (const text of said)
    for (const mark of [client, 'no such client', ...plantedMarks]) expect(text).not.toContain(mark)
})

it('an erasure is carried out once: while the server is down, and when it was requested before the replica started', async () => {
  const { simulator, start, caughtUp, records } = await scene()
  const [first = '', second = '', third = ''] = simulator.clientIds
  const one = start()
  await caughtUp()
  simulator.faults.when(() => true, faults.status(503))
  await one.line(says('reading a page failed, retrying'))
  expect(await outcome(start({}, eraseArgs(first)))).toMatchObject({ code: 0 })
  await one.kill()

  const waiting = start({}, eraseArgs(second))
  await expect.poll(() => waiting.output(), { timeout: 20_000 }).toMatch('requested')
  waiting.signal('SIGTERM')
  expect(await outcome(waiting)).toMatchObject({ code: 3, output: expect.stringMatching('no replica has') })
  const two = start()
  await two.line(says('client erased on request'))
  expect(await outcome(start({}, eraseArgs(third)))).toMatchObject({ code: 0 })
  expect(await two.stop()).toBe(0)
  const tombstones = (await records()).filter(isTombstone)
  expect(tombstones.map(({ key }) => key).toSorted()).toEqual([first, second, third].toSorted())
})

it('neither a new client index nor a lost checkpoint publishes an erased client again', async () => {
  const { simulator, start, caughtUp, records, name } = await scene({ source: { clients: 30 } })
  const [erased = '', changed = ''] = simulator.clientIds
  const object = checkpointObject(name)
  const first = start()
  await caughtUp()
  for (const client of [erased, changed]) expect(await outcome(start({}, eraseArgs(client)))).toMatchObject({ code: 0 })
  simulator.change(changed)
  await expect.poll(async () => typesOf(of(await records(), changed))).toHaveLength(3)
  expect(await first.stop()).toBe(0)

  await setPaused(name, 'paused')
  const rebuilt = start({}, ['checkpoint', 'rebuild-index', '--yes'])
  expect(await outcome(rebuilt)).toMatchObject({
    code: 0,
    output: expect.stringMatching('30 clients in the new index'),
  })
  expect(await outcome(start({}, ['checkpoint', 'reset', '--republish', '--yes']))).toMatchObject({ code: 0 })
  await setPaused(name, 'running')
  const second = start()
  await second.line(says('scan done'))
  expect(await second.stop()).toBe(0)
  const republished = await records()
  expect(typesOf(of(republished, erased))).toEqual(['client.modified', 'client.erased'])
  expect(typesOf(of(republished, changed)).slice(2)).toEqual(['client.modified', 'client.modified'])

  await object.remove()
  expect(await outcome(start({}, ['checkpoint', 'reset', '--yes']))).toMatchObject({ code: 0 })
  const third = start()
  await third.line(says('scan done'))
  expect(await third.stop()).toBe(0)
  const all = await records()
  expect(all.length).toBeGreaterThan(republished.length)
  expect(typesOf(of(all, erased))).toEqual(['client.modified', 'client.erased'])
  const marks = (await checkpointObject(name, 'clients.erasures').read())?.text ?? ''
  expect(marks).not.toContain(erased)
}, 120_000)
