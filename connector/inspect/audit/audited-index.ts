import { type CheckpointDocument, parseDocument } from '../../checkpoint/checkpoint-document.ts'
import { mismatch } from '../../checkpoint/mismatch.ts'
import { rulesOf, rulesText } from '../../index/client-index.ts'
import { type ClientTable, clientTable } from '../../index/client-table.ts'
import { type ClientKey, type IndexEntry, UNKNOWN_CONTENT, withdrawalOf } from '../../index/index-entry.ts'
import { deltaWords } from '../../index/index-state.ts'
import { loadTable } from '../../index/load-table.ts'
import { ConnectorError, codeOf } from '../../runtime/connector-error.ts'
import type { OpenParts } from '../../stream/open/open-parts.ts'

/** The client index of a stored checkpoint. */
export interface AuditedIndex {
  /** Of the committed state. */
  readonly table: Pick<ClientTable, 'get' | 'size' | 'partitions'>
  /** What the pending transaction adds; whether it was committed is not known. */
  readonly pending: Pick<ClientTable, 'get' | 'partitions'>
  /** The rules of contents, by the number in the entries: see `contentRules`. */
  readonly rules: readonly string[]
  /** The content of entries with a smaller event number counts as unknown. */
  readonly contentsFrom: number
}

export interface ReadIndex {
  readonly document: CheckpointDocument
  readonly index: AuditedIndex
}

type IndexParts = Pick<OpenParts, 'object' | 'identity' | 'topic'> & {
  readonly index: Pick<OpenParts['index'], 'store'>
}

/** Rejects with `checkpoint.*` or `storage.*`, or the reason of `stop`; without a checkpoint with `command.invalid`. */
export async function readDocument(
  { object, identity, topic }: IndexParts,
  stop: AbortSignal,
): Promise<CheckpointDocument> {
  const stored = await object.read(stop)
  if (stored === undefined) throw new ConnectorError('command.invalid', 'read checkpoint: the stream has none yet')
  const document = parseDocument(stored.text)
  const found = mismatch(document, { ...identity, destination: { clusterId: null, topic } })
  if (found !== undefined) throw new ConnectorError(found.code, `read checkpoint: ${found.why}`)
  return document
}

/** A running replica may replace segments while they are read. */
const ATTEMPTS = 5

/** Reads the checkpoint and its client index. Rejects as `readDocument` and reading segments do. */
export async function readIndex(parts: IndexParts, stop: AbortSignal): Promise<ReadIndex> {
  for (let attempt = 1; ; attempt += 1) {
    const document = await readDocument(parts, stop)
    try {
      return { document, index: await loadIndex(parts, document, stop) }
    } catch (error) {
      const isReplaced = codeOf(error) === 'checkpoint.index-missing' && attempt < ATTEMPTS
      if (!isReplaced || (await readDocument(parts, stop)).nonce === document.nonce) throw error
    }
  }
}

async function loadIndex(
  { index: { store } }: IndexParts,
  { committed, pending }: CheckpointDocument,
  stop: AbortSignal,
): Promise<AuditedIndex> {
  const { rules, contentsFrom, ...stored } = committed.state.index
  const ofPending = clientTable()
  if (pending !== null) ofPending.setAll(deltaWords(pending.change.entries))
  const table = await loadTable(store, stored, stop)
  const added = pending?.change.rules ?? []
  return { table, pending: ofPending, rules: [...rules, ...added].map(contentRules), contentsFrom }
}

/** The rules of an index without what does not affect contents. */
export function contentRules(text: string): string {
  return rulesText({ ...rulesOf(text), limits: '' })
}

/** Whether the index knows no content of the client: it is published again when it is read. */
export function isContentUnknown({ contentsFrom }: AuditedIndex, { content, number, mark }: IndexEntry): boolean {
  return content === UNKNOWN_CONTENT || (number < contentsFrom && withdrawalOf({ mark }) !== 'until other content')
}

/** The entries of a client that may be valid: that of the pending transaction, and the committed one. */
export function entriesOf({ table, pending }: AuditedIndex, key: ClientKey): IndexEntry[] {
  return [pending.get(key), table.get(key)].filter((entry) => entry !== undefined)
}
