import type { Surroundings } from './compose.ts'
import { groupPlacement } from './placement/group-placement.ts'
import { type GroupView, viewGroup } from './placement/group-view.ts'
import { type Placement, singlePlacement } from './placement/placement.ts'
import { slotsTopic } from './placement/placement-config.ts'
import type { PlacementEvent } from './placement/placement-event.ts'
import { kafkaClient } from './publish/kafka-client.ts'

/** Which streams this replica runs; nothing is connected before it is run. */
export function composePlacement(around: Surroundings, observe: (event: PlacementEvent) => void): Placement {
  const { config, clock, replica, kafkaLog: log } = around
  const { connector, kafka, placement } = config
  const streams = namesOf(around)
  if (placement.mode === 'single') return singlePlacement(streams)
  return groupPlacement(placement, { connector, replica, streams, kafka, clock, log, observe })
}

/** The group as Kafka knows it now; null where there is none. Rejects with `publish.*`. */
export async function viewReplicas(around: Surroundings, stop: AbortSignal): Promise<GroupView | null> {
  const { config, clock, replica: clientId, kafkaLog: log } = around
  const { connector: group, kafka, placement } = config
  if (placement.mode === 'single') return null
  const connect = () => kafkaClient(kafka, { clientId, log })
  const topic = slotsTopic(group, placement)
  return await viewGroup({ group, topic, streams: namesOf(around), config: kafka, clock, connect }, stop)
}

const namesOf = ({ config }: Surroundings) => config.streams.map(({ name }) => name)
