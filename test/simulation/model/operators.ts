import { fenced, losses, sent } from './kafka.ts'
import type { Setting, Step } from './step.ts'
import type { Operator, Rewind, Wishes, World } from './world.ts'

interface Context extends Setting {
  readonly world: World
  readonly by: number
  readonly operator: Operator
}

/** The steps that the operators may take next: one command each. A command that crashes takes no further step. */
export function operatorSteps(world: World, setting: Setting): Step[] {
  return world.operators.flatMap((operator, by) => {
    const context = { ...setting, world, by, operator }
    if (operator.phase === 'done') return []
    return operator.command.kind === 'erase' ? erase(context) : wish(context)
  })
}

function act({ world: before, by, operator }: Context, what: string, change: Partial<Operator>, world = before): Step {
  const operators = world.operators.with(by, { ...operator, ...change })
  return { what: `${operator.command.kind}: ${what}`, by: undefined, world: { ...world, operators } }
}

const ended = { phase: 'done', wishes: undefined, expected: null, producer: undefined } as const

/** Writes the wishes by a conditional PUT, then waits until they are obeyed. */
function wish(context: Context): Step[] {
  const { world, operator, protocol, bounds } = context
  const { command, phase, wishes } = operator
  const isStored = world.wishes?.id === wishes?.id
  switch (phase) {
    case 'due': {
      if (world.wishPuts.length >= bounds.puts) return []
      const next = wished(context)
      const expected = world.wishes?.id ?? null
      const put = { wishes: next, expected }
      const sending = { ...world, wishPuts: [...world.wishPuts, put] }
      const isEarly = command.kind === 'pause' && protocol.pause === 'reported without waiting for the PUT'
      return [
        act(context, 'writes the wishes', { phase: isEarly ? 'waiting' : 'writing', wishes: next, expected }, sending),
      ]
    }
    case 'writing': // the answer may be lost: it reads back
      if (isStored)
        return [act(context, 'finds the wishes stored', command.kind === 'pause' ? { phase: 'waiting' } : ended)]
      return (world.wishes?.id ?? null) === operator.expected
        ? []
        : [act(context, 'finds other wishes: reads and tries again', { phase: 'due' })]
    case 'waiting':
      return report(context)
    default:
      return []
  }
}

function wished({ world, operator: { command }, fresh }: Context): Wishes {
  const before = world.wishes ?? { paused: false, rewind: undefined }
  const id = fresh('w')
  if (command.kind !== 'rewind') return { ...before, id, paused: command.kind === 'pause' }
  const { to, republish } = command
  const rewind: Rewind = {
    id: fresh('w'),
    to,
    republish,
    yes: command.yes ? (world.document?.nonce ?? null) : undefined,
  }
  return { ...before, id, rewind }
}

/** The document has no owner and nothing pending: then nothing is published any more. */
function report(context: Context): Step[] {
  const { world, protocol } = context
  const { document, wishes } = world
  if (document === undefined) return []
  if (protocol.pause !== 'reported at once' && (document.hasOwner || document.pending !== null)) return []
  const isReportedPaused = wishes?.paused === true || protocol.pause === 'reported without waiting for the PUT'
  return [act(context, 'reports that the stream is paused', ended, { ...world, isReportedPaused })]
}

/** One transaction of tombstones under the stream's transactional id. Whatever goes wrong: it says "not erased". */
function erase(context: Context): Step[] {
  const { world, operator, by, protocol, fresh, bounds } = context
  const { kafka } = world
  const producer = operator.producer ?? ''
  const isFenced = kafka.producer !== producer
  const fails = (why: string) => [act(context, `${why}: not erased`, ended)]
  switch (operator.phase) {
    case 'due':
      // A topic with tombstones only would not be empty for a new stream.
      if (world.document === undefined) return []
      return losses(world).map((lost) => {
        const own = fresh('p')
        return act(
          context,
          'fences the replicas',
          { phase: 'looking', producer: own },
          fenced(world, own, lost, bounds),
        )
      })
    case 'looking': {
      const isOpen = kafka.hanging.length > 0 && protocol.erasure !== 'does not look first'
      return isOpen ? fails('finds a hanging transaction') : [act(context, 'finds nothing open', { phase: 'sending' })]
    }
    case 'sending': {
      if (isFenced) return fails('is fenced')
      const next = sent(world, producer, { kind: 'tombstones', by })
      const ends = [...world.ends, { producer }]
      return [act(context, 'sends tombstones and commits', { phase: 'committing' }, { ...next, ends })]
    }
    case 'confirming':
      return kafka.hanging.length > 0
        ? fails('finds its markers missing')
        : [act(context, 'confirms its markers', { phase: 'asking' })]
    case 'asking':
      if (isFenced && protocol.erasure !== 'does not ask whether it was fenced') return fails('was fenced')
      return [act(context, 'reports that the client is erased', ended, erased(context))]
    default:
      return []
  }
}

function erased({ world, by }: Context): World {
  const isVisible = ((world.seen.erased >> by) & 1) === 1
  return isVisible ? world : { ...world, violation: 'a client is reported as erased, and is not' }
}
