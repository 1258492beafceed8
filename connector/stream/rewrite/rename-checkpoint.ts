import { type CheckpointDocument, parseDocument } from '../../checkpoint/checkpoint-document.ts'
import { publishedEvents } from '../../checkpoint/mismatch.ts'
import { writeDocument } from '../../checkpoint/stream-checkpoint.ts'
import { committedByRecord, renamed, setByOperator } from '../../checkpoint/transitions.ts'
import { withoutCheckpoint } from '../../publish/event-publisher.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import type { StoredText } from '../../storage/versioned-object.ts'
import { mustBelong, type OpenParts } from '../open/open-parts.ts'
import { type OperatorOpening, openAsOperator, startingOver } from './open-as-operator.ts'

interface Renaming {
  readonly from: OpenParts
  readonly to: OpenParts
}

/**
 * Moves the checkpoint of a stream to another name, with its event count, client index and `source`. The old document
 * first names the new one, and then belongs to no stream: nobody can run both. Repeated after a failure, it continues.
 * Rejects with `command.invalid`, `publish.*`, `storage.*`, `checkpoint.*` or the reason of `stop`.
 */
export async function renameCheckpoint({ from, to }: Renaming, stop: AbortSignal): Promise<CheckpointDocument> {
  await from.storeReady(stop)
  const target = await freeTarget(to, stop)
  const left = await startingOver(from, () => leave(from, to.identity.stream, stop), stop)
  await copySegments({ from, to }, left, stop)
  const { owner, clock, newNonce, identity } = to
  const document = renamed(left, identity, { nonce: newNonce(), at: clock.now(), owner, usedEpoch: target.epoch })
  await writeDocument(to, { document, expected: target.stored?.version ?? null }, stop)
  return document
}

interface FreeTarget {
  readonly stored: StoredText | undefined
  /** The highest one that was used with this name. */
  readonly epoch: number
}

/** Checks the new name, and the rights of this user, before anything changes. */
async function freeTarget(open: OpenParts, stop: AbortSignal): Promise<FreeTarget> {
  const { object, publisher, identity } = open
  const stored = await object.read(stop)
  const document = stored && parseDocument(stored.text)
  if (document !== undefined && document.movedTo === null)
    throw invalid(`stream ${identity.stream} already has a checkpoint: use another name`)
  const found = await publisher.inspect({ ...withoutCheckpoint, missingTopics: 'rejected' }, stop)
  const { found: record } = found
  const recordEpoch = record.kind === 'record' ? record.record.epoch : 0
  return { stored, epoch: Math.max(document?.claim.epoch ?? 0, recordEpoch) }
}

/** Opens the stream under its old name, and writes there that it has moved. */
async function leave(open: OpenParts, name: string, stop: AbortSignal): Promise<CheckpointDocument> {
  const stored = await open.object.read(stop)
  if (stored === undefined) throw invalid(`stream ${open.identity.stream} has no checkpoint`)
  const document = parseDocument(stored.text)
  if (document.movedTo === name) return document
  mustKeepSource(document, open)
  mustBelong(open, document)
  const next = async ({ resolved: { resolution }, claim }: OperatorOpening) => {
    if (resolution.kind === 'hold') throw new ConnectorError(resolution.code, `open stream: ${resolution.why}`)
    const { state } = resolution.kind === 'pending' ? committedByRecord(document) : document.committed
    return { after: { ...setByOperator({ ...document, ...claim.identity }, state, claim), movedTo: name } }
  }
  const published = publishedEvents(document)
  return (await openAsOperator(open, { read: { stored, document }, published, next }, stop)).after
}

function mustKeepSource({ eventSource }: CheckpointDocument, { identity }: OpenParts): void {
  if (eventSource === identity.eventSource) return
  const name = eventSource.slice(eventSource.lastIndexOf('/') + 1)
  throw invalid(`its events have the source ${eventSource}: set event.source: ${name} in the renamed stream`)
}

const invalid = (why: string) => new ConnectorError('command.invalid', why)

async function copySegments({ from, to }: Renaming, document: CheckpointDocument, stop: AbortSignal): Promise<void> {
  for (const { name } of document.committed.state.index.segments) {
    const bytes = await from.index.store.get(name, stop)
    if (bytes === undefined)
      throw new ConnectorError('checkpoint.index-missing', `copy the client index: segment ${name} does not exist`)
    await to.index.store.put(name, bytes, stop)
  }
}
