import { randomUUID } from 'node:crypto'
import type { ControlParts } from '../control/control-object.ts'
import { type ControlEvent, type ControlWatch, controlWatch } from '../control/control-watch.ts'
import { controlKey } from '../storage/checkpoint-store-config.ts'
import type { SharedResources } from './shared-resources.ts'

/** The control object of the connector. */
export function controlParts({ config, store, storeReady }: SharedResources): ControlParts {
  return { object: store.object(controlKey(config.connector)), storeReady, newNonce: randomUUID }
}

/** The requests of operators, for the streams of this replica. */
export function composeControl(shared: SharedResources, observe: (event: ControlEvent) => void): ControlWatch {
  const { clock, replica } = shared
  return controlWatch({ ...controlParts(shared), clock, replica, observe })
}
