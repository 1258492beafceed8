import type { StateChange } from '../../../connector/checkpoint/stream-state.ts'
import { moved, prepared, recordOf } from '../../../connector/checkpoint/transitions.ts'
import { type AgentContext, stampOf, step, write } from './agent-context.ts'
import { afterWrite, describePages, idle, lost, type Setting, type Step, versionOf } from './environment.ts'
import { continueOpening, open, repair, stopUnlessChanged } from './opening.ts'
import { type Agent, type CommitRequest, type Kafka, type Pages, type Put, stateAt, type World } from './world.ts'

/** The steps that the replicas and the operator may take next; decisions are made by the connector's own functions. */
export function agentSteps(world: World, setting: Setting): Step[] {
  return world.agents.flatMap((agent, by) => stepsOf({ world, by, agent, setting }))
}

function stepsOf(context: AgentContext): Step[] {
  const { agent } = context
  const { phase } = agent
  if (phase === 'stopped') return []
  if (phase === 'idle') return mayOpen(context) ? [open(context)] : []
  const steps = [step(context, 'crashes or gives up', idle(agent))]
  switch (phase) {
    case 'opening':
      steps.push(continueOpening(context))
      break
    case 'rechecking':
      steps.push(stopUnlessChanged(context))
      break
    case 'repairing':
      steps.push(repair(context))
      break
    case 'writing':
      steps.push(step(context, 'stops waiting for its PUT', { ...agent, phase: 'reading-back' }))
      if (agent.put?.purpose === 'prepare' && !agent.isSent) steps.push(send(context))
      break
    case 'reading-back':
      steps.push(...readBack(context))
      if (agent.put?.purpose === 'prepare' && !agent.isSent) steps.push(send(context))
      break
    case 'running':
      steps.push(...run(context))
      break
    case 'committing': // continues when the commit arrives
  }
  return steps
}

const mayOpen = ({ agent, world }: AgentContext) =>
  agent.role === 'operator' || (agent.isAssigned && !agent.isLost && world.openings > 0)

function readBack(context: AgentContext): Step[] {
  const { world, agent, setting } = context
  const { put } = agent
  if (put === undefined) throw new Error('no PUT to read back')
  if (put.document.nonce === versionOf(world)) return [step(context, 'finds its PUT stored', afterWrite(agent, put))]
  if (put.expected !== versionOf(world)) return [step(context, 'finds a conflict: starts over', idle(agent))]
  if (world.puts.length >= setting.bounds.puts) return []
  return [step(context, 'sends its PUT again', { ...agent, phase: 'writing' }, { puts: [...world.puts, { ...put }] })]
}

function run(context: AgentContext): Step[] {
  const { agent, setting, world } = context
  const { reached, document, upTo } = agent
  if (document === undefined) throw new Error('running without a document')
  const { events } = document.committed.state
  const mayPut = world.puts.length < setting.bounds.puts
  const save = (what: string, purpose: 'save' | 'leave', page: number) =>
    mayPut
      ? [
          write(context, what, {
            agent,
            purpose,
            document: moved(document, changeTo(page, events), stampOf(context).nonce),
          }),
        ]
      : []
  if (isUnsaved(context)) return save('saves the committed state', 'save', reached)
  const steps: Step[] = []
  // Without the assignment, a replica finishes its transaction and starts no other.
  const mayContinue = agent.isAssigned || upTo > 0
  if (mayContinue && setting.bounds.pages[reached] === 'none') {
    steps.push(step(context, `skips page ${reached}`, { ...agent, reached: reached + 1 }))
    steps.push(...save(`saves page ${reached}, which has no events`, 'save', reached + 1))
  }
  if (mayContinue && setting.bounds.pages[reached] === 'events') steps.push(...deliver(context))
  return upTo === 0 ? [...steps, ...save('saves and leaves', 'leave', reached)] : steps
}

/** Sends and prepares, in either order, then commits. */
function deliver(context: AgentContext): Step[] {
  const { agent, setting, world } = context
  const { isSent, prepared: next } = agent
  const mayPrepare = next === undefined && world.puts.length < setting.bounds.puts
  const steps = transactions(context).flatMap((started) => [
    ...(isSent ? [] : [send(started)]),
    ...(mayPrepare ? [prepare(started)] : []),
  ])
  return isSent && next !== undefined ? [...steps, commit(context, next)] : steps
}

const isUnsaved = ({ agent, setting }: AgentContext) =>
  setting.protocol.pending === 'in S3 after the commit' &&
  agent.prepared === undefined &&
  agent.document?.nonce !== agent.version

/** The transaction in progress, or each one that may start. */
function transactions(context: AgentContext): AgentContext[] {
  const { agent, setting } = context
  if (agent.upTo > 0) return [context]
  const { pages, group } = setting.bounds
  const started: AgentContext[] = []
  for (let upTo = agent.reached + 1; upTo <= agent.reached + group && pages[upTo - 1] === 'events'; upTo += 1)
    started.push({ ...context, agent: { ...agent, upTo } })
  return started
}

/** Sends the events in the open transaction, in parallel with the PUT. */
function send(context: AgentContext): Step {
  const { world, agent, setting } = context
  const { kafka } = world
  if (setting.protocol.initProducerId === 'fences and aborts' && agent.producer !== kafka.producer)
    return step(context, 'finds that it is fenced', lost(agent, world, setting.protocol))
  const pages = pagesOf(agent)
  const transaction = { producer: agent.producer, pages, sequence: agent.document?.committed.state.events ?? 0 }
  return step(
    context,
    `sends ${describePages(pages)}`,
    { ...agent, isSent: true },
    { kafka: { ...kafka, transaction } },
  )
}

function prepare(context: AgentContext): Step {
  const { agent, setting } = context
  const { document, reached, upTo } = agent
  if (document === undefined) throw new Error('running without a document')
  const change = changeTo(upTo, document.committed.state.events + upTo - reached)
  const next = prepared(document, change, stampOf(context))
  if (setting.protocol.pending !== 'in S3 before the commit')
    return step(context, 'prepares nothing', { ...agent, prepared: next })
  return write(context, `prepares ${describePages(pagesOf(agent))}`, { agent, purpose: 'prepare', document: next })
}

function commit(context: AgentContext, next: Put['document']): Step {
  const { world, agent } = context
  const pages = pagesOf(agent)
  const sequence = next.committed.state.events
  const request = { producer: agent.producer, pages, sequence, record: recordOf(next) }
  return step(
    context,
    `commits ${describePages(pages)}`,
    { ...agent, phase: 'committing' },
    { commits: [...world.commits, request], kafka: withRecord(world.kafka, request) },
  )
}

/** The commit record is stored before the commit is requested, unless the producer is fenced. */
function withRecord(kafka: Kafka, { producer, record }: CommitRequest): Kafka {
  const { transaction } = kafka
  if (transaction?.producer !== producer) return kafka
  return { ...kafka, unstable: record, transaction: { ...transaction, hasRecord: true } }
}

/** What a transaction up to a page adds. */
function changeTo(page: number, events: number): StateChange {
  const { index, ...reached } = stateAt(page, events)
  return { ...reached, entries: index.delta }
}

const pagesOf = ({ reached, upTo }: Agent): Pages => ({ from: reached, to: upTo })
