import { fileURLToPath } from 'node:url'
import { printedBy } from '../../../scripts/recipes/program.ts'
import { runRecipe } from '../../../scripts/recipes/recipe.ts'
import { assertSameRows, rowsIn } from '../../../scripts/recipes/rows.ts'
import type { Shop } from '../../../scripts/recipes/shop.ts'

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url))
/** Flink's reflection needs it on Java 17 and later. */
const OPENED = ['java.util', 'java.lang', 'java.time'].flatMap((name) => [
  '--add-opens',
  `java.base/${name}=ALL-UNNAMED`,
])

const TABLE = `SELECT JSON_OBJECT(
  'No' VALUE \`No\`, 'Nom' VALUE Nom, 'Ville' VALUE Ville,
  'ChiffreAffaires' VALUE CAST(ChiffreAffaires AS STRING), 'NoVersion' VALUE CAST(NoVersion AS STRING)
) FROM clients`
const EVENTS = "SELECT COUNT(*) FROM changes WHERE `type` = 'client.modified'"
const inWindows = (table: string, time: string) => `SELECT SUM(n) FROM (
  SELECT COUNT(*) AS n FROM TABLE(TUMBLE(TABLE ${table}, DESCRIPTOR(${time}), INTERVAL '10' SECOND))
  WHERE \`type\` = 'client.modified' GROUP BY window_start, window_end
)`

/** What each query prints. */
async function flink({ brokers }: Shop, ...queries: readonly string[]): Promise<string> {
  const args = [...OPENED, '-cp', file('../../../.cache/recipe-flink/*'), file('RunSql.java'), brokers]
  return (await printedBy('java', ...args, file('clients.sql'), ...queries)).stdout
}

const WINDOWS = [EVENTS, inWindows('changes', 'published'), inWindows('changes_by_time', 'modified')]

/** The events in windows, by either time. Rejects if the record timestamp makes one late. */
function windowsOf(printed: string): { readonly events: number; readonly byTime: number } {
  const [events = 0, byPublished, byTime = 0] = printed.split('\n').map(Number)
  if (events !== byPublished) throw new Error(`windows by record timestamp have ${byPublished} of ${events} events`)
  return { events, byTime }
}

await runRecipe('flink', async (shop) => {
  const printed = await flink(shop, ...WINDOWS, TABLE)
  const { events, byTime } = windowsOf(printed)
  console.log(`events in windows by record timestamp: all ${events}; by modification time: ${byTime}, others were late`)
  assertSameRows(rowsIn(printed), shop.rows())
  await shop.restart({ EVENT_MODE: 'binary' })
  await shop.day()
  assertSameRows(rowsIn(await flink(shop, TABLE)), shop.rows())
  return `the upsert table has exactly the shop's ${shop.rows().length} clients, from events of both modes`
})

await runRecipe(
  'flink, poll.backfill: before',
  async (shop) => {
    const { events, byTime } = windowsOf(await flink(shop, ...WINDOWS))
    if (byTime !== events) throw new Error(`windows by modification time have ${byTime} of ${events} events`)
    return `windows by modification time have all ${events} events too`
  },
  { settings: { POLL_BACKFILL: 'before' } },
)
