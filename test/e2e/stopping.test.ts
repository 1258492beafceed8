import { constants } from 'node:os'
import { expect, inject, onTestFinished, test } from 'vitest'
import { says } from '../support/connector-process.ts'
import { startS3FaultProxy } from '../support/servers/s3-fault-proxy.ts'
import { expectExactlyOnce, scene } from '../support/stream-scene.ts'

// A proxy holds the write of a page back while the process is stopped twice.

test('exits at once on a second signal while a page is being saved', async () => {
  const { endpoint } = inject('s3')
  const proxy = await startS3FaultProxy({ target: endpoint })
  onTestFinished(() => proxy.close())
  const { simulator, start, records } = await scene({ environment: { AWS_ENDPOINT_URL_S3: proxy.endpoint } })
  const first = start()
  await first.line(says('caught up'))
  proxy.next('PUT', { kind: 'hang' }, { kind: 'hang' }, { kind: 'hang' })
  const puts = proxy.received.get('PUT') ?? 0
  simulator.change()
  await first.status(() => (proxy.received.get('PUT') ?? 0) > puts)
  first.signal('SIGTERM')
  await first.line(says('replica stopping'))
  const askedAt = performance.now()
  first.signal('SIGINT')
  expect(await first.exitCode()).toBe(128 + constants.signals.SIGINT)
  // The write would hang for 15 s.
  expect(performance.now() - askedAt).toBeLessThan(10_000)

  proxy.clear()
  const second = start()
  await second.line(says('caught up'))
  expect(await second.stop()).toBe(0)
  expectExactlyOnce({ simulator }, await records())
})
