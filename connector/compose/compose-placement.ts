import type { StreamConfig } from '../config/connector-config.ts'
import { groupPlacement } from '../kafka/group/group-placement.ts'
import { viewGroup } from '../kafka/group/group-view.ts'
import { readFoundRecord } from '../kafka/transactions/kafka-state.ts'
import { type GroupView, type Placement, type PlacementEvent, singlePlacement } from '../placement/placement.ts'
import { slotsTopic } from '../placement/placement-config.ts'
import { type FoundRecord, streamNames } from '../publish/event-publisher.ts'
import { adminParts, type SharedResources } from './shared-resources.ts'

/** The placement of the configured mode; connects when it is run. */
export function composePlacement(shared: SharedResources, observe: (event: PlacementEvent) => void): Placement {
  const { config, clock, replica, accounts, kafkaLog: log } = shared
  const { connector, kafka, placement } = config
  const streams = config.streams.map(({ name }) => name)
  if (placement.mode === 'single') return singlePlacement(streams)
  return groupPlacement(placement, { connector, replica, streams, kafka, clock, log, accounts, observe })
}

/** The current consumer group; null with `PLACEMENT=single`. Rejects with `publish.*`. */
export async function viewReplicas(shared: SharedResources, stop: AbortSignal): Promise<GroupView | null> {
  const { config, replica } = shared
  const { connector: group, kafka, placement } = config
  if (placement.mode === 'single') return null
  const topic = slotsTopic(group, placement)
  const streams = config.streams.map(({ name }) => name)
  return await viewGroup({ group, topic, streams, ...adminParts(kafka, shared, replica) }, stop)
}

/** The commit record of a stream, read without opening it. Rejects as `readFoundRecord` does. */
export function foundRecord(stream: StreamConfig, shared: SharedResources, stop: AbortSignal): Promise<FoundRecord> {
  const { recordGroup: group } = streamNames(shared.config.connector, stream.name)
  const place = { group, topic: stream.kafka.topic.events }
  return readFoundRecord(adminParts(stream.kafka, shared, shared.replica), place, stop)
}
