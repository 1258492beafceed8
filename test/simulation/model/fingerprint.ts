import type { CheckpointDocument } from '../../../connector/checkpoint/checkpoint-document.ts'
import type { CommitRecord } from '../../../connector/publish/event-publisher.ts'
import {
  type Agent,
  type CommitRequest,
  HOUR,
  type Pages,
  PHASES,
  type Put,
  pageOf,
  RETENTION_HOURS,
  type World,
} from './world.ts'

const BY = ['beginning', 'commit-record', 'operator']
const PURPOSES = ['claim', 'prepare', 'save', 'leave', 'set']
/** All greater ages count as this one. */
const OLD_HOURS = RETENTION_HOURS + 2

/**
 * A 64-bit hash of a state, as two numbers. Only equality matters for nonces and producers, so they are numbered in
 * order of appearance. Times are hashed as ages. Replicas, PUTs and commits have no order. The probability of a
 * collision among a million states is 1 in 40 million.
 */
export function fingerprintOf(world: World): readonly [number, number] {
  const nonces: string[] = []
  const producers: number[] = []
  let low = 0x811c9dc5
  let high = 0x9e3779b9

  const put = (value: number) => {
    low = Math.imul(low ^ value, 0x01000193)
    low ^= low >>> 15
    high = Math.imul(high ^ (value + 0x7f4a7c15), 0x85ebca6b)
    high ^= high >>> 13
  }
  const nonce = (value: string | null | undefined) => put(value == null ? 0 : numberOf(nonces, value))
  const producer = (value: number) => put(value === 0 ? 0 : numberOf(producers, value))
  const age = (at: number) => put(Math.min(world.now - at, OLD_HOURS) * 2 + 8)
  const record = (value: CommitRecord | undefined) => {
    put(value === undefined ? 0 : value.epoch)
    if (value === undefined) return
    put(value.seq)
    nonce(value.nonce)
  }
  const decision = (value: CommitRecord & { at: number }) => {
    record(value)
    age(value.at / HOUR)
  }
  const document = (value: CheckpointDocument | undefined) => {
    put(value === undefined ? 0 : value.claim.epoch)
    if (value === undefined) return
    const { committed, pending } = value
    nonce(value.nonce)
    decision(committed)
    put(BY.indexOf(committed.by))
    put(pageOf(committed.state))
    put(committed.state.events)
    put(Number(value.destination.topicId))
    put(pending === null ? 0 : 1)
    if (pending === null) return
    decision(pending)
    put(pageOf(pending.change))
    put(pending.change.events)
  }
  const pages = (value: Pages | undefined) => {
    put(value === undefined ? 0 : 1 + value.from)
    put(value?.to ?? 0)
  }
  const sent = (value: Put) => {
    put(PURPOSES.indexOf(value.purpose) * 2 + (value.expected === undefined ? 1 : 0))
    nonce(value.expected)
    document(value.document)
  }

  const { kafka } = world
  put(world.now)
  put(world.openings)
  put(world.assignmentChanges)
  put(world.documentFaults)
  document(world.backup)
  document(world.document)
  producer(kafka.producer)
  pages(kafka.transaction?.pages)
  producer(kafka.transaction?.producer ?? 0)
  put(kafka.hanging.length)
  for (const sent of kafka.hanging) {
    pages(sent.pages)
    put(sent.sequence)
  }
  record(kafka.record)
  if (kafka.record !== undefined) age(kafka.recordWrittenAt)
  record(kafka.unstable)
  put((kafka.losesNextRecordMarker ? 1 : 0) + (kafka.losesNextMarker ? 2 : 0) + (kafka.transaction?.hasRecord ? 4 : 0))
  put(world.lostMarkers)
  put(world.kafkaDeletions * 2 + (kafka.hasLostEvents ? 1 : 0))
  put(kafka.topic * 16 + kafka.topics)
  put(kafka.next)
  put(kafka.published)
  for (const agent of inOrder(world.agents, agentOrder)) {
    put(agentOrder(agent))
    producer(agent.producer)
    nonce(agent.version)
    document(agent.document)
    record(agent.record)
    put((agent.isUnstable ? 1 : 0) + (agent.seesHanging ? 2 : 0))
    put(agent.put === undefined ? 0 : 1)
    if (agent.put !== undefined) sent(agent.put)
    put(agent.prepared === undefined ? 0 : 1)
    if (agent.prepared !== undefined) document(agent.prepared)
  }
  put(world.puts.length)
  for (const value of inOrder(world.puts, putOrder)) sent(value)
  put(world.commits.length)
  for (const value of inOrder(world.commits, commitOrder)) {
    producer(value.producer)
    pages(value.pages)
    put(value.sequence)
    record(value.record)
  }
  return [mixed(low) >>> 0, mixed(high) >>> 0]
}

function numberOf<Value>(met: Value[], value: Value): number {
  const at = met.indexOf(value)
  return at === -1 ? met.push(value) : at + 1
}

/** All properties of an agent except nonces and producer. With equal agents, a state may be counted twice. */
function agentOrder({ document, ...agent }: Agent): number {
  const identity = (agent.role === 'replica' ? 0 : 4) + agent.clockAhead * 2 + 1
  const assignment = (agent.isAssigned ? 2 : 0) + (agent.isReassigned || agent.isLost ? 1 : 0)
  const opening = (PHASES.indexOf(agent.phase) * 4 + agent.opened) * 4 + assignment
  const running = (agent.reached * 8 + agent.upTo) * 2 + (agent.isSent ? 1 : 0)
  return ((identity * 128 + opening) * 128 + running) * 16 + (document?.claim.epoch ?? 0)
}

function putOrder({ document, purpose }: Put): number {
  return (document.claim.epoch * 16 + document.committed.seq) * 8 + PURPOSES.indexOf(purpose)
}

const commitOrder = ({ record }: CommitRequest): number => record.epoch * 16 + record.seq

function inOrder<Value>(values: readonly Value[], order: (value: Value) => number): readonly Value[] {
  const [first, second, third] = values
  if (first === undefined || second === undefined) return values
  if (third === undefined) return order(first) <= order(second) ? values : [second, first]
  return values.toSorted((left, right) => order(left) - order(right))
}

function mixed(value: number): number {
  let mixing = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  mixing = Math.imul(mixing ^ (mixing >>> 13), 0xc2b2ae35)
  return mixing ^ (mixing >>> 16)
}
