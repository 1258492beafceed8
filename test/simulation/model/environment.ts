import { committedByRecord } from '../../../connector/checkpoint/transitions.ts'
import type { Bounds } from './bounds.ts'
import type { Protocol } from './protocol.ts'
import {
  type Agent,
  type CommitRequest,
  IDLE,
  type Kafka,
  type Pages,
  type Put,
  pageOf,
  RETENTION_HOURS,
  type Sent,
  type World,
} from './world.ts'

export interface Setting {
  readonly protocol: Protocol
  readonly bounds: Bounds
  readonly newNonce: () => string
  readonly newProducer: () => number
}

/** A transition to the next state. */
export interface Step {
  readonly what: string
  /** Index of the agent that takes the step; undefined: Kafka, S3 or time. */
  readonly by: number | undefined
  readonly world: World
}

/**
 * The steps that S3, Kafka and time may take next. A request in flight arrives now or later. Its response is lost if
 * the sender no longer waits for it.
 */
export function environmentSteps(world: World, setting: Setting): Step[] {
  const steps: Step[] = []
  const add = (what: string, next: World) => steps.push({ what, by: undefined, world: next })
  for (const put of world.puts) add(`the PUT of a ${put.purpose} arrives`, afterPut(world, put, setting))
  for (const commit of world.commits)
    add(`the commit of ${describePages(commit.pages)} arrives`, afterCommit(world, commit, setting))
  const { kafka, now } = world
  if (kafka.transaction?.producer === kafka.producer)
    add('the transaction times out', {
      ...world,
      kafka: { ...aborted(kafka), producer: setting.newProducer() },
    })
  if (kafka.record !== undefined && now - kafka.recordWrittenAt >= RETENTION_HOURS)
    add('the commit record expires', { ...world, kafka: { ...kafka, record: undefined } })
  const losing = (change: Partial<Kafka>) => ({
    ...{ ...world, lostMarkers: world.lostMarkers - 1, kafka: { ...kafka, ...change } },
  })
  if (world.lostMarkers > 0 && !kafka.losesNextRecordMarker)
    add(LOSES_RECORD_MARKER, losing({ losesNextRecordMarker: true }))
  if (world.lostMarkers > 0 && !kafka.losesNextMarker) add(LOSES_MARKER, losing({ losesNextMarker: true }))
  if (now < setting.bounds.hours) add('an hour passes', { ...world, now: now + 1 })
  return steps
}

function afterPut(world: World, put: Put, { protocol }: Setting): World {
  const isConditional = protocol.puts === 'conditional' && put.expected !== undefined
  const isStored = !isConditional || put.expected === versionOf(world)
  const sender = world.agents.findIndex(({ phase, put: own }) => phase === 'writing' && own?.document === put.document)
  const agents = changed(world.agents, sender, (agent) =>
    isStored ? afterWrite(agent, put) : { ...agent, phase: 'reading-back' },
  )
  const puts = world.puts.filter((other) => other !== put)
  if (!isStored) return { ...world, agents, puts }
  const { document, purpose } = put
  if (purpose !== 'set') return { ...world, agents, puts, document }
  const { state } = document.committed
  return { ...world, agents, puts, document, kafka: { ...world.kafka, next: pageOf(state), published: state.events } }
}

/** The sender after it learns that its PUT was stored. */
export function afterWrite(agent: Agent, { document, purpose }: Put): Agent {
  if (purpose === 'claim' && !agent.isAssigned) return idle(agent) // the second check of the assignment
  switch (purpose) {
    case 'leave':
      return idle(agent)
    case 'set':
      return { ...idle(agent), phase: 'stopped' }
    case 'prepare':
      return { ...agent, phase: 'running', put: undefined, prepared: document, version: document.nonce }
    case 'claim':
    case 'save': {
      const reached = pageOf(document.committed.state)
      return {
        ...agent,
        phase: 'running',
        put: undefined,
        record: undefined,
        document,
        version: document.nonce,
        reached,
      }
    }
  }
}

