import { expect, test } from 'vitest'
import { type StreamReport, says } from '../support/connector-process.ts'
import { expectExactlyOnce, scene } from '../support/stream-scene.ts'
import type { TopicRecord } from '../support/topic-reader.ts'

// The built connector reads the simulator, and the topic is compared with the source.

const isCaughtUp = ({ progress }: StreamReport) => progress === 'caught up'

test('publishes every change of a new stream exactly once, and resumes after a stop', async () => {
  const { simulator, start, caughtUp, records } = await scene({
    environment: { PLACEMENT: 'group' },
  })
  const first = start()
  expect(await first.line(says('connector started'))).toMatchObject({ level: 'info', streams: ['clients'] })
  expect(await first.line(says('new stream claimed'))).toMatchObject({ epoch: 1, seq: 0, nextEvent: 0 })
  await first.line(says('caught up'))
  for (let change = 0; change < 50; change += 1) simulator.change()
  await caughtUp()
  expect(await first.stop()).toBe(0)
  expect(first.lines().at(-1)).toMatchObject({ msg: 'connector stopped' })

  for (let change = 0; change < 50; change += 1) simulator.change()
  const second = start()
  expect(await second.line(says('stream claimed'))).toMatchObject({ epoch: 2 })
  await caughtUp()
  await second.status(isCaughtUp)
  expect(await second.stop()).toBe(0)
  for (const line of second.output().trimEnd().split('\n')) expect(line).toMatch(/^\{"level":"(info|warn)"/)
  expectExactlyOnce({ simulator }, await records())
  const isList = ({ value }: TopicRecord) =>
    Array.isArray((value as { data: { Cartes: { Carte: unknown } } }).data.Cartes.Carte)
  expect((await records()).filter((record) => !isList(record))).toEqual([])
})
