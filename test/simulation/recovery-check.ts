import type { CommittedState } from '../../connector/checkpoint/checkpoint-document.ts'
import { parseDocument } from '../../connector/checkpoint/checkpoint-document.ts'
import { waitingRewind } from '../../connector/checkpoint/wishes.ts'
import { EVENT_TYPE } from '../../connector/event/client-event.ts'
import { eventIn } from '../support/cloud-event.ts'
import { resumeAll, storedWishes } from './simulated-operator.ts'
import { LONGEST_REACH_MS, LOOK_EVERY_MS, pauses } from './simulated-parts.ts'
import { type Change, isDeleted, wasDeletedSince } from './simulated-polaris.ts'
import { POLL_MS } from './simulated-poll.ts'
import { isAlive, STOP_WITHIN_MS, startReplica, stopReplica } from './simulated-replica.ts'
import { CONNECTOR, curedAt, type SimulatedStream } from './simulated-stream.ts'
import { heal } from './simulated-trouble.ts'
import { type OperationFault, type PendingOperation, release, settle, tick, type World } from './world.ts'

/** Limit for the recovery of every stream once all faults have ended; contention pauses for up to two minutes. */
const RECOVERY_MS = 180_000
/** Limit for what only look-backs find: the longest pause of a scan that was backed off, and the look-back itself. */
const LATE_MS = 3_600_000 + 900_000
/** Limit from a change to its event while no faults occur. */
const LAG_MS = 2 * POLL_MS
/** Limit for a replica that was fenced to open its stream again: its pause doubles with each erasure of the history. */
const FENCED_MS = pauses.fenced.maxPauseMs
const STEPS = 200_000

/**
 * Runs all operations in order, without faults, and lets time pass. Returns true once `isDone` (checked when nothing is
 * left to do but wait), false after `withinMs`.
 */
export async function runWithoutFaults(world: World, isDone: () => boolean, withinMs: number): Promise<boolean> {
  const { clock } = world
  const until = clock.monotonic() + withinMs
  let checkAt = 0
  for (let step = 0; step < STEPS; step += 1) {
    await settle()
    const next = nextOperation(world)
    const now = clock.monotonic()
    if (next !== undefined) {
      if (!isLook(world.pending[next.index])) checkAt = now
      release(world, next.index, next.fault)
      continue
    }
    if (now >= Math.min(checkAt, until)) {
      if (isDone()) return true
      checkAt = now + POLL_MS
    }
    if (now >= until) return false
    tick(world)
  }
  throw new Error(`more than ${STEPS} steps in ${withinMs} ms`)
}

/** One read every few seconds, which alone changes nothing. */
const isLook = (operation: PendingOperation | undefined): boolean =>
  operation?.what === 'store' && operation.operation.startsWith('read ')

/** The first pending operation that gets a response, and its fault: none, except for the permanent fault. */
function nextOperation(world: World): { readonly index: number; readonly fault: OperationFault } | undefined {
  for (const [index, operation] of world.pending.entries()) {
    const fault = faultOf(world, operation)
    if (fault !== 'hangs') return { index, fault }
  }
  return undefined
}

function faultOf(
  { options, hasPermanentFault, streams }: World,
  { stream, what, operation }: PendingOperation,
): OperationFault | 'hangs' {
  if (!hasPermanentFault || stream !== streams[0]?.name) return 'none'
  if (options.permanentFault === 'send fails') return operation === 'send' ? 'before' : 'none'
  if (!options.permanentFault.startsWith(what)) return 'none'
  return options.permanentFault.endsWith('hangs') ? 'hangs' : 'before'
}

/**
 * Ends all faults except for the permanent one of the first stream, and checks the other streams. Each must soon run on
 * one replica and have published everything, and must then publish a change without delay. Then stops all replicas.
 */
export async function checkRecovery(world: World): Promise<void> {
  const { streams, violations, options } = world
  endFaults(world)
  await checkPaused(world)
  if (!(await runWithoutFaults(world, () => problemsNow(world).length === 0, RECOVERY_MS))) {
    violations.push(...problemsNow(world).map((problem) => `${problem}, ${RECOVERY_MS} ms after all faults ended`))
  }
  if (!(await runWithoutFaults(world, () => lateNow(world).length === 0, LATE_MS))) {
    violations.push(...lateNow(world).map((problem) => `${problem}, ${LATE_MS} ms after all faults ended`))
  }
  // The operator may still have to cure a hold.
  await runWithoutFaults(world, () => healthyStreams(world).every(({ name }) => !world.held.has(name)), RECOVERY_MS)
  await runWithoutFaults(world, () => false, 2 * POLL_MS)
  for (const stream of streams) stream.change(0)
  const problems = () => [...problemsNow(world), ...lastUnpublished(world)]
  // An idle replica notices at its next write that a command of an operator has fenced it.
  const lagMs = options.actions === 'all' || world.erasures.length > 0 ? LAG_MS + FENCED_MS : LAG_MS
  if (!(await runWithoutFaults(world, () => problems().length === 0, lagMs))) {
    violations.push(...problems().map((problem) => `${problem}, ${lagMs} ms after the change`))
  }
  await stopAll(world)
}

