import { type CheckpointDocument, parseDocument } from '../../checkpoint/checkpoint-document.ts'
import { mismatch } from '../../checkpoint/mismatch.ts'
import { cures } from '../../checkpoint/rewind.ts'
import { type Rewind, seenAs, waitingRewind } from '../../checkpoint/wishes.ts'
import { type ClientTable, clientTable } from '../../index/client-table.ts'
import { ConnectorError, codeOf } from '../../runtime/connector-error.ts'
import type { ErrorCode } from '../../runtime/error-catalogue.ts'
import type { StoredText } from '../../storage/checkpoint-store.ts'
import type { OpenParts } from './open-parts.ts'

/** What an opening has read before it fences its predecessor. */
export interface ReadStored {
  readonly stored: StoredText | undefined
  /** Undefined: there is none, or it is damaged and a rewind replaces it. */
  readonly document: CheckpointDocument | undefined
  /** The client index of its committed state. */
  readonly table: ClientTable
  /** The rewind that waits. */
  readonly rewind: Rewind | undefined
  /** Whether that rewind cures a hold with this code. */
  readonly isCured: (code: ErrorCode) => boolean
  /** Document or index cannot be used, and the stream begins again. */
  readonly isLost: boolean
}

/** Whether a rewind lets the stream begin again, whatever is lost. */
export const mayRestart = ({ isCured }: ReadStored) => isCured('checkpoint.topic-lost')

/**
 * Reads the document, then the wishes, then the index. Resolves to `paused` if nothing is left to do for a stream that is.
 * Rejects with `checkpoint.*`, `storage.*` or the reason of `stop`.
 */
export async function readStored(parts: OpenParts, stop: AbortSignal): Promise<ReadStored | 'paused'> {
  const { object, wishes } = parts
  const stored = await object.read(stop)
  const { paused, rewind } = await wishes.read(stop)
  const seen = seenAs(stored)
  const isCured = (code: ErrorCode) => rewind !== null && cures(rewind, code, seen)
  let document: CheckpointDocument | undefined
  let isLost = false
  try {
    document = stored && parseDocument(stored.text)
    mustBelong(parts, document) // before anything is fenced or created
  } catch (error) {
    if (!isCured(codeOf(error))) throw error
    isLost = true
  }
  await wishes.clear(document?.rewound ?? null, stop)
  const waiting = waitingRewind(document, wishes.current())
  const isSettled = document === undefined || (document.claim.owner === null && document.pending === null)
  if (paused && waiting === undefined && isSettled) return 'paused'
  const read = { stored, document, table: clientTable(), rewind: waiting, isCured, isLost }
  return document === undefined || isLost ? read : await withIndex(parts, { ...read, document }, stop)
}

/** Throws `checkpoint.other-stream` or `checkpoint.topic-lost`. */
function mustBelong({ identity, topic }: OpenParts, document: CheckpointDocument | undefined): void {
  const found = document && mismatch(document, { ...identity, destination: { clusterId: null, topic } })
  if (found !== undefined) throw new ConnectorError(found.code, `open stream: ${found.why}`)
}

/** A segment may have been deleted by a replica that claimed the stream since: then the opening starts over. */
async function withIndex(
  parts: OpenParts,
  read: ReadStored & { readonly document: CheckpointDocument },
  stop: AbortSignal,
): Promise<ReadStored> {
  const { nonce, committed } = read.document
  try {
    const table = await parts.index.load({ nonce, index: committed.state.index }, stop)
    return { ...read, table }
  } catch (error) {
    if (codeOf(error) !== 'checkpoint.index-damaged') throw error
    await mustNotHaveMoved(parts, read, stop)
    if (!mayRestart(read)) throw error
    return { ...read, isLost: true }
  }
}

/** Re-read first: a predecessor may have replaced the document just before it was fenced. */
export async function mustNotHaveMoved(
  { object }: Pick<OpenParts, 'object'>,
  { stored }: Pick<ReadStored, 'stored'>,
  stop: AbortSignal,
): Promise<void> {
  const now = await object.read(stop)
  if (now?.version === stored?.version) return
  throw new ConnectorError('checkpoint.conflict', 'open stream: another process wrote the checkpoint at the same time')
}
