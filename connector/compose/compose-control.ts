import { randomUUID } from 'node:crypto'
import { parseDocument } from '../checkpoint/checkpoint-document.ts'
import type { ControlParts } from '../control/control-document.ts'
import { type ControlWatch, controlWatch } from '../control/control-watch.ts'
import type { SeenControl } from '../control/stream-requests.ts'
import { codeOf } from '../runtime/connector-error.ts'
import { checkpointKey, controlKey } from '../storage/checkpoint-store-config.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import type { SharedResources } from './shared-resources.ts'

/** The control object of the connector. */
export function controlParts({ config, store, storeReady }: SharedResources): ControlParts {
  return { object: store.object(controlKey(config.connector)), storeReady, newNonce: randomUUID }
}

/** The requests of operators, for the streams of this replica. */
export function composeControl(
  shared: SharedResources,
  { observeControl: observe }: Pick<Telemetry, 'observeControl'>,
): ControlWatch {
  const { clock, replica } = shared
  const checkpoints = (stop: AbortSignal) => seenByCheckpoints(shared, stop)
  return controlWatch({ ...controlParts(shared), clock, replica, checkpoints, observe })
}

/** A checkpoint that cannot be read is reported when its stream is opened. */
async function seenByCheckpoints({ config, store }: SharedResources, stop: AbortSignal) {
  const found = config.streams.map(async ({ name }): Promise<[string, SeenControl][]> => {
    try {
      const stored = await store.object(checkpointKey(config.connector, name)).read(stop)
      return stored === undefined ? [] : [[name, parseDocument(stored.text).control]]
    } catch (error) {
      if (stop.aborted || codeOf(error) === 'storage.unavailable') throw error
      return []
    }
  })
  return new Map((await Promise.all(found)).flat())
}