function endFaults(world: World): void {
  const { replicas, group, options, store, streams, kafka, server } = world
  kafka.keepMarkers()
  server.date = 'right'
  for (const stream of streams) heal(world, stream)
  for (const { process } of replicas) process.resume()
  for (const { name } of replicas) group.reconnect(name)
  if (!replicas.some((replica) => isAlive(replica) && !replica.isAskedToStop)) startReplica(world)
  group.rebalance()
  world.hasPermanentFault = options.permanentFault !== 'none'
  world.faultsEndedAt = world.clock.now()
  if (options.permanentFault === 'checkpoint damaged') store.tamper(streams[0]?.key ?? '', '{')
}

/** A paused stream has no owner and nothing pending, whose commit record could expire, and is not read. Then resumes all. */
async function checkPaused(world: World): Promise<void> {
  const { violations, commands } = world
  if (!(await runWithoutFaults(world, () => commands.size === 0, RECOVERY_MS)))
    violations.push(`commands have not ended: ${[...commands.keys()]}`)
  const paused = healthyStreams(world).filter((stream) => storedWishes(world, stream).paused)
  const isLeft = ({ documents }: SimulatedStream) => {
    const text = documents.at(-1)?.text
    const document = text === undefined ? undefined : parseDocument(text)
    return document === undefined || (document.claim.owner === null && document.pending === null)
  }
  const unsettled = () => paused.filter((stream) => !isLeft(stream))
  if (paused.length > 0 && !(await runWithoutFaults(world, () => unsettled().length === 0, RECOVERY_MS)))
    violations.push(...unsettled().map(({ name }) => `${name} is paused, and has an owner or something pending`))
  // A replica that was replaced while it had nothing to publish reads pages until it looks at the wishes.
  if (paused.length > 0) await runWithoutFaults(world, () => false, LOOK_EVERY_MS)
  const reads = paused.map((stream) => stream.reads.length)
  if (paused.length > 0) await runWithoutFaults(world, () => false, 3 * POLL_MS)
  const isRead = paused.filter((stream, at) => stream.reads.length !== reads[at])
  violations.push(...isRead.map(({ name }) => `${name} is paused, and is read`))
  resumeAll(world)
}

const healthyStreams = ({ streams, hasPermanentFault }: World) => (hasPermanentFault ? streams.slice(1) : streams)

/** Each healthy stream must have one owner, which runs it, and the last change of each client in the topic. */
function problemsNow(world: World): string[] {
  return healthyStreams(world).flatMap((stream) => {
    const { name } = stream
    const runners = world.replicas.filter((replica) => isAlive(replica) && replica.running.has(name))
    const owners = world.group.ownersOf(name)
    return [
      ...(runners.length === 1 && owners.length === 1 && runners[0]?.name === owners[0]
        ? []
        : [`${name} runs on ${runners.map((runner) => runner.name)}, is assigned to ${owners}`]),
      ...unpublishedContents(world, stream, mustBeLive(world, stream)),
      ...unapplied(world, stream),
    ]
  })
}

/** Also of a stream whose creation is not recorded yet. */
function lastUnpublished(world: World): string[] {
  return healthyStreams(world).flatMap((stream) =>
    unpublishedContents(world, stream, (change) => change === stream.polaris.changes.at(-1)),
  )
}

/** The rewind that waits: every opening applies it. */
function unapplied(world: World, stream: SimulatedStream): string[] {
  const text = stream.documents.at(-1)?.text
  const document = text === undefined ? undefined : parseDocument(text)
  const waiting = waitingRewind(document, storedWishes(world, stream))
  return waiting === undefined ? [] : [`${stream.name} has not applied rewind ${waiting.id}`]
}

/**
 * The history finds what is older than the stream, look-backs what live scans have missed while a `Date` was wrong, and
 * catch-up the rest of a live scan that takes long.
 */
