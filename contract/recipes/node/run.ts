import { fileURLToPath } from 'node:url'
import { exactlyOnceThroughKills, LABELS } from '../../../scripts/recipes/killed-service.ts'
import { runRecipe } from '../../../scripts/recipes/recipe.ts'

const program = fileURLToPath(new URL('labels.js', import.meta.url))
const node = [process.execPath, '--disable-warning=TimeoutNegativeWarning'] as const

await runRecipe(
  'node',
  (shop) => exactlyOnceThroughKills(shop, () => [...node, program, shop.brokers, shop.topic, LABELS]),
  { clients: 10_000 },
)
