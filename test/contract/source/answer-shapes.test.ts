import { describe, expect, onTestFinished, test } from 'vitest'
import type { CheckPoint, OutputFormat, SourceTime } from '../../../connector/source/client-source.ts'
import { type AnswerShapeName, answerShapes } from '../../polaris/answer/answer-shapes.ts'
import { startPolarisSimulator } from '../../polaris/polaris-simulator.ts'
import { firstPage, sourceAt } from '../../support/one-read.ts'
import { never } from '../../support/signals.ts'

// The simulator writes pages as other serializers do. Each scan returns all clients, or is refused at the page that is
// not understood.

/** Seven clients, or none. Limit 3 ends with a page of one client. */
const scans = { 'one page': 100, 'several pages': 4, 'a last page with one client': 3, 'an empty page': 0 } as const
type Scan = keyof typeof scans
/** How the path of the clients is known. */
type Known = 'detected' | 'remembered' | 'configured'

const paths: Readonly<Record<AnswerShapeName, Readonly<Record<OutputFormat, string>>>> = {
  'flags in an object beside the clients': { json: 'clients', xml: 'Clients.InfoClient' },
  'flags and clients in wrappers of their own': { json: 'data.items', xml: 'Items.Fiche' },
  'references to objects': { json: 'clients', xml: 'Clients.InfoClient' },
  'InfoClient with $values': { json: 'InfoClient', xml: 'InfoClients.InfoClient' },
  'a single client without a list': { json: 'client', xml: 'Client' },
  'another list of objects': { json: 'clients', xml: 'Clients.InfoClient' },
  'isSuccess that is false': { json: 'clients', xml: 'Clients.InfoClient' },
}

/** The expected outcome of a scan: its clients, or the code of the error. */
function expected(shape: AnswerShapeName, output: OutputFormat, scan: Scan, known: Known): number | string {
  const isUnknownSingle = scan === 'a last page with one client' && known === 'detected'
  const clients = scan === 'an empty page' ? 0 : 7
  switch (shape) {
    case 'references to objects':
      return clients === 0 ? 0 : 'source.mapping'
    case 'a single client without a list':
      return isUnknownSingle ? 'source.mapping' : clients
    case 'flags and clients in wrappers of their own':
      return isUnknownSingle && output === 'xml' ? 'source.mapping' : clients
    case 'another list of objects':
      return known === 'configured' ? clients : 'source.mapping'
    case 'isSuccess that is false':
      return 'source.error-document'
    default:
      return clients
  }
}

describe.each(Object.keys(answerShapes) as AnswerShapeName[])('%s', (shape) => {
  const cases = (['json', 'xml'] as const).flatMap((output) =>
    (Object.keys(scans) as Scan[]).flatMap((scan) =>
      (['detected', 'remembered', 'configured'] as const).map((known) => ({ output, scan, known })),
    ),
  )
  test.each(cases)('in $output, $scan, with a path that is $known', async ({ output, scan, known }) => {
    const simulator = await startPolarisSimulator({ clients: 7, shape })
    onTestFinished(() => simulator.close())
    const path = paths[shape][output]
    const source = sourceAt({ url: simulator.url, ...(known === 'configured' ? { clientsField: path } : {}) })
    onTestFinished(() => source.close())
    const clientsPath = known === 'remembered' ? path.split('.') : undefined
    const lastChanged = (scan === 'an empty page' ? '2999-01-01T00:00:00' : '2000-01-01T00:00:00') as SourceTime
    const ids: unknown[] = []
    const read = async (checkPoint: CheckPoint | null): Promise<void> => {
      const limit = scans[scan] || 10
      const page = await source.read({ ...firstPage, lastChanged, limit, output, checkPoint, clientsPath }, never)
      ids.push(...page.clients.map(({ No }) => No))
      if (page.hasMoreResults) await read(page.checkPoint)
    }
    const outcome = await read(null).then(
      () => ids.length,
      (error: { code: string }) => error.code,
    )
    expect(outcome).toBe(expected(shape, output, scan, known))
    if (typeof outcome === 'number') expect(ids).toEqual(simulator.clientIds.slice(0, outcome))
  })
})
