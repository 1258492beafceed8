import type { Context } from './step.ts'
import type { Document, Replica, Rewind, Wishes, World } from './world.ts'

/** The rewind that is not applied yet. */
export function waitingRewind(document: Document | undefined, wishes: Wishes | undefined): Rewind | undefined {
  return wishes?.rewind?.id === document?.appliedRewind ? undefined : wishes?.rewind
}

/** What a replica does when it sees these wishes. */
export function seen({ replica, protocol }: Context, wishes = replica.wishes): Partial<Replica> {
  if (protocol.wishes === 'not seen') return {}
  const isLeaving = wishes?.paused === true || waitingRewind(replica.document, wishes) !== undefined
  return { wishes, isLeaving: replica.isLeaving || isLeaving }
}

/** A rewind that was applied is cleared, by whoever finds it. */
export function clearable({ world, replica, bounds }: Context): boolean {
  const { wishes, document } = replica
  return (
    wishes?.rewind !== undefined &&
    wishes.rewind.id === document?.appliedRewind &&
    world.wishes?.id === wishes.id &&
    world.wishPuts.length < bounds.puts &&
    !world.wishPuts.some(({ expected }) => expected === wishes.id)
  )
}

/** The PUT is sent; nobody waits for it. */
export function cleared({ world, replica: { wishes }, fresh }: Context): World {
  if (wishes === undefined) return world
  const put = { wishes: { ...wishes, id: fresh('w'), rewind: undefined }, expected: wishes.id }
  return { ...world, wishPuts: [...world.wishPuts, put] }
}
