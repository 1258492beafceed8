import { openShop, type Shop, type ShopOptions } from './shop.ts'

// Whatever was started ends when the process exits.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

/** Runs a recipe beside a shop of its own and prints its result. The process exits with 1 if the recipe rejects. */
export async function runRecipe(
  name: string,
  recipe: (shop: Shop) => Promise<string>,
  options: ShopOptions = {},
): Promise<void> {
  const startedAt = performance.now()
  try {
    const shop = await openShop(options)
    try {
      const result = await recipe(shop)
      console.log(`${name}: ${result} (${Math.round((performance.now() - startedAt) / 1000)} s)`)
    } finally {
      await shop.close()
    }
  } catch (error) {
    console.error(`${name}: ${error instanceof Error ? error.message : error}`)
    process.exitCode = 1
  }
}
