import { expect, onTestFinished, test } from 'vitest'
import { canonicalJson } from '../../../connector/event/canonical-json.ts'
import { listShaper, newLists } from '../../../connector/event/list-shapes.ts'
import type {
  CheckPoint,
  ClientRecord,
  ClientSource,
  OutputFormat,
  SourceTime,
} from '../../../connector/source/client-source.ts'
import type { PolarisConfig } from '../../../connector/source/polaris/polaris-config.ts'
import { plantedMarks, type SimulatorOptions, startPolarisSimulator } from '../../polaris/polaris-simulator.ts'
import { firstPage, sourceAt } from '../../support/one-read.ts'
import { never } from '../../support/signals.ts'

// The source of the product reads from the simulator: it must behave as the documentation of Polaris says.

async function scene(options: SimulatorOptions = {}, config: Partial<PolarisConfig> = {}) {
  const simulator = await startPolarisSimulator({ clients: 7, ...options })
  onTestFinished(() => simulator.close())
  const source = sourceAt({ url: simulator.url, ...config })
  onTestFinished(() => source.close())
  const read = (checkPoint: CheckPoint | null = null) => source.read({ ...reading('json'), checkPoint }, never)
  return { simulator, source, read }
}

const reading = (output: OutputFormat) => ({ ...firstPage, lastChanged, limit: 3, output })
const lastChanged = '2000-01-01T00:00:00' as SourceTime

/** Reads all pages of one scan. */
async function scan(source: ClientSource, output: OutputFormat): Promise<ClientRecord[]> {
  const clients: ClientRecord[] = []
  for (let checkPoint: CheckPoint | null = null; ; ) {
    const page = await source.read({ ...reading(output), checkPoint }, never)
    clients.push(...page.clients)
    if (!page.hasMoreResults) return clients
    checkPoint = page.checkPoint
  }
}

const idsOf = ({ clients }: { readonly clients: readonly ClientRecord[] }) => clients.map(({ No }) => Number(No))

test('returns the same clients in XML and in JSON, each once and by modification time, with planted marks', async () => {
  const { simulator, source } = await scene()
  const xml = await scan(source, 'xml')
  const json = await scan(source, 'json')
  expect(xml.map(({ No }) => No)).toEqual(simulator.clientIds)
  // Its XML has an element around the cards, and its JSON none.
  const inShape = xml.map(listShaper(newLists(xml, [])))
  const sameShape = json.map((client) => ({ ...client, Cartes: { Carte: client.Cartes ?? '' } }))
  expect(inShape.map(canonicalJson)).toEqual(sameShape.map(canonicalJson))
  for (const mark of plantedMarks) expect(JSON.stringify(json)).toContain(mark)
})

test('moves a client that changes during a scan to the end, with its new content', async () => {
  const { simulator, read } = await scene()
  const first = await read()
  simulator.change('100001')
  simulator.change('100006')
  const second = await read(first.checkPoint)
  const third = await read(second.checkPoint)
  expect([second, third].map(idsOf)).toEqual([
    [100004, 100005, 100007],
    [100001, 100006],
  ])
  expect(third.clients.map(({ NoVersion }) => NoVersion)).toEqual(['2', '2'])
})

test('refuses a token with other arguments', async () => {
  const { source, read } = await scene()
  const { checkPoint } = await read()
  const other = source.read({ ...reading('json'), checkPoint, limit: 4 }, never)
  await expect(other).rejects.toMatchObject({ code: 'source.request-refused' })
  expect(idsOf(await read(checkPoint))).toEqual([100004, 100005, 100006])
})

test('returns any number of clients in the order of their ids in bench mode', async () => {
  const { source } = await scene({ mode: 'bench', clients: 2_500 }, { maxBodyBytes: 64 << 20 })
  const all = { ...reading('json'), limit: 2_000 }
  const first = await source.read(all, never)
  const second = await source.read({ ...all, checkPoint: first.checkPoint }, never)
  expect([...idsOf(first), ...idsOf(second)]).toEqual(Array.from({ length: 2_500 }, (_, index) => 100_000_001 + index))
})