function mustBeLive(
  { options, faultsEndedAt }: World,
  { polaris, documents }: SimulatedStream,
): (change: Change) => boolean {
  const stored = documents.at(-1)?.text
  const scans = stored === undefined ? undefined : parseDocument(stored).committed.state.scans
  const createdAt = scans?.createdAt ?? null
  if (createdAt === null || scans?.background.some(({ lane }) => lane === 'catch-up') === true) return () => false
  return (change) =>
    change.lateMs === 0 &&
    change.at >= createdAt &&
    !wasDeletedSince(polaris, change) &&
    (options.clocks === 'replicas' || change.at > faultsEndedAt)
}

/** Changes that became visible late. */
function lateNow(world: World): string[] {
  return healthyStreams(world).flatMap((stream) => {
    const stored = stream.documents.at(-1)?.text
    const state = stored === undefined ? undefined : parseDocument(stored).committed.state
    return [
      ...unpublishedContents(
        world,
        stream,
        (change) => change.lateMs <= LONGEST_REACH_MS || isFirstVersion(world, stream, change),
      ),
      ...(isReadingHistory(world, state) ? [`${stream.name} has not ended its history`] : []),
    ]
  })
}

/**
 * Whether the client was so before the first read. The history must find it, however late the change was. It may miss a
 * later change, even one at the same instant, if it has already read the page of the client.
 */
const isFirstVersion = ({ options }: World, { polaris }: SimulatedStream, change: Change) =>
  polaris.changes.indexOf(change) < options.clients

/** Live scans wait for the first history. Its last page, if it is empty, is read again after a minute. */
const isReadingHistory = ({ options }: World, state: CommittedState | undefined) =>
  options.backfill === 'before' && state?.scans.history.state === 'first'

/** The last change of each client that is not its last event. */
function unpublishedContents({ kafka }: World, stream: SimulatedStream, isDue: (change: Change) => boolean): string[] {
  const { name, polaris } = stream
  const published = kafka.committed
    .filter((record) => record.stream === name && eventIn(record).type === EVENT_TYPE)
    .map((record) => ({ key: record.key, content: (eventIn(record).data as { Contenu: string }).Contenu }))
  const isPublished = ({ clientId, content }: Change) =>
    published.findLast(({ key }) => key === clientId)?.content === content
  const last = new Map(polaris.changes.map((change) => [change.clientId, change]))
  return [...last.values()]
    .filter((change) => !isDeleted(polaris, change.clientId) && isDue(change) && !isPublished(change))
    .map(({ clientId, content }) => `${clientId} ${content} is not published`)
}

/** Invariant 6: a replica that is asked to stop in the middle of a page finishes it, saves, and leaves the group. */
async function stopAll(world: World): Promise<void> {
  const { streams, replicas, kafka, violations, options } = world
  for (const stream of streams) {
    stream.requiredChanges = stream.polaris.changes.length
    stream.change(1)
  }
  for (let step = 0; step < options.stopAfterSteps; step += 1) await oneStep(world)
  const inProgress = kafka.openTransactions()
  const before = streams.map(({ name }) => recordsOf(world, name).length)
  for (const replica of replicas.filter(isAlive)) stopReplica(world, replica)
  await runWithoutFaults(world, () => !replicas.some(isAlive), STOP_WITHIN_MS)
  for (const { name } of replicas.filter(isAlive)) violations.push(`${name} has not stopped`)
  for (const stream of healthyStreams(world)) {
    const records = recordsOf(world, stream.name).length
    const isInProgress = inProgress.includes(`${CONNECTOR}.${stream.name}`)
    if (isInProgress && records === before[streams.indexOf(stream)])
      violations.push(`${stream.name}: the page in progress was dropped`)
    const last = stream.documents.at(-1)
    if (last === undefined) continue // reported already
    const { pending, committed } = parseDocument(last.text)
    if (pending !== null) violations.push(`${stream.name}: the last page was not saved`)
    const events = recordsOf(world, stream.name).filter(
      ({ target, value }) => target === 'events' && value !== null,
    ).length
    // A rewind that cures a hold passes over the numbers of what was pending.
    if (curedAt(stream) === undefined && committed.state.nextEvent !== events)
      violations.push(`${stream.name}: ${committed.state.nextEvent} events are saved, ${events} published`)
  }
}

const recordsOf = ({ kafka }: World, stream: string) => kafka.committed.filter((record) => record.stream === stream)

async function oneStep(world: World): Promise<void> {
  await settle()
  const next = nextOperation(world)
  if (next === undefined) tick(world)
  else release(world, next.index, next.fault)
}
