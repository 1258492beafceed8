import type { StreamConfig } from '../config/connector-config.ts'
import { checkRequests } from '../control/check-requests.ts'
import type { ControlWatch } from '../control/control-watch.ts'
import { watchedRequests } from '../control/watched-requests.ts'
import type { Observe } from '../pipeline/pipeline-event.ts'
import type { ReaderParts } from '../pipeline/read/reader-parts.ts'
import type { Placement } from '../placement/placement.ts'
import { linkedAbort } from '../runtime/abort.ts'
import { closeStack } from '../runtime/close-stack.ts'
import type { Assignment } from '../stream/assignment.ts'
import { contention } from '../stream/contention.ts'
import { desiredState } from '../stream/desired-state.ts'
import { settlePending } from '../stream/open/settle-pending.ts'
import { runStream, type StreamEnd, type StreamParts } from '../stream/run-stream.ts'
import { runStreams } from '../stream/run-streams.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import { composeControl } from './compose-control.ts'
import { composePlacement } from './compose-placement.ts'
import { composeStream, openParts } from './compose-stream.ts'
import type { SharedResources } from './shared-resources.ts'

/**
 * Runs the streams assigned to this replica until `stop`, until other processes have taken them all
 * (`PLACEMENT=single`), or, if they run until they have caught up, until each has, or is paused or held. A held stream
 * does not affect the others. Resolves to the last end of each stream that ran.
 */
export async function runConnector(
  shared: SharedResources,
  { telemetry, until }: { readonly telemetry: Telemetry; readonly until: ReaderParts['until'] },
  stop: AbortSignal,
): Promise<ReadonlyMap<string, StreamEnd>> {
  const { config, clock } = shared
  const streams = new Map(
    config.streams.map((stream) => [stream.name, { stream, observe: telemetry.observe(stream.name, stream.poll) }]),
  )
  const placement = composePlacement(shared, telemetry.observePlacement)
  const control = composeControl(shared, telemetry)
  using watching = linkedAbort(stop)
  const watchEnds = control.run(watching.signal)
  const run = (name: string, assignment: Assignment, stopStream: AbortSignal) => {
    const found = streams.get(name)
    if (found === undefined) throw new TypeError('placement assigned a stream that is not configured')
    const parts = {
      ...found,
      until,
      shared,
      placement,
      control,
      assignment,
      observeReplica: telemetry.observePlacement,
    }
    return runStream(streamParts(parts, stopStream), stopStream)
  }
  const ends = await runStreams(
    { placement, run, finishWithinMs: config.finishWithinMs, clock, observe: telemetry.observePlacement },
    stop,
  )
  watching.abort()
  await watchEnds
  return ends
}

interface RunParts {
  readonly stream: StreamConfig
  readonly until: ReaderParts['until']
  readonly observe: Observe
  readonly shared: SharedResources
  readonly placement: Placement
  readonly control: ControlWatch
  readonly assignment: Assignment
  readonly observeReplica: Telemetry['observePlacement']
}

/** Pauses before the next opening of a stream that failed. */
const reopening = { firstPauseMs: 500, maxPauseMs: 30_000, maxRetryAfterMs: 300_000 }

/** Pauses between the checks of a held stream. */
const holdPauses = { firstPauseMs: 60_000, maxPauseMs: 15 * 60_000 }

function streamParts(parts: RunParts, stop: AbortSignal): StreamParts {
  const { stream, until, shared, placement, control, assignment, observe } = parts
  const { clock, config } = shared
  const { name } = stream
  return {
    desired: desiredState({ stream: name, assignment, control, observe }, stop),
    contention: contention({ stream: name, placement, assignment, clock, observe: parts.observeReplica }),
    compose: (giveUp) =>
      composeStream(stream, shared, {
        until,
        assignment: () => placement.assignmentOf(name),
        requests: watchedRequests(control, name),
        giveUp,
        observe,
      }),
    settle: (pauseEnds) => settlePaused(parts, pauseEnds),
    reopening,
    holding: until === 'stopped' ? { ...holdPauses, requests: checkRequests(control, name, clock) } : undefined,
    finishWithinMs: config.finishWithinMs,
    clock,
    observe,
  }
}

/** What a paused stream's opening reports; its other events say that the stream runs. */
const settlingEvents = ['transactions-repaired', 'taken-over', 'checkpoint-saved']

async function settlePaused({ stream, shared, placement, control, ...parts }: RunParts, stop: AbortSignal) {
  await using closing = closeStack()
  const observe: Observe = (event) => {
    if (settlingEvents.includes(event.kind)) parts.observe(event)
  }
  const assignment = () => placement.assignmentOf(stream.name)
  const mode = { assignment, observe, closing, seenControl: watchedRequests(control, stream.name).seen }
  await settlePending(openParts(stream, shared, mode), stop)
}
