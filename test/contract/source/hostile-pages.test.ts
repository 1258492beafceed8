import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { expect, test } from 'vitest'
import { nodeOptions } from '../../../connector/node-options.ts'
import { hostilePages } from '../../support/page/hostile-pages.ts'
import type { ReadHostilePage } from '../../support/page/hostile-reader.ts'
import { scriptedServer } from '../../support/servers/scripted-http.ts'

// A process with a small heap reads each page beside ordinary ones.

const READER = new URL('../../support/page/hostile-reader.ts', import.meta.url).pathname
const ORDINARY = '{"hasMoreResults":false,"Clients":[{"No":"1"}]}'

/** The heap that Node has in the image with 384 MiB of memory. */
const HEAP = '--max-old-space-size=192'

async function outcomes(names: readonly string[]): Promise<ReadHostilePage[]> {
  await using server = await scriptedServer(async ({ url }, response) => {
    const page = hostilePages[decodeURIComponent(url.pathname.split('/')[1] ?? '')]
    const contentType = page?.contentType ?? `application/${page?.output ?? 'json'}`
    response.writeHead(200, { 'content-type': contentType, 'content-encoding': 'gzip' })
    response.end(await promisify(gzip)(page?.body() ?? ORDINARY, { level: 1 }))
  })
  const jobs = names.map((name) => `${name}=${hostilePages[name]?.output}`)
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...nodeOptions,
    HEAP,
    '--no-warnings',
    READER,
    server.url,
    ...jobs,
  ])
  const lines = stdout.trim().split('\n')
  return lines.map((line): ReadHostilePage => JSON.parse(line))
}

test('reads or refuses any page within the memory of a small container', async () => {
  const names = Object.keys(hostilePages)
  const found = await outcomes(names)
  for (const { name, outcome, neighbours } of found) {
    expect(outcome, name).toBe(hostilePages[name]?.expected)
    expect(neighbours, name).toEqual({ read: expect.any(Number), failed: 0 })
    expect(neighbours.read, name).toBeGreaterThan(0)
  }
  expect(found.map(({ name }) => name)).toEqual(names)
}, 240_000)
