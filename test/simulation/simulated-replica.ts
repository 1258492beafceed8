import { checkRequests } from '../../connector/control/check-requests.ts'
import type { ControlWatch } from '../../connector/control/control-watch.ts'
import type { Placement } from '../../connector/placement/placement.ts'
import { codeOf } from '../../connector/runtime/connector-error.ts'
import type { Assignment } from '../../connector/stream/assignment.ts'
import type { Attempt } from '../../connector/stream/attempt.ts'
import { contention } from '../../connector/stream/contention.ts'
import { desiredState } from '../../connector/stream/desired-state.ts'
import { settlePending } from '../../connector/stream/open/settle-pending.ts'
import { runStream, type StreamAdapters, type StreamEnd } from '../../connector/stream/run-stream.ts'
import { runStreams } from '../../connector/stream/run-streams.ts'
import { adaptersOf } from '../support/run-alone.ts'
import { type Actor, newActor } from './actor.ts'
import { observed } from './observed.ts'
import { replicaControl } from './simulated-control.ts'
import { simulatedParts } from './simulated-parts.ts'
import type { World } from './world.ts'

/** One process of the connector: the real `runStreams`, on fakes. */
export interface Replica extends Actor {
  readonly placement: Placement
  readonly control: ControlWatch
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
export const FINISH_WITHIN_MS = 10_000
export const STOP_WITHIN_MS = FINISH_WITHIN_MS + 5_000 + 3_000

export const isAlive = ({ process, stoppedAt }: Replica) => !process.isCrashed() && stoppedAt === undefined

export function startReplica(world: World): void {
  const name = `replica-${world.replicas.length + 1}`
  const actor = newActor(world, name)
  const { process, clock } = actor
  const placement = world.group.placement(name, process, clock)
  const replica: Replica = {
    ...actor,
    ...{
      running: new Set<string>(),
      stopping: new AbortController(),
      wasPaused: false,
      isAskedToStop: false,
    },
    control: replicaControl(world, actor),
    placement: world.defects.placement?.(placement, name) ?? placement,
  }
  world.replicas.push(replica)
  void run(world, replica)
}

async function run(world: World, replica: Replica): Promise<void> {
  const { name, clock, stopping, placement, control } = replica
  const stopped = new AbortController()
  const watchEnds = control.run(stopped.signal)
  try {
    await runStreams(
      {
        placement,
        run: (stream, assignment, stop) => runOne(world, replica, { stream, assignment, stop }),
        finishWithinMs: FINISH_WITHIN_MS,
        clock,
        observe: ({ kind }) => world.eventKinds.add(kind),
      },
      stopping.signal,
    )
  } catch (error) {
    world.violations.push(`${name} failed: ${error}`)
  }
  stopped.abort()
  await watchEnds
  replica.stoppedAt = world.clock.monotonic()
  const tookMs = replica.stoppedAt - (replica.stopRequestedAt ?? 0)
  if (!replica.wasPaused && tookMs > STOP_WITHIN_MS) world.violations.push(`${name} took ${tookMs} ms to stop`)
}

interface Run {
  readonly stream: string
  readonly assignment: Assignment
  readonly stop: AbortSignal
}

async function runOne(world: World, replica: Replica, { stream, assignment, stop }: Run): Promise<StreamEnd> {
  const { process, placement, control, clock } = replica
  const observe = observed(world, stream, clock)
  const checks = checkRequests(control, stream, clock)
  const { reopening, holding } = simulatedParts(world, replica, { stream, giveUp: stop, checks })
  const end = await runStream(
    {
      desired: desiredState({ stream, assignment, control, observe }, stop),
      contention: contention({
        stream,
        placement,
        assignment,
        clock,
        observe: ({ kind }) => world.eventKinds.add(kind),
      }),
      compose: (giveUp) => adaptersIn(world, replica, { stream, giveUp, checks }),
      settle: async (pauseEnds) => {
        const { open } = simulatedParts(world, replica, { stream, giveUp: pauseEnds, checks })
        await settlePending(open, pauseEnds)
      },
      reopening,
      holding,
      finishWithinMs: FINISH_WITHIN_MS,
      clock,
      observe,
    },
    stop,
  )
  if (end.kind === 'held' && !process.isCrashed() && !hasPermanentFault(world, stream)) {
    world.violations.push(`${stream} stopped: ${codeOf(end.error)} ${end.error}`)
  }
  return end
}

function adaptersIn(world: World, replica: Replica, run: Parameters<typeof simulatedParts>[2]): StreamAdapters {
  const { name, running } = replica
  const { stream } = run
  if (running.has(stream)) world.violations.push(`${name} runs ${stream} twice at the same time`)
  running.add(stream)
  const parts = simulatedParts(world, replica, run)
  const attempt: Attempt = (step, leave) =>
    adaptersOf(world.defects.stream?.(parts, { replica: name, stop: leave }) ?? parts).attempt(step, leave)
  return {
    ...adaptersOf(parts),
    attempt,
    close: async () => {
      running.delete(stream)
    },
  }
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
