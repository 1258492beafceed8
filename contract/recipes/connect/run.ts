import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { closeStack } from '../../../connector/runtime/close-stack.ts'
import { printedBy } from '../../../scripts/recipes/program.ts'
import { runRecipe } from '../../../scripts/recipes/recipe.ts'
import { assertSameRows, type Row } from '../../../scripts/recipes/rows.ts'
import type { Shop } from '../../../scripts/recipes/shop.ts'
import { lastLines } from '../../../test/support/connector-process.ts'
import { freePort } from '../../../test/support/servers/free-port.ts'
import { startProcess } from '../../../test/support/servers/server-process.ts'

const WITHIN_MS = 90_000
const file = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const jars = file('../../../.cache/recipe-connect/*')
const quiet = '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn'

await runRecipe('connect', async (shop) => {
  await using closing = closeStack()
  const logFile = join(shop.folder, 'connect.log')
  const java = (...args: string[]) => {
    const started = startProcess({ command: 'java', args: [quiet, '-cp', jars, ...args], logFile })
    closing.use(started, (one) => one.end('SIGKILL'))
  }
  const port = await freePort()
  const mongo = `mongodb://127.0.0.1:${port}`
  java(file('MemoryMongo.java'), String(port))
  java('org.apache.kafka.connect.cli.ConnectStandalone', ...(await properties(shop, mongo)))
  try {
    await untilSame(mongo, shop)
    await shop.restart({ EVENT_MODE: 'binary' })
    await shop.day()
    await untilSame(mongo, shop)
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error}\n${lastLines(readFileSync(logFile, 'utf8'))}`)
  }
  return `the collection has exactly the shop's ${shop.rows().length} clients, from events of both modes`
})

/** The two files, with the addresses of this run. */
async function properties({ brokers, folder }: Shop, mongo: string): Promise<string[]> {
  const values: Record<string, string> = {
    BROKERS: brokers,
    FOLDER: folder,
    MONGO: mongo,
    PORT: String(await freePort()),
  }
  return ['worker.properties', 'sink.properties'].map((name) => {
    const text = readFileSync(file(name), 'utf8').replaceAll(/\$\{(\w+)\}/g, (_, variable) => values[variable] ?? '')
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  })
}

/** Waits until the collection has exactly the shop's clients. */
async function untilSame(mongo: string, shop: Shop): Promise<void> {
  for (const giveUpAt = performance.now() + WITHIN_MS; ; await delay(500)) {
    try {
      return assertSameRows(await rowsIn(mongo), shop.rows())
    } catch (error) {
      if (performance.now() > giveUpAt) throw error
    }
  }
}

async function rowsIn(mongo: string): Promise<Row[]> {
  const { stdout } = await printedBy('java', quiet, '-cp', jars, file('Documents.java'), mongo)
  const documents = stdout.split('\n').filter((line) => line !== '')
  return documents.map((line) => {
    const { _id, Adresse, ...client } = JSON.parse(line)
    return { ...client, No: _id, Ville: Adresse.Ville }
  })
}
