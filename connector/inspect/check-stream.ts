import { type CheckpointDocument, parseDocument } from '../checkpoint/checkpoint-document.ts'
import { mismatch } from '../checkpoint/mismatch.ts'
import type { StreamState } from '../checkpoint/stream-state.ts'
import { committedByRecord } from '../checkpoint/transitions.ts'
import { noStreamRequests } from '../control/stream-requests.ts'
import { indexRulesWithLists } from '../event/configured-events.ts'
import { clientTable } from '../index/client-table.ts'
import { withRules } from '../index/index-state.ts'
import type { PageGroupParts } from '../pipeline/group/building.ts'
import { pageGroupBuilder } from '../pipeline/group/page-group.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import type { ErrorCode } from '../runtime/error-catalogue.ts'
import type { ClientSource } from '../source/client-source.ts'
import {
  mustBelong,
  mustNotHaveMoved,
  type OpenParts,
  openingOf,
  type StoredDocument,
} from '../stream/open/open-parts.ts'
import { firstState } from '../stream/open/open-stream.ts'
import { resolvedBy } from '../stream/open/resolve-stream.ts'
import { type InspectionReader, inspectedPages } from './inspected-pages.ts'

export interface CheckParts {
  readonly open: OpenParts
  readonly reader: InspectionReader
  readonly group: Omit<PageGroupParts, 'requests'>
  /** Opens a separate source for this check; it does not share the HTTP session or the events of the stream. */
  readonly openSource: () => ClientSource & { close(): Promise<void> }
}

/**
 * Resolves if a stream held with `code` can be opened; for `source.*` and `event.*` codes and bugs also if its next page
 * can be processed, for `checkpoint.index-*` if its client index can be loaded. Reads only: fences, claims, creates and
 * publishes nothing. Rejects with the remaining cause, or with the reason of `stop`.
 */
export async function checkStream(parts: CheckParts, code: ErrorCode, stop: AbortSignal): Promise<void> {
  const { open } = parts
  using _permit = await open.openLimit.acquire(stop)
  await open.storeReady(stop)
  const stored = await open.object.read(stop)
  const document = stored === undefined ? undefined : parseDocument(stored.text)
  if (isAboutPages(code)) await checkNextPage(parts, document, stop)
  if (isAboutIndex(code)) await checkIndex(open, document, stop)
  await checkKafka(open, { stored, document }, stop)
}

/** Resolves if the stream can be opened, with its client index. Reads only. Rejects as `checkStream` does. */
export async function checkOpening(open: OpenParts, stop: AbortSignal): Promise<void> {
  await open.storeReady(stop)
  const stored = await open.object.read(stop)
  const document = stored === undefined ? undefined : parseDocument(stored.text)
  await checkIndex(open, document, stop)
  await checkKafka(open, { stored, document }, stop)
}

async function checkIndex(
  { index }: OpenParts,
  document: CheckpointDocument | undefined,
  stop: AbortSignal,
): Promise<void> {
  if (document === undefined) return
  index.mustFit(await index.load({ ...document, index: document.committed.state.index }, stop))
}

const isAboutIndex = (code: ErrorCode) => /^checkpoint\.index-/.test(code)
const isAboutPages = (code: ErrorCode) => code === 'bug' || /^(?:source|event)\./.test(code)

/** Assumes that `pending` was committed, which is likely; the state is used only to read the next page. */
async function checkNextPage(
  { open, reader, group, openSource }: CheckParts,
  document: CheckpointDocument | undefined,
  stop: AbortSignal,
): Promise<void> {
  const committed = document && committedByRecord(document)
  const state = committed?.state ?? firstState(open)
  const table =
    document === undefined ? clientTable() : await open.index.load({ ...document, index: state.index }, stop)
  const source = openSource()
  try {
    const builder = pageGroupBuilder(
      { ...group, requests: noStreamRequests, observe: () => {} },
      { state: withPresentRules(state, open), table },
    )
    const from = { states: state.scans, mapping: state.mapping, processed: builder, maxPages: CHECKED_PAGES }
    for await (const page of inspectedPages({ ...reader, source }, from, stop)) builder.add(page)
  } finally {
    await source.close()
  }
}

/** A live scan without changes has one page; then a background scan follows. */
const CHECKED_PAGES = 3

const withPresentRules = (state: StreamState, { indexRules }: OpenParts): StreamState => ({
  ...state,
  index: withRules(state.index, indexRulesWithLists(indexRules, state.mapping?.lists ?? []), state.events),
})

async function checkKafka(open: OpenParts, read: StoredDocument, stop: AbortSignal): Promise<void> {
  const { document } = read
  mustBelong(open, document)
  const found = await open.publisher.inspect(openingOf(document), stop)
  const { destination } = found
  const mismatched = document && destination && mismatch(document, { ...open.identity, destination })
  // Ignore an open transaction: a replica may be running the stream.
  const isOpen = found.found.kind === 'unstable'
  const resolution = isOpen ? undefined : resolvedBy(open, document, found)
  const held = mismatched ?? (resolution?.kind === 'hold' ? resolution : undefined)
  if (held !== undefined) {
    await mustNotHaveMoved(open, read.stored, stop)
    throw new ConnectorError(held.code, `check stream: ${held.why}`)
  }
  if (resolution?.kind === 'new') firstState(open)
}
