import { withProgress } from '../../connector/control/republications.ts'
import { recorded } from '../../connector/control/requests.ts'
import type { CarriedOut, RepublishProgress, Waiting } from '../../connector/control/stream-requests.ts'
import type { StreamIndex } from '../../connector/index/stream-index.ts'
import type { Placement } from '../../connector/placement/placement.ts'
import { codeOf } from '../../connector/runtime/connector-error.ts'
import { expiringPermits, type Semaphore, semaphore } from '../../connector/runtime/semaphore.ts'
import { serverBreakers } from '../../connector/source/breaker/server-breaker.ts'
import { runUnlessPaused } from '../../connector/stream/pausable-stream.ts'
import { runStream, type StreamEnd } from '../../connector/stream/run-stream.ts'
import { settlePending } from '../../connector/stream/settle-pending.ts'
import { contentionDefaults } from '../../connector/stream/supervise-stream.ts'
import { superviseStreams } from '../../connector/stream/supervisor.ts'
import { type ReplicaClock, replicaClock } from './replica-clock.ts'
import { type SimulatedControl, simulatedControl } from './simulated-control.ts'
import { simulatedParts } from './simulated-parts.ts'
import { type SimulatedProcess, simulatedProcess } from './simulated-process.ts'
import { restoreSegments } from './simulated-segments.ts'
import type { OperationFault, World } from './world.ts'

/** One process of the connector: the real `superviseStreams`, on fakes. */
export interface Replica {
  readonly name: string
  readonly process: SimulatedProcess
  readonly clock: ReplicaClock
  readonly placement: Placement
  readonly control: SimulatedControl
  /** Shared by its streams. */
  readonly openings: Semaphore
  /** Nonces start with the name of the replica. */
  readonly newNonce: () => string
  readonly stopping: AbortController
  /** The circuit breakers of the servers of its streams. */
  readonly breakerOf: ReturnType<typeof serverBreakers>
  /** The client indexes of its streams. */
  readonly indexes: Map<string, StreamIndex>
  /** The streams that this replica runs. */
  readonly running: Set<string>
  isAskedToStop: boolean
  /** When it received the request to stop, and when it had stopped; of `clock.monotonic()`. */
  stopRequestedAt?: number
  stoppedAt?: number
  /** Paused at least once, so its time to stop is not checked. */
  wasPaused: boolean
}

/** One opening at a time, the strictest limit; it delays the others by up to this long. */
export const OPENING_HOLDS_MS = 1_000
/** Limits between SIGTERM and exit: finishing the page, then aborting its transaction, then leaving the group. */
export const FINISH_WITHIN_MS = 10_000
export const STOP_WITHIN_MS = FINISH_WITHIN_MS + 5_000 + 3_000

export const isAlive = ({ process, stoppedAt }: Replica) => !process.isCrashed() && stoppedAt === undefined

export function startReplica(world: World): void {
  const name = `replica-${world.replicas.length + 1}`
  const onResume = (held: readonly (() => void)[]) => {
    for (const settle of held)
      world.enqueue({ replica: name, stream: '', what: 'process', operation: 'resume', settle })
  }
  const process = simulatedProcess(onResume)
  const clock = replicaClock(world.clock, process, world.replicas.length + 1)
  const placement = world.group.placement(name, process, clock)
  let nonces = 0
  const replica: Replica = {
    ...{
      name,
      process,
      clock,
      running: new Set(),
      indexes: new Map(),
      breakerOf: serverBreakers(clock, () => {}),
      stopping: new AbortController(),
      wasPaused: false,
      isAskedToStop: false,
    },
    control: simulatedControl(world.control.document, {
      record: (request) => record(world, name, request),
      progressed: (progress) => reportProgress(world, name, progress),
      read: () => tellReplica(world, replica),
    }),
    placement: world.defects.placement?.(placement, name) ?? placement,
    openings: expiringPermits(semaphore(1), { ms: OPENING_HOLDS_MS, clock }),
    newNonce: () => `${name}/${++nonces}`,
  }
  world.replicas.push(replica)
  void run(world, replica)
}

/** Each replica learns of the present control object when the history releases that. */
export function tellReplicas(world: World): void {
  for (const replica of world.replicas.filter(isAlive)) tellReplica(world, replica)
}

function tellReplica(world: World, replica: Replica): void {
  const settle = () => replica.process.whenRunning(() => replica.control.learn(world.control.document))
  world.enqueue({ replica: replica.name, stream: '', what: 'process', operation: 'read control object', settle })
}

function reportProgress(world: World, replica: string, progress: RepublishProgress | Waiting): void {
  const settle = (fault: OperationFault) => {
    if (fault === 'before') return
    const { control, clock } = world
    const running = new Map([[progress.id, progress]])
    control.document = withProgress(control.document, running, { by: replica, at: clock.now() }) ?? control.document
  }
  world.enqueue({ replica, stream: '', what: 'process', operation: `report progress of ${progress.id}`, settle })
}

/** The replica tries again if that failed, once it has delivered something or opened the stream again. */
function record(world: World, replica: string, { id, ...ending }: CarriedOut): void {
  const settle = (fault: OperationFault) => {
    if (fault === 'before') return
    const endings = new Map([[id, { at: world.clock.now(), ...ending }]])
    world.control.document = recorded(world.control.document, endings, replica) ?? world.control.document
    tellReplicas(world)
  }
  world.enqueue({ replica, stream: '', what: 'process', operation: `record request ${id}`, settle })
}

async function run(world: World, replica: Replica): Promise<void> {
  const { name, clock, stopping, placement } = replica
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
  replica.stoppedAt = world.clock.monotonic()
  const tookMs = replica.stoppedAt - (replica.stopRequestedAt ?? 0)
  if (!replica.wasPaused && tookMs > STOP_WITHIN_MS) world.violations.push(`${name} took ${tookMs} ms to stop`)
}

function runPausable(world: World, replica: Replica, stream: string, stop: AbortSignal): Promise<StreamEnd> {
  const { clock, control } = replica
  return runUnlessPaused(
    {
      ...{ stream, control: control.watch, clock, finishWithinMs: FINISH_WITHIN_MS },
      run: (stopRun, giveUp) => runOne(world, replica, { stream, stop: stopRun, giveUp }),
      settle: async (pauseEnds) => {
        const { open } = simulatedParts(world, replica, { stream, giveUp: pauseEnds })
        await settlePending(open, pauseEnds).catch((error) => {
          mayRestore(world, stream, error)
          throw error
        })
      },
      observe: ({ kind }) => world.eventKinds.add(kind),
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
  const parts = simulatedParts(world, replica, run)
  const start = () => runStream(world.defects.stream?.(parts, { replica: name, stop }) ?? parts, stop)
  let end = await start()
  while (end.kind === 'failed' && mayRestore(world, stream, end.error)) end = await start()
  running.delete(stream)
  if (end.kind === 'failed' && !process.isCrashed() && !hasPermanentFault(world, stream)) {
    world.violations.push(`${stream} stopped: ${codeOf(end.error)} ${end.error}`)
  }
  return end
}

/** The cure for segments that a rule of the bucket has removed. */
function mayRestore(world: World, name: string, error: unknown): boolean {
  const stream = world.streams.find((one) => one.name === name)
  const isMissing = codeOf(error) === 'checkpoint.index-missing'
  if (!isMissing || stream === undefined || stream.expired.size === 0) return false
  restoreSegments(world, stream)
  return true
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
