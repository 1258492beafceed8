import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { faults } from '../polaris/polaris-simulator.ts'
import { says } from '../support/connector-process.ts'
import { freePort } from '../support/servers/free-port.ts'
import { scene } from '../support/stream-scene.ts'

// The built connector is asked over HTTP while its source fails and works.

test('serves health, metrics and status, even before the stream has read its first page', async () => {
  const { start, simulator, name } = await scene({
    times: { polaris: { retry: { retries: 100, firstPauseMs: 10 } } },
  })
  simulator.faults.when(() => true, faults.status(503))
  const connector = start({ HTTP_PORT: String(await freePort()) })
  expect(await connector.get('/healthz')).toEqual({ status: 200, body: 'ok\n' })
  await connector.status(({ code }) => code === 'source.server-error')

  simulator.faults.clear()
  await connector.line(says('caught up'))
  const ready = await connector.get('/readyz')
  expect(ready.status).toBe(200)
  expect(JSON.parse(ready.body)).toMatchObject({ ready: true, streams: [{ stream: 'clients', state: 'running' }] })
  expect(await connector.status(({ totals }) => totals?.events === 200)).toMatchObject({
    epoch: 1,
    seq: expect.any(Number),
    totals: { events: 200, deadLetters: 0 },
  })
  const { body } = await connector.get('/metrics')
  const value = (metric: string) => Number(new RegExp(`^polaris_connector_${metric} (.*)$`, 'm').exec(body)?.[1])
  const labels = `stream="clients",connector="${name}"`
  expect(value(`events_total{.*lane="history".*}`)).toBe(200)
  expect(value(`pages_total{.*lane="history".*}`)).toBeGreaterThanOrEqual(10)
  expect(value(`ready{connector="${name}"}`)).toBe(1)
  expect(Date.now() / 1000 - value(`last_live_scan_timestamp_seconds{${labels}}`)).toBeLessThan(60)
  expect(value('responses_total{status="503",.*}')).toBeGreaterThan(0)
  expect(value('responses_total{status="200",.*}')).toBeGreaterThan(0)
  const page = await connector.get('/')
  expect([page.status, page.body]).toEqual([200, expect.stringContaining('<title>Polaris clients connector</title>')])
  for (const metric of ['read_duration', 'publish_duration', 'suppressed', 'dead_letters'])
    expect(body).toContain(`# HELP polaris_connector_${metric}`)
  expect((await connector.get('/elsewhere')).status).toBe(404)
})

test('the health check of the image succeeds only while the connector is alive', async () => {
  const { start } = await scene()
  const connector = start()
  const { port } = await connector.line(says('connector started'))
  const args = ['scripts/image-files/health-check.js', '/dev/null']
  const check = () => promisify(execFile)(process.execPath, args, { env: { HTTP_PORT: String(port) } })
  await check()
  await connector.kill()
  await expect(check()).rejects.toMatchObject({ code: 1 })
})
