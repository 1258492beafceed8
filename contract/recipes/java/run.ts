import { fileURLToPath } from 'node:url'
import { exactlyOnceThroughKills, LABELS } from '../../../scripts/recipes/killed-service.ts'
import { runRecipe } from '../../../scripts/recipes/recipe.ts'

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const java = ['java', '-cp', file('../../../.cache/recipe-java/*'), file('Labels.java')] as const

await runRecipe(
  'java',
  (shop) => exactlyOnceThroughKills(shop, (instance) => [...java, shop.brokers, shop.topic, LABELS, instance]),
  { clients: 10_000 },
)
