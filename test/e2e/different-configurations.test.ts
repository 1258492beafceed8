import { expect, it } from 'vitest'
import { runningOn, says } from '../support/connector-process.ts'
import { replicaScene } from '../support/replica-scene.ts'

const warning = 'another replica has a different configuration'

it('a replica that lacks streams of the others is reported on both sides until it is restarted, and no stream that it lacks counts as running', async () => {
  const stage = await replicaScene(4)
  const [known = '', ...unknown] = stage.streams
  const complete = stage.start()
  await stage.untilShared([complete])
  const incomplete = stage.startWith([known])

  const line = await complete.line(says(warning))
  expect(line).toMatchObject({ level: 'warn', other: incomplete.lines()[0]?.replica })
  expect(line.difference).toBe(`lacks streams ${unknown.join(', ')}`)
  expect((await incomplete.line(says(warning))).difference).toBe(`also has streams ${unknown.join(', ')}`)
  for (const replica of [complete, incomplete]) {
    expect((await replica.get('/metrics')).body).toMatch(/replicas_with_other_configuration\{[^}]*\} 1/)
  }

  // The leader balances four streams, so that the incomplete replica has the slot of at least one that it lacks.
  const { group, streams } = await stage.replicas()
  expect(group?.members.map(({ difference }) => difference?.missing).filter(Boolean)).toEqual([unknown])
  const nowhere = streams.filter(({ remark }) => remark?.startsWith('runs nowhere')).map(({ stream }) => stream)
  expect(nowhere.length).toBeGreaterThan(0)
  expect(streams.filter(({ assignedTo }) => assignedTo === null).map(({ stream }) => stream)).toEqual(nowhere)
  const running = (await Promise.all([complete, incomplete].map(runningOn))).flat()
  expect(running.filter((stream) => nowhere.includes(stream))).toEqual([])
  const { elsewhere } = JSON.parse((await complete.get('/status')).body).placement
  for (const stream of nowhere) expect(elsewhere).toContainEqual({ stream, replica: null, unknownTo: line.other })
  for (const replica of [complete, incomplete]) expect((await replica.get('/readyz')).status).toBe(200)

  expect(await incomplete.stop()).toBe(0)
  await complete.line(says('all replicas have the same configuration again'))
  await stage.untilShared([complete])
  expect((await complete.get('/metrics')).body).toMatch(/replicas_with_other_configuration\{[^}]*\} 0/)
  expect(await complete.stop()).toBe(0)
})
