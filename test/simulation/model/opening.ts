import { mismatch, publishedEvents } from '../../../connector/checkpoint/mismatch.ts'
import { matchOf } from '../../../connector/checkpoint/resolve.ts'
import { claimed, committedByRecord, firstDocument } from '../../../connector/checkpoint/transitions.ts'
import type { ResolvedStream } from '../../../connector/stream/open/resolve-stream.ts'
import { rewritten } from '../../../connector/stream/rewrite/rewrite-checkpoint.ts'
import { type AgentContext, stampOf, step, write } from './agent-context.ts'
import {
  aborted,
  afterMarker,
  afterRecordMarker,
  idle,
  lost,
  type Step,
  versionOf,
  withVisiblePages,
} from './environment.ts'
import { type Agent, HOUR, identityIn, type Kafka, RETENTION_HOURS, setTo, stateAt } from './world.ts'

type Resolution = ResolvedStream['resolution']

export const FALSE_STOP = 'a replica stops without need'

/** Starts an opening with its first step. */
export function open(context: AgentContext): Step {
  const { world, agent } = context
  const openings = agent.role === 'replica' ? world.openings - 1 : world.openings
  return continueOpening({ ...context, world: { ...world, openings }, agent: { ...agent, phase: 'opening' } })
}

/** The next step of an opening, in the order of the protocol. */
export function continueOpening(context: AgentContext): Step {
  const { world, setting } = context
  const agent = { ...context.agent, opened: context.agent.opened + 1 }
  switch (setting.protocol.opening[context.agent.opened]) {
    case 'document':
      return concludeIfComplete(context, 'reads the document', {
        ...agent,
        document: world.document,
        version: versionOf(world),
      })
    case 'record': {
      const { record, unstable, transaction, hanging } = world.kafka
      const isUnstable = unstable !== undefined && transaction?.hasRecord === undefined
      return concludeIfComplete(context, 'reads the commit record', {
        ...agent,
        record,
        isUnstable,
        seesHanging: hanging.length > 0,
      })
    }
    default:
      return fence(context, agent)
  }
}

function fence(context: AgentContext, agent: Agent): Step {
  const { world, setting } = context
  const { initProducerId, topicCreation } = setting.protocol
  const published = agent.document === undefined ? 0 : publishedEvents(agent.document)
  const isLost = world.kafka.topic === 0 && published > 0 && topicCreation === 'never where events were published'
  if (isLost && agent.role === 'replica') return step(context, 'finds no topic', { ...agent, phase: 'rechecking' })
  const producer = setting.newProducer()
  const fenced = initProducerId === 'fences and aborts' ? aborted(world.kafka) : world.kafka
  const kafka = { ...withTopic(fenced), producer }
  return concludeIfComplete({ ...context, world: { ...world, kafka } }, 'fences the others', { ...agent, producer })
}

function withTopic(kafka: Kafka): Kafka {
  return kafka.topic > 0 ? kafka : { ...kafka, topic: kafka.topics + 1, topics: kafka.topics + 1 }
}

/** Once all steps of the opening are complete: repairs lost markers, or claims the resolved state. */
function concludeIfComplete(context: AgentContext, what: string, agent: Agent): Step {
  if (agent.opened < context.setting.protocol.opening.length) return step(context, what, agent)
  const resolution = resolutionFor(context, agent)
  if (resolution.kind === 'hold' && agent.role === 'replica')
    return step(context, `${what}: ${resolution.why}`, { ...agent, phase: 'rechecking' })
  if (recordRepair(agent, resolution).kind !== 'none' || mustCompleteHanging(context, agent))
    return step(context, `${what}: markers are missing`, { ...agent, phase: 'repairing' })
  return conclude(context, what, agent)
}

const mustCompleteHanging = ({ setting }: AgentContext, { seesHanging }: Agent) =>
  seesHanging && setting.protocol.hanging !== 'left to the next marker'

/** As in `repairStream`. */
function recordRepair({ isUnstable }: Agent, resolution: Resolution) {
  return 'record' in resolution ? resolution.record : ({ kind: isUnstable ? 'drop' : 'none' } as const)
}

function conclude(context: AgentContext, what: string, agent: Agent): Step {
  const { document } = agent
  const { protocol } = context.setting
  const resolution = resolutionFor(context, agent)
  if (agent.role === 'operator')
    return write(context, `${what} and sets the stream: ${resolution.kind}`, {
      agent,
      purpose: 'set',
      document: setDocument(context, agent, resolution),
    })
  const claim = { ...stampOf(context), owner: 'replica', producerId: '1', identity: identityIn(context.world.kafka) }
  const next =
    document === undefined
      ? firstDocument(claim.identity, stateAt(0, 0), claim)
      : claimed(document, resolution.kind === 'pending' ? committedByRecord(document) : document.committed, claim)
  const version =
    protocol.claim === 'against a version read after InitProducerId' ? versionOf(context.world) : agent.version
  return write(context, `${what} and claims: ${resolution.kind}`, {
    agent: { ...agent, version },
    purpose: 'claim',
    document: next,
    isConditional: protocol.claim !== 'unconditional',
  })
}

