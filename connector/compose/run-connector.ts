import type { StreamConfig } from '../config/connector-config.ts'
import { groupPlacement } from '../kafka/group/group-placement.ts'
import type { ReaderParts } from '../pipeline/read/reader-parts.ts'
import { type Placement, type PlacementEvent, singlePlacement } from '../placement/placement.ts'
import type { StreamEnd } from '../stream/next-step.ts'
import { runStream } from '../stream/run-stream.ts'
import { type Assignment, runStreams } from '../stream/run-streams.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import { composeStream } from './compose-stream.ts'
import { connectionParts, type SharedResources } from './shared-resources.ts'

/**
 * Runs the streams assigned to this replica until `stop` or, if they run until they have caught up, until each has, or
 * is paused or held. Resolves to the end of each stream.
 */
export async function runConnector(
  shared: SharedResources,
  { telemetry, endsWhen }: { telemetry: Telemetry; endsWhen: ReaderParts['endsWhen'] },
  stop: AbortSignal,
): Promise<ReadonlyMap<string, StreamEnd>> {
  const { config, clock } = shared
  const { finishWithinMs, streams } = config
  const run = (stream: StreamConfig, assignment: Assignment, stopStream: AbortSignal) => {
    const { name, poll } = stream
    return runStream(
      {
        stream: name,
        assignment,
        clock,
        observe: telemetry.observe(name, poll),
        compose: (of) => composeStream(stream, shared, { ...of, endsWhen, accounts: shared.newAccountGate() }),
        whenHeld: endsWhen === 'stopped' ? 'waits' : 'ends',
        finishWithinMs,
      },
      stopStream,
    )
  }
  const placement = composePlacement(shared, telemetry.observePlacement)
  return await runStreams({ placement, streams, run, observe: telemetry.observePlacement }, stop)
}

/** Builds the placement, which connects when it is run. */
function composePlacement(shared: SharedResources, observe: (event: PlacementEvent) => void): Placement {
  const { config, replica } = shared
  const { connector, kafka, placement } = config
  const streams = config.streams.map(({ name }) => name)
  if (placement.mode === 'single') return singlePlacement(streams)
  const brokers = connectionParts(kafka, shared, { clientId: replica, patience: 'group' })
  return groupPlacement({ ...brokers, connector, streams, create: placement.create, observe })
}
