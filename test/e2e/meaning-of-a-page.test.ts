import { randomUUID } from 'node:crypto'
import { expect, inject, it, onTestFinished } from 'vitest'
import { type ConnectorProcess, type LogLine, startConnector } from '../support/connector-process.ts'
import { scriptedServer } from '../support/servers/scripted-http.ts'
import { environmentOf } from '../support/stream-scene.ts'
import { readTopic, readTopicUntil } from '../support/topic-reader.ts'

/** A connector on a source that answers each request by a function of its arguments. */

type Client = Readonly<Record<string, string>>

const BEGIN = Date.parse('2024-01-01T00:00:00Z')
const made = (count: number): Client[] =>
  Array.from({ length: count }, (_, at) => ({
    No: String(at + 1),
    DateModification: new Date(BEGIN + at * 60_000).toISOString().slice(0, 19),
  }))

interface Slice {
  readonly clients: readonly Client[]
  readonly from: number
  readonly token: string | null
}

/** The pages of all clients, a hundred each. */
function slice(all: readonly Client[], query: URLSearchParams): Slice {
  const due = all.filter(({ DateModification = '' }) => DateModification >= (query.get('lastChanged') ?? ''))
  const from = Number(query.get('checkPoint') ?? 0)
  const to = from + 100
  return { clients: due.slice(from, to), from, token: to < due.length ? String(to) : null }
}

async function scene(environment: Record<string, string>, body: (query: URLSearchParams) => string) {
  const server = await scriptedServer((call, response) => {
    response.setHeader('content-type', environment.POLARIS_OUTPUT === 'json' ? 'application/json' : 'text/xml')
    response.end(body(call.url.searchParams))
  })
  const name = `e2e-${randomUUID().slice(0, 13)}`
  const brokers = inject('kafkaBrokers')
  const processes: ConnectorProcess[] = []
  onTestFinished(async () => {
    await Promise.all(processes.map((one) => one.kill()))
    await server[Symbol.asyncDispose]()
  })
  return {
    start: (more: Record<string, string> = {}) => {
      const started = startConnector(['run'], {
        ...environmentOf(name, brokers),
        POLARIS_URL: server.url,
        POLARIS_LIMIT: '100',
        ...environment,
        ...more,
      })
      processes.push(started)
      return started
    },
    /** The keys of the topic, once it has this number and the stream is caught up. */
    keys: async (connector: ConnectorProcess, count: number) => {
      await connector.line(({ msg }) => msg === 'caught up', 60_000)
      const isEnough = (records: readonly unknown[]) => records.length >= count
      await readTopicUntil(brokers, name, { withinMs: 60_000, follows: true, isEnough })
      const records = await readTopic(brokers, name)
      return records.map(({ key }) => Number(key)).toSorted((one, other) => one - other)
    },
  }
}

const numbers = (count: number) => Array.from({ length: count }, (_, at) => at + 1)
const held = ({ msg }: LogLine) => msg === 'stream held, trying again slowly'
const byNo = { POLARIS_CLIENT_ID_FIELD: 'No', POLARIS_MODIFIED_AT_FIELD: 'DateModification' }

it('Invariant 9: a page of the backfill with an error as an object, once, loses no client', async () => {
  const all = made(1_500)
  let errors = 0
  const { start, keys } = await scene(
    { ...byNo, POLARIS_OUTPUT: 'json', POLARIS_CLIENTS_FIELD: 'Clients' },
    (query) => {
      const { clients, from, token } = slice(all, query)
      if (from === 500 && errors++ === 0)
        return '{"hasMoreResults":false,"checkPoint":null,"Clients":[],"Error":{"Code":-2,"Message":"planted-timeout"}}'
      return JSON.stringify({ hasMoreResults: token !== null, checkPoint: token, Clients: clients, Error: null })
    },
  )
  const connector = start()
  expect(await keys(connector, 1_500)).toEqual(numbers(1_500))
  expect(errors).toBeGreaterThan(0)
  expect(connector.output()).not.toContain('planted-timeout')
})

const xmlPage = ({ clients, token }: Pick<Slice, 'clients' | 'token'>, { attribute = '', extra = '' } = {}) => {
  const elements = clients.map(
    (client) =>
      `<Client>${Object.entries(client)
        .map(([key, value]) => `<${key}>${value}</${key}>`)
        .join('')}</Client>`,
  )
  const list = `<Clients${attribute}>${elements.join('')}</Clients>`
  return `<R><hasMoreResults>${token !== null}</hasMoreResults><checkPoint>${token ?? ''}</checkPoint>${list}${extra}</R>`
}

it('a list whose wrapper has an attribute loses no client, and no single one on the last page', async () => {
  const all = made(1_001)
  const { start, keys } = await scene({ ...byNo, POLARIS_CLIENTS_FIELD: 'Clients.Client' }, (query) => {
    const page = slice(all, query)
    return xmlPage(page, { attribute: ` count="${page.clients.length}"` })
  })
  const connector = start()
  expect(await keys(connector, 1_001)).toEqual(numbers(1_001))
})

it('pages whose clients are somewhere unexpected hold the stream, and after the cure none stays unread', async () => {
  const all = made(700)
  const { start, keys } = await scene({ ...byNo, POLARIS_OUTPUT: 'json' }, (query) => {
    const { clients, token } = slice(all, query)
    const wrapped = clients.map((client) => ({ Fiche: { Client: client } }))
    return JSON.stringify({ hasMoreResults: token !== null, checkPoint: token, Fiches: wrapped })
  })
  const wrong = start()
  expect(await wrong.line(held, 60_000)).toMatchObject({ code: 'source.mapping' })
  await wrong.kill()
  const connector = start({
    POLARIS_CLIENT_ID_FIELD: 'Fiche.Client.No',
    POLARIS_MODIFIED_AT_FIELD: 'Fiche.Client.DateModification',
  })
  expect(await keys(connector, 700)).toEqual(numbers(700))
})

it('a shop beside the empty list of a new stream, which might be a client, is none at the configured path', async () => {
  const all = made(250)
  const extra = '<Magasin><Code>9999</Code><Libelle>Lyon</Libelle></Magasin>'
  const { start, keys } = await scene({ POLARIS_CLIENTS_FIELD: 'Clients.Client' }, (query) =>
    xmlPage(slice(all, query), { extra }),
  )
  expect(await keys(start(), 250)).toEqual(numbers(250))
})
