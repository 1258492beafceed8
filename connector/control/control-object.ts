import { ConnectorError } from '../runtime/connector-error.ts'
import type { StoredText, VersionedObject } from '../storage/versioned-object.ts'
import { type ControlDocument, noRequests, parseControl, serializeControl } from './control-document.ts'

export interface ControlParts {
  /** The control object of the connector. */
  readonly object: VersionedObject
  /** Resolves when the store is known to support conditional writes. */
  readonly storeReady: (stop: AbortSignal) => Promise<void>
  readonly newNonce: () => string
}

/** The stored document; without an object, one without requests. Rejects with `storage.*` or `control.*`. */
export async function readControl(object: VersionedObject, finish: AbortSignal): Promise<ControlDocument> {
  return documentIn(await object.read(finish))
}

const documentIn = (stored: StoredText | undefined) => (stored === undefined ? noRequests : parseControl(stored.text))

/** In each attempt, another process writes between reading and writing. */
const ATTEMPTS = 20

/**
 * Applies `change` to the stored document and writes the result, unless `change` returns undefined. Resolves to the
 * document that is stored then. Rejects with `storage.*` or `control.*`.
 */
export async function updateControl(
  { object, storeReady, newNonce }: ControlParts,
  change: (document: ControlDocument) => ControlDocument | undefined,
  finish: AbortSignal,
): Promise<ControlDocument> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const stored = await object.read(finish)
    const before = documentIn(stored)
    const after = change(before)
    if (after === undefined) return before
    await storeReady(finish)
    const next = { ...after, revision: after.revision + 1, nonce: newNonce() }
    const outcome = await object.write(serializeControl(next), stored?.version ?? null, finish)
    if (outcome.kind === 'written') return next
  }
  throw new ConnectorError('storage.unavailable', `write control object: changed by others in ${ATTEMPTS} attempts`)
}
