import { checkRequests } from '../../connector/control/check-requests.ts'
import type { ControlWatch } from '../../connector/control/control-watch.ts'
import type { Placement } from '../../connector/placement/placement.ts'
import { linkedAbort } from '../../connector/runtime/abort.ts'
import { codeOf } from '../../connector/runtime/connector-error.ts'
import { serverBreakers } from '../../connector/source/recovery/server-breaker.ts'
import { settlePending } from '../../connector/stream/open/settle-pending.ts'
import { runUnlessPaused } from '../../connector/stream/pausable-stream.ts'
import { runStream, type StreamEnd } from '../../connector/stream/run-stream.ts'
import { contentionDefaults } from '../../connector/stream/supervise-stream.ts'
import { superviseStreams } from '../../connector/stream/supervisor.ts'
import { type Actor, newActor } from './actor.ts'
import { observed } from './observed.ts'
import { replicaControl } from './simulated-control.ts'
import { POLL_MS, simulatedParts } from './simulated-parts.ts'
import type { World } from './world.ts'

/** One process of the connector: the real `superviseStreams`, on fakes. */
export interface Replica extends Actor {
  readonly placement: Placement
  readonly control: ControlWatch
  readonly stopping: AbortController
  /** The circuit breakers of the servers of its streams. */
  readonly breakerOf: ReturnType<typeof serverBreakers>
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
      breakerOf: serverBreakers(clock, () => {}),
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
    await superviseStreams(
      {
        placement,
        start: (stream, stop) => runPausable(world, replica, stream, stop),
        finishWithinMs: FINISH_WITHIN_MS,
        contention: contentionDefaults,
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

function runPausable(world: World, replica: Replica, stream: string, stop: AbortSignal): Promise<StreamEnd> {
  const { clock, control } = replica
  return runUnlessPaused(
    {
      ...{ stream, control, clock, finishWithinMs: FINISH_WITHIN_MS },
      run: (stopRun, giveUp) => runOne(world, replica, { stream, stop: stopRun, giveUp }),
      settle: async (pauseEnds) => {
        const checks = checkRequests(control, stream, clock)
        const { open } = simulatedParts(world, replica, { stream, giveUp: pauseEnds, checks })
        await settlePending(open, pauseEnds)
      },
      observe: observed(world, stream, { clock, intervalMs: POLL_MS }),
    },
    stop,
  )
}

interface Run {
  readonly stream: string
  readonly stop: AbortSignal
  readonly giveUp: AbortSignal
}

async function runOne(world: World, replica: Replica, run: Run): Promise<StreamEnd> {
  const { name, process, running } = replica
  const { stream, stop } = run
  if (running.has(stream)) world.violations.push(`${name} runs ${stream} twice at the same time`)
  running.add(stream)
  const checks = checkRequests(replica.control, stream, replica.clock)
  using answering = linkedAbort(stop)
  const answered = checks.run(answering.signal)
  const parts = simulatedParts(world, replica, { ...run, checks })
  const end = await runStream(world.defects.stream?.(parts, { replica: name, stop }) ?? parts, stop)
  answering.abort()
  await answered
  running.delete(stream)
  if (end.kind === 'failed' && !process.isCrashed() && !hasPermanentFault(world, stream)) {
    world.violations.push(`${stream} stopped: ${codeOf(end.error)} ${end.error}`)
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
