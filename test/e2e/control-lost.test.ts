import { expect, it } from 'vitest'
import { checkpointObject } from '../support/checkpoint-object.ts'
import { says } from '../support/connector-process.ts'
import { scene } from '../support/stream-scene.ts'

const lost = says('control object was deleted or rolled back, written back')

it('a control object that is deleted, rolled back or damaged ends no pause', async () => {
  const { simulator, start, caughtUp, name } = await scene()
  const control = checkpointObject(name, '_control')
  const first = start()
  await caughtUp()
  expect(await start({}, ['resume', 'clients']).exitCode()).toBe(0)
  const resumed = (await control.read())?.text ?? ''
  expect(await start({}, ['pause', 'clients', '--reason', 'works']).exitCode()).toBe(0)
  await first.line(says('stream paused'))
  await checkpointObject(name).until(({ control: seen }) => seen.pause?.reason === 'works')

  await control.remove()
  expect(await first.line(lost)).toMatchObject({ level: 'error', code: 'control.lost' })
  expect((await control.read())?.text).toMatch('works')
  expect((await first.get('/metrics')).body).toMatch(/control_lost_timestamp_seconds\{[^}]*\} 1/)
  const calls = simulator.calls.length
  await control.write('{')
  await first.line(says('control object cannot be read or written, retrying'))
  expect(await first.stop()).toBe(0)

  await control.write(resumed)
  const second = start()
  await second.line(lost)
  await second.line(says('stream paused'))
  await control.remove()
  await expect.poll(async () => (await control.read())?.text, { timeout: 20_000 }).toMatch('works')
  expect(simulator.calls.length).toBe(calls)

  expect(await start({}, ['resume', 'clients']).exitCode()).toBe(0)
  await second.line(says('caught up'))
  expect(await second.stop()).toBe(0)
})
