import { count, documentAfterCommit, documentOfPrepare, stateAfter, unknownPages } from './document.ts'
import { sent, withKafka } from './kafka.ts'
import { concludeOpening, continueOpening, repair } from './opening.ts'
import { type Context, clockOf, idle, mayPut, type Setting, type Step, step, write } from './step.ts'
import { clearable, cleared, seen } from './wishes.ts'
import { type Document, type Put, type Replica, type State, versionOf, type World } from './world.ts'

/** The steps that the replicas may take next. */
export function replicaSteps(world: World, setting: Setting): Step[] {
  return world.replicas.flatMap((replica, by) => stepsOf({ ...setting, world, by, replica }))
}

function stepsOf(context: Context): Step[] {
  const { replica } = context
  const { phase } = replica
  if (phase === 'idle' || phase === 'held' || phase === 'paused') return opens(context)
  const steps = phase === 'committing' ? [] : actionsOf(context, phase)
  return [...steps, step(context, 'crashes or gives up', idle(replica))]
}

function actionsOf(
  context: Context,
  phase: Exclude<Replica['phase'], 'idle' | 'held' | 'paused' | 'committing'>,
): Step[] {
  const { world, replica, protocol } = context
  switch (phase) {
    case 'opening':
      return continueOpening(context)
    case 'checking':
    case 'repairing': {
      const isRead = phase === 'checking' ? protocol.hold : protocol.repair
      if (isRead === 'after reading again' && versionOf(world) !== replica.version)
        return [step(context, 'finds the document changed: starts over', idle(replica))]
      return phase === 'repairing' ? repair(context) : [concludeOpening(context)]
    }
    case 'writing':
      return [step(context, 'stops waiting for its PUT', { phase: 'reading back' }), ...sendsBeside(context)]
    case 'reading back':
      return [...readBack(context), ...sendsBeside(context)]
    case 'claimed': {
      const { wishes } = protocol.afterClaim === 'looks at the wishes' ? world : replica
      return [step(context, 'looks at the wishes after its claim', { ...seen(context, wishes), phase: 'running' })]
    }
    case 'running':
      return run(context)
  }
}

/** A stream that is held or paused is opened again when another process changes an object, or a hold is tried again. */
function opens(context: Context): Step[] {
  const { world, replica } = context
  const isUnchanged = replica.version === versionOf(world) && replica.wishes?.id === world.wishes?.id
  if (world.left.openings === 0 || (replica.phase === 'paused' && isUnchanged)) return []
  const left = { ...world.left, openings: world.left.openings - 1 }
  return continueOpening({ ...context, world: { ...world, left }, replica: { ...idle(replica), phase: 'opening' } })
}

function readBack(context: Context): Step[] {
  const { world, replica } = context
  const { put } = replica
  if (put === undefined) throw new Error('no PUT to read back')
  if (put.document.nonce === versionOf(world)) return [step(context, 'finds its PUT stored', afterWrite(replica, put))]
  if (put.expected !== undefined && put.expected !== versionOf(world))
    return [step(context, 'finds a conflict: starts over', idle(replica))]
  if (!mayPut(context)) return []
  return [step(context, 'sends its PUT again', { phase: 'writing' }, { ...world, puts: [...world.puts, { ...put }] })]
}

/** The replica after it learns that its PUT was stored. */
export function afterWrite(replica: Replica, { document, purpose }: Put): Replica {
  const written = { ...replica, put: undefined, document, version: document.nonce, isSaved: true }
  switch (purpose) {
    case 'leave':
      return { ...idle(replica), phase: 'idle' }
    case 'prepare':
      return { ...written, phase: 'running', isPrepared: true, isSaved: false }
    case 'claim':
      return { ...written, phase: 'claimed', foundRecord: undefined, opened: 0 }
    case 'save':
      return { ...written, phase: 'running' }
  }
}

function run(context: Context): Step[] {
  const { world, replica, protocol } = context
  const { document, isPrepared, isSaved, isLeaving } = replica
  if (document === undefined) throw new Error('running without a document')
  if (isPrepared || replica.isSent) return transact(context, document)
  const steps: Step[] = []
  if (replica.wishes?.id !== world.wishes?.id && protocol.wishes === 'seen')
    steps.push(step(context, 'looks at the wishes', seen(context, world.wishes)))
  if (isLeaving) return [...steps, ...leave(context, document)]
  if (clearable(context)) steps.push(clear(context))
  steps.push(...deliver(context, document))
  if (!isSaved && mayPut(context))
    steps.push(write(context, 'saves', { purpose: 'save', document: renewed(context, document) }))
  // SIGTERM: if nobody pauses the stream, it is a save and a crash.
  if (context.bounds.commands.some(({ kind }) => kind === 'pause') && world.left.openings > 0)
    steps.push(...leave(context, document))
  return steps
}