function afterCommit(world: World, commit: CommitRequest, { protocol, bounds }: Setting): World {
  const { kafka } = world
  const mayCommit = protocol.initProducerId === 'does nothing' || commit.producer === kafka.producer
  const isCommitted = mayCommit && kafka.transaction?.producer === commit.producer
  const sender = world.agents.findIndex(({ phase, producer }) => phase === 'committing' && producer === commit.producer)
  const commits = world.commits.filter((other) => other !== commit)
  if (!isCommitted)
    return { ...world, agents: changed(world.agents, sender, (agent) => lost(agent, world, protocol)), commits }
  const change = { record: commit.record, recordWrittenAt: world.now }
  const marked = afterMarker(afterRecordMarker(kafka, change), commit)
  const isConfirmed = marked.kafka.hanging.length === 0 || protocol.commit === 'counts at once'
  const agents = changed(world.agents, sender, (agent) => (isConfirmed ? afterConfirmation(agent) : idle(agent)))
  return withVisiblePages(
    { ...world, agents, commits, kafka: { ...marked.kafka, transaction: undefined } },
    marked.completed,
    bounds,
  )
}

export const LOSES_MARKER = 'Kafka will lose the next marker in the events topic'
export const LOSES_RECORD_MARKER = 'Kafka will lose the next marker of a commit record'

/**
 * Writes the marker of a transaction (undefined: an empty one) to the events topic. It also completes the hanging
 * transactions. `completed` has all of them, or none if the marker is lost.
 */
export function afterMarker(kafka: Kafka, own: Sent | undefined): { kafka: Kafka; completed: readonly Sent[] } {
  const all = own === undefined ? kafka.hanging : [...kafka.hanging, own]
  return kafka.losesNextMarker
    ? { kafka: { ...kafka, losesNextMarker: false, hanging: all }, completed: [] }
    : { kafka: { ...kafka, hanging: [] }, completed: all }
}

/** Makes pages visible to readers; reports a violation if they are not the next ones. */
export function withVisiblePages(world: World, visible: readonly Sent[], { pages }: Bounds): World {
  let { violation } = world
  let { next, published } = world.kafka
  for (const { pages: seen, sequence } of visible) {
    const due = pages.indexOf('events', next)
    if (world.kafka.hasLostEvents) violation ??= 'events were published after lost ones'
    if (seen.from !== due)
      violation ??= `readers see page ${seen.from} instead of ${due === -1 ? 'nothing' : `page ${due}`}`
    if (sequence !== published) violation ??= `event ${sequence} follows ${published} events`
    next = seen.to
    published = sequence + seen.to - seen.from
  }
  return { ...world, violation, kafka: { ...world.kafka, next, published } }
}

/** Aborts the open transaction, if any. */
export function aborted(kafka: Kafka): Kafka {
  const { transaction } = kafka
  if (transaction === undefined) return kafka
  const marked = afterMarker(transaction.hasRecord ? afterRecordMarker(kafka, {}) : kafka, transaction)
  return { ...marked.kafka, transaction: undefined }
}

/** Writes the marker of a commit record; applies `change` unless the marker is lost. */
export function afterRecordMarker(kafka: Kafka, change: Partial<Kafka>): Kafka {
  return kafka.losesNextRecordMarker
    ? { ...kafka, losesNextRecordMarker: false }
    : { ...kafka, unstable: undefined, ...change }
}

function afterConfirmation(agent: Agent): Agent {
  if (agent.prepared === undefined) throw new Error('committed without prepare')
  const committed = committedByRecord(agent.prepared)
  return {
    ...agent,
    phase: 'running',
    document: { ...agent.prepared, committed, pending: null },
    prepared: undefined,
    isSent: false,
    upTo: 0,
    reached: pageOf(committed.state),
  }
}

export function idle({ role, clockAhead, isAssigned }: Agent): Agent {
  return { ...IDLE, role, clockAhead, isAssigned, phase: role === 'replica' ? 'idle' : 'stopped' }
}

/**
 * The agent after its producer was fenced. By design it may open the stream again: the group may confirm the assignment
 * at any time. A transaction timeout also fences the producer, but does not count as a takeover.
 */
export function lost(agent: Agent, { agents, kafka }: World, { lostStream }: Protocol): Agent {
  const isTakenOver = agents.some(({ producer }) => producer === kafka.producer)
  return { ...idle(agent), isLost: isTakenOver && lostStream === 'waits for a newer assignment' && !agent.isReassigned }
}

export const describePages = ({ from, to }: Pages): string =>
  to - from === 1 ? `page ${from}` : `pages ${from} to ${to - 1}`

export const versionOf = ({ document }: World): string | null => document?.nonce ?? null

export function changed(agents: readonly Agent[], at: number, change: (agent: Agent) => Agent): readonly Agent[] {
  const agent = agents[at]
  return agent === undefined ? agents : agents.with(at, change(agent))
}