/** As in `resolveStream`: scans the events if the commit record is inconclusive. */
function resolutionFor(context: AgentContext, { document, record, isUnstable }: Agent): Resolution {
  const { world, setting } = context
  const { protocol } = setting
  const identity = identityIn(world.kafka)
  const difference = document && protocol.topic === 'compared by id' ? mismatch(document, identity) : undefined
  if (difference !== undefined) return { kind: 'hold', ...difference }
  const known = { record, isUnstable, now: stampOf(context).at, retentionMs: RETENTION_HOURS * HOUR }
  const resolution = protocol.resolve(document, known)
  if (resolution.kind !== 'needs-scan') return resolution
  const kept = { kind: 'unknown' } as const // the model has neither tombstones nor compaction
  const events = world.kafka.hasLostEvents ? 0 : world.kafka.published
  const matches = Array.from({ length: events }, (_, sequence) => document && matchOf(document, { sequence, kept }))
  const visible = new Set(matches.flatMap((match) => match ?? []))
  return protocol.resolve(document, { ...known, visible }) as Resolution
}

/** If the document is unchanged, completes hanging transactions, repairs the commit record, and claims. */
export function repair(context: AgentContext): Step {
  const { world, agent, setting } = context
  const { protocol, bounds } = setting
  if (protocol.repair === 'after reading again' && agent.opened === protocol.opening.length)
    return versionOf(world) === agent.version
      ? step(context, 'finds the document unchanged', { ...agent, opened: agent.opened + 1 })
      : step(context, 'finds the document changed: starts over', idle(agent))
  if (agent.producer !== world.kafka.producer)
    return step(context, 'finds that it is fenced', lost(agent, world, protocol))
  const resolution = resolutionFor(context, agent)
  const mustComplete = mustCompleteHanging(context, agent)
  const marked = mustComplete ? afterMarker(world.kafka, undefined) : { kafka: world.kafka, completed: [] }
  const isCommitted = commitsHanging(context, resolution)
  const seen = withVisiblePages({ ...world, kafka: marked.kafka }, isCommitted ? marked.completed : [], bounds)
  const wanted = recordRepair(agent, resolution)
  const change = wanted.kind === 'rewrite' ? { record: wanted.record, recordWrittenAt: world.now } : {}
  const kafka = wanted.kind === 'none' ? seen.kafka : afterRecordMarker(seen.kafka, change)
  const repaired = { ...seen, kafka }
  const isConfirmed = kafka.unstable === undefined && (kafka.hanging.length === 0 || !mustComplete)
  if (!isConfirmed) {
    const openings = agent.role === 'replica' ? world.openings + 1 : world.openings
    return step(context, 'repairs, but a marker is lost again', idle(agent), { ...repaired, openings })
  }
  const after = { ...agent, record: kafka.record, isUnstable: false, seesHanging: false }
  return conclude({ ...context, world: repaired }, 'repairs the lost markers', after)
}

/** Whether the repair commits hanging transactions; as in `repairStream`. */
function commitsHanging({ world, agent, setting }: AgentContext, { kind }: Resolution): boolean {
  const { hanging } = setting.protocol
  const [first] = world.kafka.hanging
  if (kind !== 'pending' || first === undefined || hanging === 'always aborted') return false
  return (
    hanging === 'completed by the resolution alone' || first.sequence < (agent.document?.pending?.change.events ?? 0)
  )
}

/** The document that an operator's `checkpoint set` writes. */
function setDocument(context: AgentContext, { document, record }: Agent, resolution: Resolution) {
  const request = setTo(context.setting.bounds.set ?? 0)
  const claim = { ...stampOf(context), owner: 'operator', producerId: '1', identity: identityIn(context.world.kafka) }
  const before = () => {
    if (document === undefined) return { kind: 'none' } as const
    if (resolution.kind === 'hold') return { kind: 'unknown', why: '' } as const
    const { state } = resolution.kind === 'pending' ? committedByRecord(document) : document.committed
    return { kind: 'state', state } as const
  }
  return rewritten({ document, before: before(), record, claim, request, addKept: (index) => index })
}

/** Reads the document again first: another replica that opens the stream also causes a mismatch. */
export function stopUnlessChanged(context: AgentContext): Step {
  const { world, agent, setting } = context
  if (setting.protocol.stop === 'after reading again' && versionOf(world) !== agent.version)
    return step(context, 'finds the document changed: starts over', idle(agent))
  const isViolation = setting.bounds.falseStops === 'are violations' && !mayStop(context)
  return step(context, 'stops', { ...agent, phase: 'stopped' }, isViolation ? { violation: FALSE_STOP } : {})
}

/** A replica may stop only if the document was deleted or restored, or the offsets or the topic were deleted. */
function mayStop({ world, setting }: AgentContext): boolean {
  const { documentFaults, kafkaDeletions } = setting.bounds
  return world.documentFaults < documentFaults || world.kafkaDeletions < kafkaDeletions
}
