import { Agent, get, type IncomingMessage } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { figuresOf, type Sample } from './figures.ts'
import type { Case } from './first-scan.ts'
import { memoryOf } from './process-usage.ts'

/** The read limit: a loop that requests every page and decodes only `checkPoint` and `hasMoreResults`. */
const order: Case & { readonly url: string } = JSON.parse(process.argv[2] ?? '{}')

const marks = {
  json: { token: Buffer.from('"checkpoint":"'), end: Buffer.from('"'), more: Buffer.from('"hasMoreResults":true') },
  xml: {
    token: Buffer.from('<checkpoint>'),
    end: Buffer.from('<'),
    more: Buffer.from('<hasMoreResults>true</hasMoreResults>'),
  },
}[order.output]

const base = new URL('Client.GetClientsModified', order.url)
const agent = new Agent({ keepAlive: true })
const samples: Sample[] = []

let checkPoint: string | undefined
for (let pages = 1; ; pages += 1) {
  const token = checkPoint === undefined ? '' : `&checkPoint=${encodeURIComponent(checkPoint)}`
  const path = `${base.pathname}?lastChanged=2000-01-01T00:00:00&codeMagasin=1${token}&limit=${order.limit}&output=${order.output}`
  const response = await new Promise<IncomingMessage>((resolve, reject) =>
    get(new URL(path, base), { agent }, resolve).on('error', reject),
  )
  const page = await buffer(response)
  const { user, system } = process.cpuUsage()
  const share = Math.min(1, (pages * order.limit) / order.clients)
  samples.push({ atMs: performance.now(), cpuSeconds: (user + system) / 1e6, share })
  if (page.lastIndexOf(marks.more) === -1) break
  const start = page.lastIndexOf(marks.token) + marks.token.length
  checkPoint = page.toString('utf8', start, page.indexOf(marks.end, start))
}
agent.destroy()
console.log(JSON.stringify(figuresOf(samples, { clients: order.clients, ...memoryOf('self') })))
