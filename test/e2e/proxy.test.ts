import { expect, test } from 'vitest'
import { expectNothingPersonal, httpOutputs } from '../support/nothing-personal.ts'
import { forwardProxy } from '../support/servers/forward-proxy.ts'
import { freePort } from '../support/servers/free-port.ts'
import { expectExactlyOnce, scene } from '../support/stream-scene.ts'

const credentials = 'proxy-Krznych:secretsecret'

test('waits while the proxy is down, and then reads through it; the logs have neither its password nor a header', async () => {
  const port = await freePort()
  const { simulator, start, caughtUp } = await scene({
    environment: {
      POLARIS_PROXY: `http://${credentials}@127.0.0.1:${port}`,
      POLARIS_HEADERS: 'X-Api-Key: key-Krznych',
      LOG_LEVEL: 'trace',
    },
  })
  const connector = start()
  expect(await connector.line(({ msg }) => msg === 'reading a page failed, retrying')).toMatchObject({
    code: 'source.unreachable',
    error: expect.stringContaining(`the proxy 127.0.0.1:${port}`),
  })
  expect(simulator.calls).toHaveLength(0)
  await using proxy = await forwardProxy({ credentials, port })
  await connector.line(({ msg }) => msg === 'caught up')
  expectExactlyOnce({ simulator }, await caughtUp())
  expect(new Set(proxy.requests)).toEqual(new Set([`CONNECT ${new URL(simulator.url).host}`]))
  expect(simulator.calls[0]?.headers).toMatchObject({ 'x-api-key': 'key-Krznych' })
  const outputs = await httpOutputs(connector)
  expect(await connector.stop()).toBe(0)
  expectNothingPersonal([...outputs, connector.output()])
})
