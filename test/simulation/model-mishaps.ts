import type { Step } from './model-messages.ts'
import type { World } from './model-world.ts'

/** What may happen to the stored document that no replica does. A document put back has the version that it had: that of its content. */
export function mishapSteps(world: World): Step[] {
  const { document, backup, mishaps } = world
  if (mishaps === 0) return []
  const steps: Step[] = []
  const add = (what: string, change: Partial<World>) =>
    steps.push({ what, by: undefined, world: { ...world, ...change } })
  if (document !== undefined && backup === undefined) add('a backup is made', { backup: document })
  if (document !== undefined) add('the document is deleted', { mishaps: mishaps - 1, document: undefined })
  if (backup !== undefined && backup !== document)
    add('the backup is put back', { mishaps: mishaps - 1, document: backup })
  return steps
}
