import { fileURLToPath } from 'node:url'
import { printedBy } from '../../../scripts/recipes/program.ts'
import { runRecipe } from '../../../scripts/recipes/recipe.ts'
import { assertSameRows, rowsIn } from '../../../scripts/recipes/rows.ts'

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const python = (...args: string[]) => printedBy(file('../../../.cache/recipe-duckdb/bin/python3'), ...args)

/** Every column as text, one client a line. */
const TABLE = `
import duckdb, json, sys
table = duckdb.sql(f"SELECT COLUMNS(*)::VARCHAR FROM '{sys.argv[1]}/clients.parquet'")
for row in table.fetchall(): print(json.dumps(dict(zip(table.columns, row))))
`

await runRecipe('duckdb', async (shop) => {
  const convert = async () => {
    const { stderr } = await python(file('to_parquet.py'), shop.brokers, shop.topic, shop.folder)
    assertSameRows(rowsIn((await python('-c', TABLE, shop.folder)).stdout), shop.rows())
    return stderr.trim()
  }
  console.log(await convert())
  await shop.restart({ EVENT_MODE: 'binary' })
  await shop.day()
  const result = await convert()
  return `the Parquet table has exactly the shop's clients, from events of both modes; ${result}`
})
