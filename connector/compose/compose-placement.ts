import type { StreamConfig } from '../config/connector-config.ts'
import { groupPlacement } from '../kafka/group/group-placement.ts'
import { readFoundRecord } from '../kafka/transactions/kafka-state.ts'
import { type Placement, type PlacementEvent, singlePlacement } from '../placement/placement.ts'
import { type FoundRecord, streamNames } from '../publish/event-publisher.ts'
import { adminParts, type SharedResources } from './shared-resources.ts'

/** The placement of the configured mode; connects when it is run. */
export function composePlacement(shared: SharedResources, observe: (event: PlacementEvent) => void): Placement {
  const { config, replica } = shared
  const { connector, kafka, placement } = config
  const streams = config.streams.map(({ name }) => name)
  if (placement.mode === 'single') return singlePlacement(streams)
  const brokers = adminParts(kafka, shared, { clientId: replica, pace: 'group' })
  return groupPlacement({ ...brokers, connector, streams, create: placement.create, observe })
}

/** The commit record of a stream, read without opening it. Rejects as `readFoundRecord` does. */
export function foundRecord(stream: StreamConfig, shared: SharedResources, stop: AbortSignal): Promise<FoundRecord> {
  const { recordGroup: group } = streamNames(shared.config.connector, stream.name)
  const place = { group, topic: stream.kafka.topic.events }
  return readFoundRecord(adminParts(stream.kafka, shared, { clientId: shared.replica, pace: 'stream' }), place, stop)
}
