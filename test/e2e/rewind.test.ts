import { expect, test } from 'vitest'
import { checkpointObject } from '../support/checkpoint-object.ts'
import { says } from '../support/connector-process.ts'
import { expectExactlyOnce, scene } from '../support/stream-scene.ts'

// The command runs beside a replica, and the topic and the requests show what it has done.

const clients = 60

/** A caught-up replica, and `checkpoint rewind` beside it. */
async function running() {
  const stage = await scene({ source: { clients } })
  const replica = stage.start()
  await replica.line(says('caught up'))
  await stage.caughtUp()
  const rewind = async (...options: string[]) => {
    const command = stage.start({}, ['checkpoint', 'rewind', 'clients', ...options])
    return { exit: await command.exitCode(), output: command.output() }
  }
  const object = checkpointObject(stage.name)
  return { ...stage, replica, rewind, object }
}

test('a rewind makes a running stream read its history again, and publishes nothing that is unchanged', async () => {
  const stage = await running()
  const { simulator, replica, rewind, object } = stage
  const reads = () =>
    simulator.calls.filter(({ parameters }) => parameters.get('lastChanged')?.startsWith('2001-02-03'))
  expect(await rewind('--to', '2001-02-03')).toEqual({
    exit: 0,
    output: expect.stringMatching(/^applied: epoch 2\.$/m),
  })
  await expect.poll(() => reads().length, { timeout: 120_000 }).toBeGreaterThan(0)
  simulator.change()
  expectExactlyOnce(stage, await stage.caughtUp())
  // The change may have come with a live page, while the history is still being read.
  await expect.poll(() => replica.lines().filter(says('history done')).length, { timeout: 120_000 }).toBe(2)
  expect(replica.lines().filter(says('stream claimed'))).toHaveLength(1)
  expect(await replica.stop()).toBe(0)
  const { claim, committed } = await object.document()
  expect(claim).toMatchObject({ epoch: 2, owner: null })
  expect(committed.state.scans.history.state).toBe('done')
})

test('a rewind with --republish --client publishes these clients once more, and no others', async () => {
  const { simulator, replica, rewind, records } = await running()
  const chosen = simulator.clientIds.slice(0, 2)
  const named = chosen.flatMap((id) => ['--client', id])
  expect(await rewind('--to', 'beginning', ...named)).toMatchObject({ exit: 2 })
  const { exit, output } = await rewind('--to', 'beginning', '--republish', ...named)
  expect(exit, output).toBe(0)
  for (const id of chosen) expect(output).not.toContain(id)
  await expect.poll(async () => (await records()).length, { timeout: 120_000 }).toBe(clients + 2)
  expect(await replica.stop()).toBe(0)
  const again = (await records()).filter(({ text }) => text.includes('"republished":'))
  expect(again.map(({ key }) => key).toSorted()).toEqual(chosen.toSorted())
})
