import { groupDefaults, type PlacementConfig } from '../placement/placement-config.ts'
import type { Settings } from './config-schema.ts'

/** How the streams are shared out. */
export function placementConfig({ placement, kafka }: Settings): PlacementConfig {
  const { mode, slots, sessionTimeout, heartbeat, rebalanceTimeout } = placement
  if (mode === 'single') return { mode }
  const { partitions, replicationFactor } = slots
  return {
    ...groupDefaults,
    mode,
    topic: slots.topic,
    create: (slots.create ?? kafka.topics.create) ? { partitions, replicationFactor } : undefined,
    sessionTimeoutMs: sessionTimeout,
    heartbeatMs: heartbeat,
    rebalanceTimeoutMs: rebalanceTimeout,
  }
}
