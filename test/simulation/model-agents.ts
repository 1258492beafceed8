import { moved, noteOf, prepared } from '../../connector/checkpoint/transitions.ts'
import { afterWrite, idle, type Setting, type Step, versionOf } from './model-messages.ts'
import { open, openFurther, stopUnlessMoved } from './model-opening.ts'
import { stampOf, step, type Turn, write } from './model-turn.ts'
import { type Put, stateAt, type World } from './model-world.ts'

/** What the replicas and the operator may do next, by the product's own functions. */
export function agentSteps(world: World, setting: Setting): Step[] {
  return world.agents.flatMap((agent, by) => stepsOf({ world, by, agent, setting }))
}

function stepsOf(turn: Turn): Step[] {
  const { agent, world } = turn
  const { phase } = agent
  if (phase === 'stopped') return []
  if (phase === 'idle') return agent.role === 'operator' || world.openings > 0 ? [open(turn)] : []
  const steps = [step(turn, 'crashes, or gives up', idle(agent))]
  switch (phase) {
    case 'opening':
      steps.push(openFurther(turn))
      break
    case 'doubting':
      steps.push(stopUnlessMoved(turn))
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
  const { reached, document, isSent, prepared: next } = agent
  if (document === undefined) throw new Error('running without a document')
  const { events } = document.committed.state
  const mayPut = world.puts.length < setting.bounds.puts
  const steps: Step[] = []
  const save = (what: string, purpose: 'save' | 'leave', page: number) =>
    steps.push(write(turn, what, { agent, purpose, document: moved(document, stateAt(page, events), stampOf(turn)) }))
  if (!isSent && next === undefined && mayPut) save('leaves', 'leave', reached)
  switch (setting.bounds.pages[reached]) {
    case 'none':
      steps.push(step(turn, `passes over page ${reached}`, { ...agent, reached: reached + 1 }))
      if (mayPut) save(`saves page ${reached} without events`, 'save', reached + 1)
      break
    case 'events':
      if (!isSent) steps.push(send(turn))
      if (next === undefined && mayPut) steps.push(prepare(turn))
      if (isSent && next !== undefined) steps.push(decide(turn, next))
  }
  return steps
}

/** Beside the PUT, in the open transaction. */
function send(turn: Turn): Step {
  const { world, agent, setting } = turn
  const { kafka } = world
  if (setting.protocol.initProducerId === 'fences and aborts' && agent.producer !== kafka.producer)
    return step(turn, 'is told that it was taken over', idle(agent))
  const transaction = { producer: agent.producer, page: agent.reached }
  return step(turn, `sends page ${agent.reached}`, { ...agent, isSent: true }, { kafka: { ...kafka, transaction } })
}

function prepare(turn: Turn): Step {
  const { agent, setting } = turn
  const { document, reached } = agent
  if (document === undefined) throw new Error('running without a document')
  const { resume, mapping } = stateAt(reached + 1, 0)
  const change = { resume, mapping, events: document.committed.state.events + 1, windowSteps: [] }
  const next = prepared(document, change, stampOf(turn))
  if (setting.protocol.pending === 'never in S3') return step(turn, 'prepares nothing', { ...agent, prepared: next })
  return write(turn, `prepares page ${reached}`, { agent, purpose: 'prepare', document: next })
}

function decide(turn: Turn, next: Put['document']): Step {
  const { world, agent } = turn
  const { reached: page, producer } = agent
  const sequence = next.committed.state.events
  const end = { producer, page, sequence, note: noteOf(next) }
  return step(turn, `ends page ${page}`, { ...agent, phase: 'deciding' }, { ends: [...world.ends, end] })
}
