import type { StreamConfig } from '../config/connector-config.ts'
import type { Observe } from '../pipeline/pipeline-event.ts'
import type { ReaderParts } from '../pipeline/read/reader-parts.ts'
import type { Assignment } from '../stream/assignment.ts'
import { runStream, type StreamEnd, type StreamParts } from '../stream/run-stream.ts'
import { runStreams } from '../stream/run-streams.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import { composePlacement } from './compose-placement.ts'
import { composeStream } from './compose-stream.ts'
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
  const run = (name: string, assignment: Assignment, stopStream: AbortSignal) => {
    const found = streams.get(name)
    if (found === undefined) throw new TypeError('placement assigned a stream that is not configured')
    return runStream(streamParts({ ...found, until, shared, assignment }), stopStream)
  }
  return await runStreams(
    { placement, run, finishWithinMs: config.finishWithinMs, clock, observe: telemetry.observePlacement },
    stop,
  )
}

interface RunParts {
  readonly stream: StreamConfig
  readonly until: ReaderParts['until']
  readonly observe: Observe
  readonly shared: SharedResources
  readonly assignment: Assignment
}

function streamParts({ stream, until, shared, assignment, observe }: RunParts): StreamParts {
  const { clock, config } = shared
  const { name } = stream
  const mode = { until, isAssigned: () => assignment.isAssigned(name), observe }
  return {
    stream: name,
    assignment,
    clock,
    observe,
    compose: (giveUp) => composeStream(stream, shared, { ...mode, giveUp }),
    whenHeld: until === 'stopped' ? 'waits' : 'ends',
    finishWithinMs: config.finishWithinMs,
  }
}
