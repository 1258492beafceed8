import type { StreamConfig } from '../config/connector-config.ts'
import type { CloseStack } from '../runtime/close-stack.ts'
import type { OpenParts } from '../stream/open/open-parts.ts'
import { openParts, withoutPlacement } from './compose-stream.ts'
import type { SharedResources } from './shared-resources.ts'

/** A stream under the name in `stream`. */
export function namedStream(stream: StreamConfig, shared: SharedResources, closing: CloseStack): OpenParts {
  return openParts(stream, shared, { ...withoutPlacement, observe: () => {}, closing })
}