function leave(context: Context, document: Document): Step[] {
  const left = { ...renewed(context, document), hasOwner: false }
  return mayPut(context) ? [write(context, 'saves and leaves', { purpose: 'leave', document: left })] : []
}

/** Another write of the same state. */
function renewed({ fresh }: Context, document: Document): Document {
  return { ...document, nonce: fresh('n') }
}

function clear(context: Context): Step {
  return step(context, 'clears the wish', {}, cleared(context))
}

/** Prepares the next page group. A page without events needs no transaction. */
function deliver(context: Context, document: Document): Step[] {
  const { replica, bounds, protocol } = context
  const { state } = document.committed
  const from = replica.kept ?? state
  if (from.next >= bounds.pages.length) return []
  if (unknownPages(from, from.next + 1, bounds) === 0) {
    const committed = { ...document.committed, state: stateAfter(state, from.next + 1, bounds) }
    const skipped = { document: { ...document, committed }, isSaved: false, kept: undefined }
    return [step(context, `reads page ${from.next}: nothing to publish`, skipped)]
  }
  if (!mayPut(context)) return []
  const steps: Step[] = []
  for (let next = from.next + 1; next <= Math.min(from.next + bounds.group, bounds.pages.length); next += 1) {
    const read = {
      ...stateAfter(from, next, bounds),
      nextEvent: state.nextEvent + count(unknownPages(from, next, bounds)),
    }
    const kept = protocol.pages === 'kept over an opening' ? from : undefined
    const document2 = documentOfPrepare(document, read, { nonce: context.fresh('n'), at: clockOf(context) })
    const what = `prepares up to page ${next - 1}`
    if (protocol.prepare === 'never stored')
      steps.push(step(context, what, { document: document2, isPrepared: true, kept }))
    else steps.push(write(context, what, { purpose: 'prepare', document: document2 }, { kept, isSaved: false }))
  }
  return steps
}

/** The transaction in hand: sends the events, then commits. */
function transact(context: Context, document: Document): Step[] {
  const { world, replica } = context
  if (!replica.isSent) return [send(context, document)]
  const { pending } = document
  if (pending === null || !replica.isPrepared) return []
  const { epoch, seq, nonce, nextEvent } = pending
  const ends = [...world.ends, { producer: replica.producer ?? '' }]
  const { transaction } = world.kafka
  const isOpen = transaction?.producer === replica.producer
  const stored =
    isOpen && transaction ? { transaction: { ...transaction, record: { epoch, seq, nonce, nextEvent } } } : {}
  return [step(context, 'commits', { phase: 'committing' }, { ...withKafka(world, stored), ends })]
}

function send(
  context: Context,
  { committed: { state }, pending }: { committed: Document['committed']; pending: { state: State } | null },
): Step {
  const { world, replica, protocol } = context
  const { producer, kept } = replica
  const isFenced = protocol.initProducerId === 'fences and aborts' && producer !== world.kafka.producer
  if (isFenced || producer === undefined || pending === null)
    return step(context, 'finds that it is fenced', idle(replica))
  const pages = pending.state.known & ~(kept ?? state).known
  const records = { kind: 'events', pages, first: state.nextEvent, generation: pending.state.generation } as const
  return step(context, 'sends the events', { isSent: true }, sent(world, producer, records))
}

/** With a defect, events are sent while their prepare is being stored. */
function sendsBeside(context: Context): Step[] {
  const { replica, protocol } = context
  const { put } = replica
  if (protocol.prepare !== 'beside the events' || put?.purpose !== 'prepare' || replica.isSent) return []
  return [send(context, put.document)]
}

/** The replica after its commit was answered and confirmed. */
export function afterCommit(replica: Replica): Replica {
  const { document } = replica
  if (document === undefined) throw new Error('committed without a document')
  return {
    ...replica,
    isPrepared: false,
    isSent: false,
    isSaved: false,
    kept: undefined,
    phase: 'running',
    document: documentAfterCommit(document),
  }
}
