import { contestDefaults } from '../../connector/pipeline/keep-stream.ts'
import { runAssigned } from '../../connector/pipeline/run-assigned.ts'
import { runStream, type StreamEnd } from '../../connector/pipeline/run-stream.ts'
import type { Placement } from '../../connector/placement/placement.ts'
import { codeOf } from '../../connector/runtime/connector-error.ts'
import { passingTurns, type Turns, turns } from '../../connector/runtime/turns.ts'
import { type ProcessLife, processLife } from './process-life.ts'
import { type ReplicaClock, replicaClock } from './replica-clock.ts'
import { simulatedParts } from './simulated-parts.ts'
import type { World } from './world.ts'

/** One process of the connector: the real `runAssigned`, on fakes. */
export interface Replica {
  readonly name: string
  readonly life: ProcessLife
  readonly clock: ReplicaClock
  readonly placement: Placement
  /** Shared by its streams. */
  readonly openings: Turns
  /** Begins with the replica's name. */
  readonly newNonce: () => string
  readonly stopping: AbortController
  /** The streams that run here now. */
  readonly running: Set<string>
  isAskedToStop: boolean
  /** When it heard that, and when it had stopped; of `clock.monotonic()`. */
  stoppedAt?: number
  overAt?: number
  /** It stood still after it was told to stop. */
  wasPaused: boolean
}

/** As few openings at a time as can be: one, which holds up the others for so long. */
export const OPENING_HOLDS_MS = 1_000
/** Between SIGTERM and the end: what a page in hand may take, then aborting its transaction, then leaving the group. */
export const FINISH_WITHIN_MS = 10_000
export const STOP_WITHIN_MS = FINISH_WITHIN_MS + 5_000 + 3_000

export const isAlive = ({ life, overAt }: Replica) => !life.isCrashed() && overAt === undefined

export function startReplica(world: World): void {
  const name = `replica-${world.replicas.length + 1}`
  const onWake = (held: readonly (() => void)[]) => {
    for (const settle of held) world.wait({ replica: name, stream: '', what: 'wake', operation: 'go on', settle })
  }
  const life = processLife(onWake)
  const clock = replicaClock(world.clock, life, world.replicas.length + 1)
  const placement = world.group.placement(name, life, clock)
  let nonces = 0
  const replica: Replica = {
    ...{
      name,
      life,
      clock,
      running: new Set(),
      stopping: new AbortController(),
      wasPaused: false,
      isAskedToStop: false,
    },
    placement: world.surgery.placement?.(placement, name) ?? placement,
    openings: passingTurns(turns(1), { ms: OPENING_HOLDS_MS, clock }),
    newNonce: () => `${name}/${++nonces}`,
  }
  world.replicas.push(replica)
  void run(world, replica)
}

async function run(world: World, replica: Replica): Promise<void> {
  const { name, clock, stopping, placement } = replica
  try {
    await runAssigned(
      {
        placement,
        start: (stream, stop, giveUp) => runOne(world, replica, { stream, stop, giveUp }),
        finishWithinMs: FINISH_WITHIN_MS,
        contest: contestDefaults,
        clock,
        observe: ({ kind }) => world.happened.add(kind),
      },
      stopping.signal,
    )
  } catch (error) {
    world.found.push(`${name} broke down: ${error}`)
  }
  replica.overAt = world.clock.monotonic()
  const tookMs = replica.overAt - (replica.stoppedAt ?? 0)
  if (!replica.wasPaused && tookMs > STOP_WITHIN_MS) world.found.push(`${name} took ${tookMs} ms to stop`)
}

interface Run {
  readonly stream: string
  readonly stop: AbortSignal
  readonly giveUp: AbortSignal
}

async function runOne(world: World, replica: Replica, run: Run): Promise<StreamEnd> {
  const { name, life, running } = replica
  const { stream, stop } = run
  if (running.has(stream)) world.found.push(`${name} runs ${stream} twice at once`)
  running.add(stream)
  const parts = simulatedParts(world, replica, run)
  const end = await runStream(world.surgery.stream?.(parts, { replica: name, stop }) ?? parts, stop)
  running.delete(stream)
  if (end.kind === 'failed' && !life.isCrashed() && !isAfflicted(world, stream)) {
    world.found.push(`${stream} stopped: ${codeOf(end.error)} ${end.error}`)
  }
  return end
}

const isAfflicted = ({ options, streams }: World, stream: string) =>
  options.affliction !== 'none' && streams[0]?.name === stream

/** SIGTERM; a process that stands still hears it when it wakes up. */
export function stopReplica({ clock }: World, replica: Replica): void {
  replica.isAskedToStop = true
  replica.life.whenRunning(() => {
    replica.stoppedAt ??= clock.monotonic()
    replica.stopping.abort(new DOMException('stop', 'AbortError'))
  })
}
