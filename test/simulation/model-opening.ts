import { markOf } from '../../connector/checkpoint/resolve.ts'
import { beginning } from '../../connector/checkpoint/stream-state.ts'
import { claimed, committedByNote, firstDocument } from '../../connector/checkpoint/transitions.ts'
import type { FoundTruth } from '../../connector/pipeline/find-truth.ts'
import { rewritten } from '../../connector/pipeline/rewrite-checkpoint.ts'
import { aborted, ended, idle, lost, type Step, versionOf } from './model-messages.ts'
import { stampOf, step, type Turn, write } from './model-turn.ts'
import { type Agent, HOUR, IDENTITY, RETENTION_HOURS, readsPage } from './model-world.ts'

type Found = Parameters<typeof rewritten>[1]['found']

/** Begins an opening with its first step. */
export function open(turn: Turn): Step {
  const { world, agent } = turn
  const openings = agent.role === 'replica' ? world.openings - 1 : world.openings
  return openFurther({ ...turn, world: { ...world, openings }, agent: { ...agent, phase: 'opening' } })
}

/** The next step of an opening, in the order of the protocol. */
export function openFurther(turn: Turn): Step {
  const { world, setting } = turn
  const agent = { ...turn.agent, opened: turn.agent.opened + 1 }
  switch (setting.protocol.opening[turn.agent.opened]) {
    case 'document':
      return concludeOnce(turn, 'reads the document', {
        ...agent,
        document: world.document,
        version: versionOf(world),
      })
    case 'note':
      return concludeOnce(turn, 'reads the note', {
        ...agent,
        note: world.kafka.note,
        isHanging: world.kafka.unstableNote !== undefined && world.kafka.transaction?.hasNote === undefined,
      })
    default: {
      const producer = setting.newProducer()
      const fences = setting.protocol.initProducerId === 'fences and aborts'
      const kafka = { ...(fences ? aborted(world.kafka) : world.kafka), producer }
      return concludeOnce({ ...turn, world: { ...world, kafka } }, 'fences the others', { ...agent, producer })
    }
  }
}

/** Once document and note are there and the others fenced: claims what is true. */
function concludeOnce(turn: Turn, what: string, agent: Agent): Step {
  if (agent.opened < turn.setting.protocol.opening.length) return step(turn, what, agent)
  const { document } = agent
  const { protocol } = turn.setting
  const truth = truthFor(turn, agent)
  if (agent.role === 'operator')
    return write(turn, `${what} and sets the stream: ${truth.kind}`, {
      agent,
      purpose: 'set',
      document: setDocument(turn, agent, truth.kind),
    })
  if (truth.kind === 'stop') return step(turn, `${what}: ${truth.why}`, { ...agent, phase: 'doubting' })
  if (truth.kind !== 'new' && truth.restore !== undefined)
    return step(turn, `${what}, which is not the right one`, { ...agent, phase: 'restoring', restore: truth.restore })
  const stamp = { ...stampOf(turn), owner: 'replica', identity: IDENTITY }
  const next =
    document === undefined
      ? firstDocument(IDENTITY, beginning(readsPage(0)), stamp)
      : claimed(document, truth.kind === 'pending' ? committedByNote(document, 1) : document.committed, stamp)
  const version =
    protocol.claim === 'against a version read after InitProducerId' ? versionOf(turn.world) : agent.version
  return write(turn, `${what} and claims: ${truth.kind}`, {
    agent: { ...agent, version },
    purpose: 'claim',
    document: next,
    isConditional: protocol.claim !== 'unconditional',
  })
}

/** As `findTruth` does: readers' view of the events tells where the note does not. */
function truthFor(turn: Turn, { document, note, isHanging }: Agent): FoundTruth {
  const { world, setting } = turn
  const known = { note, isHanging, now: stampOf(turn).at, retentionMs: RETENTION_HOURS * HOUR }
  const truth = setting.protocol.resolve(document, known)
  if (truth.kind !== 'unclear') return truth
  const seen = Array.from({ length: world.kafka.published }, (_, sequence) => document && markOf(document, sequence))
  const sightings = new Map(seen.flatMap((mark) => (mark === undefined ? [] : [[mark, 'visible'] as const])))
  return setting.protocol.resolve(document, { ...known, sightings }) as FoundTruth
}

/** Where the document has not moved, gives Kafka the note that goes with the truth, and opens once more. */
export function restoreNote(turn: Turn): Step {
  const { world, agent, setting } = turn
  const { opening, restore } = setting.protocol
  if (restore === 'after reading again' && agent.opened === opening.length)
    return versionOf(world) === agent.version
      ? step(turn, 'finds the document as it was', { ...agent, opened: agent.opened + 1 })
      : step(turn, 'finds the document moved: starts over', idle(agent))
  const { kafka } = world
  if (agent.producer !== kafka.producer)
    return step(turn, 'is told that it was taken over', lost(agent, world, setting.protocol))
  const openings = agent.role === 'replica' ? world.openings + 1 : world.openings
  const restored = ended(kafka, agent.restore === null ? {} : { note: agent.restore, noteWrittenAt: world.now })
  return step(turn, 'gives Kafka the right note', idle(agent), { kafka: restored, openings })
}

/** What an operator's `checkpoint set` writes. */
function setDocument(turn: Turn, { document, note }: Agent, truth: string) {
  const to = readsPage(turn.setting.bounds.set ?? 0)
  const { nonce, at } = stampOf(turn)
  const parts = { newNonce: () => nonce, clock: { now: () => at }, owner: 'operator' }
  if (document === undefined) return rewritten(parts, { found: { kind: 'none' }, note, identity: IDENTITY, to })
  const { state } = truth === 'pending' ? committedByNote(document, 1) : document.committed
  const found: Found =
    truth === 'stop' ? { kind: 'unclear', why: '', epoch: document.claim.epoch } : { kind: 'known', document, state }
  return rewritten(parts, { found, note, identity: IDENTITY, to })
}

/** A combination that makes no sense may come of somebody else opening meanwhile. */
export function stopUnlessMoved(turn: Turn): Step {
  const { world, agent, setting } = turn
  if (setting.protocol.stop === 'after reading again' && versionOf(world) !== agent.version)
    return step(turn, 'finds the document moved: starts over', idle(agent))
  const isFault = setting.bounds.falseStops === 'are faults' && !mayStop(turn)
  return step(turn, 'stops', { ...agent, phase: 'stopped' }, isFault ? { fault: 'a replica stops falsely' } : {})
}

/** Only where nobody can know: the document was tampered with, or what was prepared may have been decided, and Kafka may have forgotten its note (an hour of margin). */
function mayStop(turn: Turn): boolean {
  const { note, document } = turn.agent
  if (turn.world.mishaps < turn.setting.bounds.mishaps) return true
  if (note !== undefined || document === undefined || document.pending === null) return false
  return stampOf(turn).at - document.pending.at >= (RETENTION_HOURS - 1) * HOUR
}
