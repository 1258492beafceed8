// Reads hostile pages from the server in the first argument, one after the other and beside ordinary ones, and prints
// what becomes of each. The other arguments are `name=format`.

import { systemClock } from '../../../connector/runtime/clock.ts'
import { codeOf } from '../../../connector/runtime/connector-error.ts'
import type { SourceTime } from '../../../connector/source/client-source.ts'
import { httpClientSource } from '../../../connector/source/polaris/http-client-source.ts'
import { refusedAccounts } from '../../../connector/source/polaris/session/refused-accounts.ts'
import { defaultPolaris } from '../default-config.ts'

/** One line of the output. */
export interface ReadHostilePage {
  readonly name: string
  /** The code of the error, or the number of clients. */
  readonly outcome: string | number
  /** Ordinary pages that were read meanwhile, and those that could not be read. */
  readonly neighbours: { readonly read: number; readonly failed: number }
}

function sourceAt(path: string) {
  const url = new URL(path, process.argv[2]).href
  const config = { ...defaultPolaris, url, auth: { kind: 'none' as const }, codeMagasin: 1 }
  const parts = { turn: async () => {}, observe: () => {} }
  return httpClientSource(config, { ...parts, clock: systemClock, accounts: refusedAccounts(systemClock) })
}

async function read(path: string, output: 'xml' | 'json'): Promise<string | number> {
  const source = sourceAt(path)
  const lastChanged = '2024-01-01T00:00:00' as SourceTime
  try {
    const page = await source.read({ lastChanged, checkPoint: null, limit: 100, output }, AbortSignal.timeout(60_000))
    return page.clients.length
  } catch (error) {
    return codeOf(error)
  } finally {
    await source.close()
  }
}

/** Reads ordinary pages until the other work is done. */
async function neighbours(work: Promise<unknown>): Promise<ReadHostilePage['neighbours']> {
  let isDone = false
  void work.finally(() => {
    isDone = true
  })
  const counts = { read: 0, failed: 0 }
  while (!isDone) {
    if ((await read('/ordinary/', 'json')) === 1) counts.read += 1
    else counts.failed += 1
  }
  return counts
}

for (const argument of process.argv.slice(3)) {
  const [name = '', output] = argument.split('=')
  const work = read(`/${encodeURIComponent(name)}/`, output === 'xml' ? 'xml' : 'json')
  const counts = await neighbours(work)
  const line: ReadHostilePage = { name, outcome: await work, neighbours: counts }
  process.stdout.write(`${JSON.stringify(line)}\n`)
}
