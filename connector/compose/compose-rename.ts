import type { StreamConfig } from '../config/connector-config.ts'
import type { CloseStack } from '../runtime/close-stack.ts'
import { checkpointKey, featureKey } from '../storage/checkpoint-store-config.ts'
import type { VersionedObject } from '../storage/versioned-object.ts'
import type { NamedStream } from '../stream/rewrite/rename-checkpoint.ts'
import { openParts, streamFeatures, withoutPlacement } from './compose-stream.ts'
import type { SharedResources } from './shared-resources.ts'

/** A stream under the name in `stream`. */
export function namedStream(stream: StreamConfig, shared: SharedResources, closing: CloseStack): NamedStream {
  const open = openParts(stream, shared, { ...withoutPlacement, observe: () => {}, closing })
  return { open, objects: featureObjects(stream, shared) }
}

/** What the features of a stream store beside its checkpoint, always in the same order. */
function featureObjects(stream: StreamConfig, { config, store }: SharedResources): readonly VersionedObject[] {
  const key = checkpointKey(config.connector, stream.name)
  const found: VersionedObject[] = []
  const object = (name: string) => {
    const named = store.object(featureKey(key, name))
    found.push(named)
    return named
  }
  streamFeatures(stream, object)
  return found
}
