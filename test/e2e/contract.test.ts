import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { expect, it } from 'vitest'
import { freePort } from '../support/servers/free-port.ts'
import { scene } from '../support/stream-scene.ts'

it('serves the schema that dataschema names, and one with the real names; every event fits both', async () => {
  const port = await freePort()
  const contract = `http://127.0.0.1:${port}/contract`
  const environment = { HTTP_PORT: String(port), CONTRACT_URL: contract }
  const { start, caughtUp } = await scene({ source: { clients: 50 }, environment })
  start()
  const events = (await caughtUp()).map(({ value }) => value as { dataschema: string; data: unknown })
  expect(new Set(events.map(({ dataschema }) => dataschema)).size).toBe(1)
  const ajv = new Ajv2020()
  addFormats.default(ajv)
  const validator = async (url: string) => ajv.compile((await (await fetch(url)).json()) as object)
  const isClient = await validator(events[0]?.dataschema ?? '')
  const isEvent = await validator(`${contract}/v1/event.schema.json`)
  const named = `${contract}/v1/streams/clients.schema.json`
  expect(await (await fetch(named)).json()).toMatchObject({
    properties: { No: { type: 'string' }, Cartes: { type: 'array' }, Adresse: { anyOf: [{ type: 'object' }, {}] } },
  })
  const hasNames = await validator(named)
  for (const event of events)
    expect([isEvent(event), isClient(event.data), hasNames(event.data)]).toEqual([true, true, true])
  expect((await fetch(`${contract}/v1/dead-letter.schema.json`)).status).toBe(200)
  expect((await fetch(`${contract}/v2/client.schema.json`)).status).toBe(404)
})
