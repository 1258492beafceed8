import { Pool } from 'undici'
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
const pool = new Pool(base.origin, { connections: 1, pipelining: 1 })
const samples: Sample[] = []

let checkPoint: string | undefined
for (let pages = 1; ; pages += 1) {
  const token = checkPoint === undefined ? '' : `&checkPoint=${encodeURIComponent(checkPoint)}`
  const path = `${base.pathname}?lastChanged=2000-01-01T00:00:00&codeMagasin=1${token}&limit=${order.limit}&output=${order.output}`
  const { body } = await pool.request({ method: 'GET', path })
  const page = Buffer.from(await body.arrayBuffer())
  const { user, system } = process.cpuUsage()
  const share = Math.min(1, (pages * order.limit) / order.clients)
  samples.push({ atMs: performance.now(), cpuSeconds: (user + system) / 1e6, share })
  if (page.lastIndexOf(marks.more) === -1) break
  const start = page.lastIndexOf(marks.token) + marks.token.length
  checkPoint = page.toString('utf8', start, page.indexOf(marks.end, start))
}
await pool.close()
console.log(JSON.stringify(figuresOf(samples, { clients: order.clients, ...memoryOf('self') })))
