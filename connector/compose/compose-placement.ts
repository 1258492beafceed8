import { groupPlacement } from '../kafka/group/group-placement.ts'
import { type Placement, type PlacementEvent, singlePlacement } from '../placement/placement.ts'
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
