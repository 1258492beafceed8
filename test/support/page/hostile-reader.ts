// Reads hostile pages from the server in the first argument, one after the other and beside ordinary ones, and prints
// what becomes of each. The other arguments are `name=format`.

import { codeOf } from '../../../connector/runtime/connector-error.ts'
import { firstPage, sourceAt } from '../one-read.ts'

/** One line of the output. */
export interface ReadHostilePage {
  readonly name: string
  /** The code of the error, or the number of clients. */
  readonly outcome: string | number
  /** Ordinary pages that were read meanwhile, and those that could not be read. */
  readonly neighbours: { readonly read: number; readonly failed: number }
}

async function read(path: string, output: 'xml' | 'json'): Promise<string | number> {
  const source = sourceAt({ url: new URL(path, process.argv[2]).href })
  try {
    const page = await source.read({ ...firstPage, limit: 100, output }, AbortSignal.timeout(60_000))
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
