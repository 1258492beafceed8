import { moved, noteOf, prepared } from '../../connector/checkpoint/transitions.ts'
import { afterWrite, idle, lost, named, type Setting, type Step, versionOf } from './model-messages.ts'
import { open, openFurther, restoreNote, stopUnlessMoved } from './model-opening.ts'
import { stampOf, step, type Turn, write } from './model-turn.ts'
import { type Agent, type End, type Kafka, type Pages, type Put, stateAt, type World } from './model-world.ts'

/** What the replicas and the operator may do next, by the product's own functions. */
export function agentSteps(world: World, setting: Setting): Step[] {
  return world.agents.flatMap((agent, by) => stepsOf({ world, by, agent, setting }))
}

function stepsOf(turn: Turn): Step[] {
  const { agent } = turn
  const { phase } = agent
  if (phase === 'stopped') return []
  if (phase === 'idle') return mayOpen(turn) ? [open(turn)] : []
  const steps = [step(turn, 'crashes, or gives up', idle(agent))]
  switch (phase) {
    case 'opening':
      steps.push(openFurther(turn))
      break
    case 'doubting':
      steps.push(stopUnlessMoved(turn))
      break
    case 'restoring':
      steps.push(restoreNote(turn))
      break
    case 'writing':
      steps.push(step(turn, 'waits no longer for its PUT', { ...agent, phase: 'reading-back' }))
      if (agent.put?.purpose === 'prepare' && !agent.isSent) steps.push(send(turn))
      break
    case 'reading-back':
      steps.push(...readBack(turn))
      if (agent.put?.purpose === 'prepare' && !agent.isSent) steps.push(send(turn))
      break
    case 'running':
      steps.push(...run(turn))
      break
    case 'deciding': // only the arrival of the end goes on
  }
  return steps
}

const mayOpen = ({ agent, world }: Turn) =>
  agent.role === 'operator' || (agent.isAssigned && !agent.isLost && world.openings > 0)

function readBack(turn: Turn): Step[] {
  const { world, agent, setting } = turn
  const { put } = agent
  if (put === undefined) throw new Error('nothing was written')
  if (put.document.nonce === versionOf(world)) return [step(turn, 'finds its PUT stored', afterWrite(agent, put))]
  if (put.expected !== versionOf(world)) return [step(turn, 'finds a conflict: starts over', idle(agent))]
  if (world.puts.length >= setting.bounds.puts) return []
  return [step(turn, 'sends its PUT again', { ...agent, phase: 'writing' }, { puts: [...world.puts, { ...put }] })]
}

function run(turn: Turn): Step[] {
  const { agent, setting, world } = turn
  const { reached, document, upTo } = agent
  if (document === undefined) throw new Error('running without a document')
  const { events } = document.committed.state
  const mayPut = world.puts.length < setting.bounds.puts
  const save = (what: string, purpose: 'save' | 'leave', page: number) =>
    mayPut
      ? [write(turn, what, { agent, purpose, document: moved(document, stateAt(page, events), stampOf(turn)) })]
      : []
  if (isUnsaved(turn)) return save('saves what was decided', 'save', reached)
  const steps: Step[] = []
  // Told to stop, it finishes what it has begun and begins nothing.
  const mayGoOn = agent.isAssigned || upTo > 0
  if (mayGoOn && setting.bounds.pages[reached] === 'none') {
    steps.push(step(turn, `passes over page ${reached}`, { ...agent, reached: reached + 1 }))
    steps.push(...save(`saves page ${reached} without events`, 'save', reached + 1))
  }
  if (mayGoOn && setting.bounds.pages[reached] === 'events') steps.push(...deliver(turn))
  return upTo === 0 ? [...steps, ...save('leaves', 'leave', reached)] : steps
}

/** Sending and preparing, in either order, then the end. */
function deliver(turn: Turn): Step[] {
  const { agent, setting, world } = turn
  const { isSent, prepared: next } = agent
  const mayPrepare = next === undefined && world.puts.length < setting.bounds.puts
  const steps = transactions(turn).flatMap((begun) => [
    ...(isSent ? [] : [send(begun)]),
    ...(mayPrepare ? [prepare(begun)] : []),
  ])
  return isSent && next !== undefined ? [...steps, decide(turn, next)] : steps
}

const isUnsaved = ({ agent, setting }: Turn) =>
  setting.protocol.pending === 'in S3 after the end' &&
  agent.prepared === undefined &&
  agent.document?.nonce !== agent.version

/** The transaction that was begun, or each that may be. */
function transactions(turn: Turn): Turn[] {
  const { agent, setting } = turn
  if (agent.upTo > 0) return [turn]
  const { pages, group } = setting.bounds
  const begun: Turn[] = []
  for (let upTo = agent.reached + 1; upTo <= agent.reached + group && pages[upTo - 1] === 'events'; upTo += 1)
    begun.push({ ...turn, agent: { ...agent, upTo } })
  return begun
}

/** Beside the PUT, in the open transaction. */
function send(turn: Turn): Step {
  const { world, agent, setting } = turn
  const { kafka } = world
  if (setting.protocol.initProducerId === 'fences and aborts' && agent.producer !== kafka.producer)
    return step(turn, 'is told that it was taken over', lost(agent, world, setting.protocol))
  const pages = pagesOf(agent)
  const transaction = { producer: agent.producer, pages }
  return step(turn, `sends ${named(pages)}`, { ...agent, isSent: true }, { kafka: { ...kafka, transaction } })
}

function prepare(turn: Turn): Step {
  const { agent, setting } = turn
  const { document, reached, upTo } = agent
  if (document === undefined) throw new Error('running without a document')
  const { resume, mapping } = stateAt(upTo, 0)
  const change = { resume, mapping, events: document.committed.state.events + upTo - reached, windowSteps: [] }
  const next = prepared(document, change, stampOf(turn))
  if (setting.protocol.pending !== 'in S3 before the end')
    return step(turn, 'prepares nothing', { ...agent, prepared: next })
  return write(turn, `prepares ${named(pagesOf(agent))}`, { agent, purpose: 'prepare', document: next })
}

function decide(turn: Turn, next: Put['document']): Step {
  const { world, agent } = turn
  const pages = pagesOf(agent)
  const end = { producer: agent.producer, pages, sequence: next.committed.state.events, note: noteOf(next) }
  return step(
    turn,
    `ends ${named(pages)}`,
    { ...agent, phase: 'deciding' },
    { ends: [...world.ends, end], kafka: withNote(world.kafka, end) },
  )
}

/** The note is stored before the end is asked for, unless somebody has taken over. */
function withNote(kafka: Kafka, { producer, note }: End): Kafka {
  const { transaction } = kafka
  if (transaction?.producer !== producer) return kafka
  return { ...kafka, unstableNote: note, transaction: { ...transaction, hasNote: true } }
}

const pagesOf = ({ reached, upTo }: Agent): Pages => ({ from: reached, to: upTo })
