import { expect, it, onTestFinished } from 'vitest'
import { says } from '../support/connector-process.ts'
import { startFakeS3 } from '../support/fakes/fake-s3-server.ts'
import { scene } from '../support/stream-scene.ts'

it('holds every stream, with the reason, and writes nothing on a store that ignores conditions', async () => {
  const store = await startFakeS3({ conditions: 'ignored' })
  onTestFinished(() => store.close())
  const environment = { PLACEMENT: 'group', AWS_ENDPOINT_URL_S3: store.endpoint }
  const stage = await scene({ source: { clients: 20 }, environment })
  const isHeld = says('stream held, trying again slowly')
  const first = stage.start()
  const held = { code: 'storage.no-conditional-writes', hint: expect.stringContaining('another store') }
  expect(await first.line(isHeld)).toMatchObject(held)
  expect((await first.get('/readyz')).status).toBe(503)
  const second = stage.start()
  await second.line(({ msg }) => msg.startsWith('standing by'))
  expect(await first.stop()).toBe(0)
  expect(await second.line(isHeld)).toMatchObject(held)
  expect(await second.stop()).toBe(0)
  expect(stage.simulator.calls).toEqual([])
  expect([...store.objects.keys()].filter((key) => !key.includes('.probe-'))).toEqual([])
})
