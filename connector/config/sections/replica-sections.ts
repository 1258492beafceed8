import type * as z from 'zod'
import { groupDefaults, type PlacementConfig } from '../../placement/placement-config.ts'
import * as setting from '../setting-types.ts'

export const log = setting.section('Logging', {
  level: setting.choice('Minimum level of the lines that are written', {
    choices: ['trace', 'debug', 'info', 'warn', 'error', 'silent'],
    default: 'info',
  }),
})

export const http = setting.section('HTTP endpoints: health, metrics and the status page', {
  port: setting.wholeNumber('Port to listen on; 0: any free port', {
    min: 0,
    max: 65_535,
    default: 8080,
  }),
})

export const placement = setting.section('Which replica runs which streams', {
  mode: setting.choice(
    '`group`: replicas share the streams through the Kafka consumer group `<connector>`. `single`: one process runs all streams',
    { choices: ['group', 'single'], default: 'group', variable: 'PLACEMENT' },
  ),
})

/** `topics`: how missing topics are created. */
export function placementConfig(
  { mode }: z.output<typeof placement>,
  { create, replicationFactor }: { readonly create: boolean; readonly replicationFactor: number },
): PlacementConfig {
  if (mode === 'single') return { mode }
  return { mode, create: create ? { ...groupDefaults.create, replicationFactor } : undefined }
}
