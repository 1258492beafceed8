import { ended, losses, withKafka } from './kafka.ts'
import { afterCommit, afterWrite } from './replica.ts'
import { idle, type Setting, type Step } from './step.ts'
import { type EndTransaction, type Put, type Seen, versionOf, type WishPut, type World } from './world.ts'

/** Half days after which Kafka deletes a commit record: a day, and what two clocks may differ. */
const RETENTION = 3

/**
 * The steps that S3, Kafka and time may take next. A request in flight arrives now or later. Its answer is lost if the
 * sender no longer waits for it.
 */
export function environmentSteps(world: World, setting: Setting): Step[] {
  const steps: Step[] = []
  const add = (what: string, next: World) => steps.push({ what, by: undefined, world: next })
  for (const put of world.puts) add(`the PUT of a ${put.purpose} arrives`, afterPut(world, put, setting))
  for (const put of world.wishPuts) add('the PUT of the wishes arrives', afterWishPut(world, put))
  for (const end of world.ends)
    for (const lost of mayCommit(world, end, setting) ? losses(world) : (['none'] as const))
      add(
        lost === 'none' ? 'the commit arrives' : `the commit arrives, a marker is lost (${lost})`,
        afterEnd(world, { end, lost }, setting),
      )
  const { kafka, now } = world
  if (kafka.transaction?.producer === kafka.producer)
    for (const lost of losses(world)) add('the transaction times out', timedOut(world, lost, setting))
  if (kafka.record !== undefined && now - kafka.recordAt >= RETENTION)
    add('the commit record expires', withKafka({ ...world, isDisturbed: true }, { record: undefined }))
  if (now < setting.bounds.halfDays) add('half a day passes', { ...world, now: now + 1 })
  return [...steps, ...externalFaults(world, setting)]
}

function timedOut(world: World, lost: Parameters<typeof ended>[2], { fresh, bounds }: Setting): World {
  return withKafka(ended(world, 'aborted', lost, bounds), { producer: fresh('p') })
}

function afterPut(world: World, put: Put, { protocol }: Setting): World {
  const { document, purpose, cure, expected } = put
  const isStored = protocol.puts === 'unconditional' || expected === undefined || expected === versionOf(world)
  const sender = world.replicas.findIndex(
    (replica) => replica.phase === 'writing' && replica.put?.document === document,
  )
  const replica = world.replicas[sender]
  const answered = replica && (isStored ? afterWrite(replica, put) : { ...replica, phase: 'reading back' as const })
  const replicas = answered === undefined ? world.replicas : world.replicas.with(sender, answered)
  const next = { ...world, replicas, puts: world.puts.filter((other) => other !== put) }
  if (!isStored) return next
  const { rewinds } = document.committed.state
  const isTwice = new Set(rewinds).size < rewinds.length
  const isWrongCure = cure !== undefined && cure.rewind.yes !== expected
  const violation = isTwice ? 'a rewind is applied twice' : isWrongCure ? 'a yes cures another hold' : next.violation
  const seen: Seen = { ...world.seen, pages: world.seen.pages & ~(purpose === 'claim' ? (cure?.repeats ?? 0) : 0) }
  return { ...next, document, seen, violation }
}

function afterWishPut(world: World, put: WishPut): World {
  const wishPuts = world.wishPuts.filter((other) => other !== put)
  const { wishes, expected } = put
  if (expected !== (world.wishes?.id ?? null)) return { ...world, wishPuts }
  const isNew = wishes.rewind !== undefined && wishes.rewind.id !== world.wishes?.rewind?.id
  const isReportedPaused = world.isReportedPaused && wishes.paused
  return { ...world, wishPuts, wishes, isReportedPaused, due: isNew ? wishes.rewind?.id : world.due }
}

function mayCommit({ kafka }: World, { producer }: EndTransaction, { protocol }: Setting): boolean {
  const isOwner = protocol.initProducerId === 'does nothing' || producer === kafka.producer
  return isOwner && kafka.transaction?.producer === producer
}

function afterEnd(
  world: World,
  { end, lost }: { end: EndTransaction; lost: Parameters<typeof ended>[2] },
  setting: Setting,
): World {
  const { protocol, bounds } = setting
  const isCommitted = mayCommit(world, end, setting)
  const next = isCommitted ? ended(world, 'committed', lost, bounds) : world
  const counts = isCommitted && (next.kafka.hanging.length === 0 || protocol.commit === 'counts at once')
  const replicas = next.replicas.map((replica) => {
    if (replica.phase !== 'committing' || replica.producer !== end.producer) return replica
    return counts ? afterCommit(replica) : idle(replica)
  })
  const operators = next.operators.map((operator) => {
    if (operator.phase !== 'committing' || operator.producer !== end.producer) return operator
    return { ...operator, phase: isCommitted ? ('confirming' as const) : ('done' as const) }
  })
  return { ...next, replicas, operators, ends: world.ends.filter((other) => other !== end) }
}

/** Someone deletes the document, the group's offsets or the topic, or restores the document with its old version. */
function externalFaults(world: World, { fresh }: Setting): Step[] {
  const { document, backup, left, kafka, seen } = world
  const steps: Step[] = []
  const add = (what: string, change: Partial<World>) =>
    steps.push({ what, by: undefined, world: { ...world, isDisturbed: true, ...change } })
  if (left.documentFaults > 0 && document !== undefined) {
    const less = { left: { ...left, documentFaults: left.documentFaults - 1 } }
    if (backup === undefined) add('a backup is made', { backup: document, isDisturbed: world.isDisturbed })
    add('the document is deleted', { ...less, document: undefined })
    if (backup !== undefined && backup !== document) add('the backup is restored', { ...less, document: backup })
  }
  if (left.deletions > 0 && kafka.record !== undefined) {
    const less = { left: { ...left, deletions: left.deletions - 1 } }
    if (!isOnlyProof(world)) add('the group is deleted', { ...less, kafka: { ...kafka, record: undefined } })
    const again = {
      ...kafka,
      topic: kafka.topic + 1,
      producer: fresh('p'),
      transaction: undefined,
      hanging: [],
      unstable: undefined,
      record: undefined,
      isEmpty: true,
    }
    add('the topic is deleted and created again', { ...less, kafka: again, seen: { ...seen, isLost: true } })
  }
  return steps
}

/**
 * The record of the first transaction of a stream or of a claim decides alone: whoever deletes it while its state is
 * pending causes duplicates.
 */
function isOnlyProof({ document, kafka }: World): boolean {
  const { committed, pending } = document ?? {}
  return committed?.expectsRecord === false && pending?.nonce === kafka.record?.nonce
}
