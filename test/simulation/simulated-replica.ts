import type { Placement } from '../../connector/placement/placement.ts'
import { codeOf } from '../../connector/runtime/connector-error.ts'
import type { StreamEnd } from '../../connector/stream/next-step.ts'
import { runStream, type StreamComposition } from '../../connector/stream/run-stream.ts'
import { type Assignment, runStreams } from '../../connector/stream/run-streams.ts'
import { type Actor, newActor } from './actor.ts'
import { observed } from './observed.ts'
import { LOOK_EVERY_MS, pauses, simulatedParts } from './simulated-parts.ts'
import type { SimulatedStream } from './simulated-stream.ts'
import type { World } from './world.ts'

/** One process of the connector: the real `runStreams`, on fakes. */
export interface Replica extends Actor {
  readonly placement: Placement
  readonly stopping: AbortController
  /** The streams that this replica runs. */
  readonly running: Set<string>
  isAskedToStop: boolean
  /** When it received the request to stop, and when it had stopped; of `clock.monotonic()`. */
  stopRequestedAt?: number
  stoppedAt?: number
  /** Paused at least once, so its time to stop is not checked. */
  wasPaused: boolean
}

/** Limits between SIGTERM and exit: finishing the page, then aborting its transaction, then leaving the group. */
const FINISH_WITHIN_MS = 10_000
export const STOP_WITHIN_MS = FINISH_WITHIN_MS + 5_000 + 3_000

export const isAlive = ({ process, stoppedAt }: Replica) => !process.isCrashed() && stoppedAt === undefined

export function startReplica(world: World): void {
  const name = `replica-${world.replicas.length + 1}`
  const actor = newActor(world, name)
  const { process } = actor
  const placement = world.group.placement(name, process)
  const replica: Replica = {
    ...actor,
    running: new Set<string>(),
    stopping: new AbortController(),
    wasPaused: false,
    isAskedToStop: false,
    placement: world.defects.placement?.(placement, name) ?? placement,
  }
  world.replicas.push(replica)
  void run(world, replica)
}

async function run(world: World, replica: Replica): Promise<void> {
  const { name, stopping, placement } = replica
  try {
    await runStreams(
      {
        placement,
        streams: world.streams,
        run: (stream, assignment, stop) => runOne(world, replica, { stream, assignment, stop }),
        observe: ({ kind }) => world.eventKinds.add(kind),
      },
      stopping.signal,
    )
  } catch (error) {
    world.violations.push(`${name} failed: ${error}`)
  }
  replica.stoppedAt = world.clock.monotonic()
  const tookMs = replica.stoppedAt - (replica.stopRequestedAt ?? 0)
  if (!replica.wasPaused && tookMs > STOP_WITHIN_MS) world.violations.push(`${name} took ${tookMs} ms to stop`)
}

interface Run {
  readonly stream: SimulatedStream
  readonly assignment: Assignment
  readonly stop: AbortSignal
}

async function runOne(world: World, replica: Replica, { stream, assignment, stop }: Run): Promise<StreamEnd> {
  const { process, clock, running } = replica
  const { name } = stream
  const compose = (of: StreamComposition) => {
    if (running.has(name)) world.violations.push(`${replica.name} runs ${name} twice at the same time`)
    running.add(name)
    of.closing.use(running, () => void running.delete(name))
    const parts = simulatedParts(world, replica, { ...of, stream })
    return world.defects.stream?.(parts, { replica: replica.name, stop }) ?? parts
  }
  const observe = observed(world, name, clock)
  const end = await runStream(
    {
      stream: name,
      assignment,
      compose,
      finishWithinMs: FINISH_WITHIN_MS,
      whenHeld: 'waits',
      pauses,
      lookEveryMs: LOOK_EVERY_MS,
      clock,
      observe,
    },
    stop,
  )
  if (end.kind === 'held' && !process.isCrashed() && !hasPermanentFault(world, name)) {
    world.violations.push(`${name} stopped: ${codeOf(end.error)} ${end.error}`)
  }
  return end
}

const hasPermanentFault = ({ options, streams }: World, stream: string) =>
  options.permanentFault !== 'none' && streams[0]?.name === stream

/** SIGTERM; a paused process receives it when it resumes. */
export function stopReplica({ clock }: World, replica: Replica): void {
  replica.isAskedToStop = true
  replica.process.whenRunning(() => {
    replica.stopRequestedAt ??= clock.monotonic()
    replica.stopping.abort(new DOMException('stop', 'AbortError'))
  })
}
