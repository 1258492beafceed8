import { expect, test } from 'vitest'
import { plantedMarks } from '../polaris/polaris-simulator.ts'
import { type ConnectorProcess, says } from '../support/connector-process.ts'
import { scene } from '../support/stream-scene.ts'
import type { TopicRecord } from '../support/topic-reader.ts'

/** The exit code of a command, and what it printed. */
async function outcome(command: ConnectorProcess): Promise<{ code: number; output: string }> {
  return { code: await command.exitCode(), output: command.output() }
}

const isTombstone = ({ text }: TopicRecord) => text === ''
const of = (records: readonly TopicRecord[], client: string) => records.filter(({ key }) => key === client)
const eventsOf = (records: readonly TopicRecord[], client: string) =>
  of(records, client).filter((record) => !isTombstone(record))

test('erased clients have a tombstone in their partition, or without a checkpoint in all, and are published again only when they change', async () => {
  const { simulator, start, caughtUp, records, name } = await scene({
    environment: { POLL_LOOK_BACK: '5m/1s', PLACEMENT: 'group' },
  })
  const [client = '', other = '', stopped = ''] = simulator.clientIds
  const connector = start()
  await caughtUp()
  const erase = start({}, ['erase', 'clients', '--client', '-'])
  erase.type(`${client}\n${other}\r\n ${stopped}\n`)
  const erased = await outcome(erase)
  expect(erased).toMatchObject({
    code: 0,
    output: expect.stringContaining(
      `stream clients: erased; clients: 3, tombstones: 3; without a record in the topic: " ${stopped}"`,
    ),
  })
  expect(of(await records(), ` ${stopped}`)).toHaveLength(1)
  simulator.change(other)
  await connector.line(says('stream lost to another replica'))
  const calls = simulator.calls.length
  await expect.poll(() => simulator.calls.length, { timeout: 120_000 }).toBeGreaterThan(calls + 20) // scans continue
  await connector.stop()
  const before = await records()
  const partitions = new Set(before.map(({ partition }) => partition)).size
  const tombstones = of(before, client).filter(isTombstone)
  expect(tombstones.map(({ partition }) => partition)).toEqual(
    eventsOf(before, client).map(({ partition }) => partition),
  )
  expect(tombstones[0]?.headers).toMatchObject({ ce_type: 'client.erased', ce_source: `/polaris/${name}/clients` })
  expect([eventsOf(before, client).length, eventsOf(before, other).length]).toEqual([1, 2])

  // Neither a replica nor the checkpoint store is needed.
  const removed = await outcome(
    start({ CHECKPOINT_URL: 's3://no-bucket' }, ['erase', 'clients', '--client', stopped, '--as', 'removed']),
  )
  expect(removed).toMatchObject({
    code: 0,
    output: expect.stringMatching(/erased; clients: 1, .*; without a record in the topic: none/),
  })
  const types = of(await records(), stopped).map(({ headers }) => headers.ce_type)
  expect(types.filter((type) => type === 'client.removed')).toHaveLength(partitions)

  for (const text of [connector.output(), erased.output.replace(`" ${stopped}"`, ''), removed.output])
    for (const mark of [client, other, stopped, ...plantedMarks]) expect(text).not.toContain(mark)
})
