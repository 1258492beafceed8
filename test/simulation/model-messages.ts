import { committedByNote } from '../../connector/checkpoint/transitions.ts'
import type { Bounds } from './model-bounds.ts'
import type { Protocol } from './model-protocol.ts'
import {
  type Agent,
  type End,
  IDLE,
  type Kafka,
  type Pages,
  type Put,
  pageOf,
  RETENTION_HOURS,
  type World,
} from './model-world.ts'

export interface Setting {
  readonly protocol: Protocol
  readonly bounds: Bounds
  readonly newNonce: () => string
  readonly newProducer: () => number
}

/** What may happen next. */
export interface Step {
  readonly what: string
  /** Whose doing it is; undefined: Kafka's, S3's, or time's. */
  readonly by: number | undefined
  readonly world: World
}

/** What S3, Kafka and time may do next: whatever is under way arrives, now or later. Lost answers are those nobody waits for any more. */
export function surroundingSteps(world: World, setting: Setting): Step[] {
  const steps: Step[] = []
  const add = (what: string, next: World) => steps.push({ what, by: undefined, world: next })
  for (const put of world.puts) add(`the PUT of a ${put.purpose} arrives`, afterPut(world, put, setting))
  for (const end of world.ends) add(`the end of ${named(end.pages)} arrives`, afterEnd(world, end, setting))
  const { kafka, now } = world
  if (kafka.transaction?.producer === kafka.producer)
    add('Kafka times the transaction out', {
      ...world,
      kafka: { ...aborted(kafka), producer: setting.newProducer() },
    })
  if (kafka.note !== undefined && now - kafka.noteWrittenAt >= RETENTION_HOURS)
    add('Kafka forgets the note', { ...world, kafka: { ...kafka, note: undefined } })
  if (world.lostNotes > 0 && !kafka.losesNextNote)
    add(LOSES_NOTE, { ...world, lostNotes: world.lostNotes - 1, kafka: { ...kafka, losesNextNote: true } })
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

/** The sender knows that its PUT was stored. */
export function afterWrite(agent: Agent, { document, purpose }: Put): Agent {
  if (purpose === 'claim' && !agent.isAssigned) return idle(agent) // the assignment is checked once more
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
      return { ...agent, phase: 'running', put: undefined, note: undefined, document, version: document.nonce, reached }
    }
  }
}

function afterEnd(world: World, end: End, { protocol, bounds }: Setting): World {
  const { kafka } = world
  const mayEnd = protocol.initProducerId === 'does nothing' || end.producer === kafka.producer
  const isDecided = mayEnd && kafka.transaction?.producer === end.producer
  const sender = world.agents.findIndex(({ phase, producer }) => phase === 'deciding' && producer === end.producer)
  const agents = changed(world.agents, sender, (agent) =>
    isDecided ? afterDecision(agent) : lost(agent, world, protocol),
  )
  const ends = world.ends.filter((other) => other !== end)
  if (!isDecided) return { ...world, agents, ends }
  const { pages, sequence, note } = end
  const due = bounds.pages.indexOf('events', kafka.next)
  let fault = world.fault
  if (pages.from !== due) fault = `readers see page ${pages.from} instead of ${due === -1 ? 'nothing' : `page ${due}`}`
  else if (sequence !== kafka.published) fault = `event ${sequence} follows ${kafka.published} events`
  const published = sequence + pages.to - pages.from
  const decided = { ...ended(kafka, { note, noteWrittenAt: world.now }), next: pages.to, published }
  return { ...world, agents, ends, kafka: { ...decided, transaction: undefined }, fault }
}

export const LOSES_NOTE = 'Kafka will lose the end of the next note'

/** The transaction that is open, if any, is over. */
export function aborted(kafka: Kafka): Kafka {
  const { transaction } = kafka
  return { ...(transaction?.hasNote ? ended(kafka, {}) : kafka), transaction: undefined }
}

/** A transaction with a note is over; what comes of it, unless the end of the note is lost. */
export function ended(kafka: Kafka, change: Partial<Kafka>): Kafka {
  return kafka.losesNextNote ? { ...kafka, losesNextNote: false } : { ...kafka, unstableNote: undefined, ...change }
}

function afterDecision(agent: Agent): Agent {
  if (agent.prepared === undefined) throw new Error('decided without prepare')
  const committed = committedByNote(agent.prepared, 1)
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

/** Taken over by another (a transaction that timed out is told apart). Ours may be opened again: the group may confirm it at any time. */
export function lost(agent: Agent, { agents, kafka }: World, { lostStream }: Protocol): Agent {
  const isTaken = agents.some(({ producer }) => producer === kafka.producer)
  return { ...idle(agent), isLost: isTaken && lostStream === 'waits for a newer assignment' && !agent.isToldAnew }
}

export const named = ({ from, to }: Pages): string => (to - from === 1 ? `page ${from}` : `pages ${from} to ${to - 1}`)

export const versionOf = ({ document }: World): string | null => document?.nonce ?? null

export function changed(agents: readonly Agent[], at: number, change: (agent: Agent) => Agent): readonly Agent[] {
  const agent = agents[at]
  return agent === undefined ? agents : agents.with(at, change(agent))
}
