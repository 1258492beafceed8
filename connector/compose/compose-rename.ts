import type { StreamConfig } from '../config/connector-config.ts'
import type { CloseStack } from '../runtime/close-stack.ts'
import type { NamedStream } from '../stream/rewrite/rename-checkpoint.ts'
import { openParts, streamErasures, withoutPlacement } from './compose-stream.ts'
import type { SharedResources } from './shared-resources.ts'

/** A stream under the name in `stream`. */
export function namedStream(stream: StreamConfig, shared: SharedResources, closing: CloseStack): NamedStream {
  const open = openParts(stream, shared, { ...withoutPlacement, observe: () => {}, closing })
  return { open, erasures: streamErasures(stream, shared) }
}
