import type { ValidState } from '../../../connector/checkpoint/valid-state.ts'
import type { FoundRecord } from '../../../connector/publish/event-publisher.ts'
import type { Bounds } from './bounds.ts'
import type { Protocol } from './protocol.ts'
import { waitingRewind } from './wishes.ts'
import type { Document, Rewind, State, Wishes } from './world.ts'

/** The transitions of the document. All are pure. */

interface Stamp {
  readonly nonce: string
  readonly at: number
}

export const has = (pages: number, page: number): boolean => ((pages >> page) & 1) === 1

/** Pages up to `next` (exclusive) that must be published: with events, of unknown content. */
export function unknownPages({ next: from, known }: State, next: number, { pages }: Pick<Bounds, 'pages'>): number {
  let unknown = 0
  for (let page = from; page < next; page += 1) if (pages[page] === 'events' && !has(known, page)) unknown |= 1 << page
  return unknown
}

/** The state after all pages up to `next` (exclusive). */
export function stateAfter(state: State, next: number, bounds: Pick<Bounds, 'pages'>): State {
  const published = unknownPages(state, next, bounds)
  return { ...state, next, known: state.known | published, nextEvent: state.nextEvent + count(published) }
}

export const count = (pages: number): number => pages.toString(2).replaceAll('0', '').length

export function documentOfPrepare(document: Document, state: State, { nonce, at }: Stamp): Document {
  const { epoch, committed } = document
  return {
    ...document,
    nonce,
    pending: { epoch, seq: committed.seq + 1, nonce, nextEvent: state.nextEvent, at, state },
  }
}

export function documentAfterCommit(document: Document): Document {
  const { pending } = document
  return pending === null ? document : { ...document, committed: { ...pending, expectsRecord: true }, pending: null }
}

/** The valid state as the committed one. */
function committedPartOf(document: Document, valid: ValidState): Document['committed'] {
  if (valid.kind === 'pending') return documentAfterCommit(document).committed
  return { ...document.committed, expectsRecord: valid.kind === 'committed' && valid.recordFound }
}

export interface Opening extends Stamp {
  readonly document: Document | undefined
  readonly wishes: Wishes | undefined
  readonly foundRecord: FoundRecord
  readonly valid: ValidState
  readonly topic: number
  /** The epoch of a stream whose document is lost: the seconds since 1970. */
  readonly seconds: number
  readonly protocol: Protocol
}

/** The document that an opening writes; undefined: the stream is held. */
export function documentOfClaim(opening: Opening): { document: Document; repeats?: number } | undefined {
  const { document, wishes, valid } = opening
  const rewind = waitingRewind(document, wishes)
  if (valid.kind === 'hold')
    return rewind && cures(opening, rewind) ? documentOfCure(opening, rewind, valid.code) : undefined
  const { nonce, at } = opening
  const epoch = (document?.epoch ?? 0) + 1
  const first: State = { next: 0, known: 0, nextEvent: 0, generation: epoch, rewinds: [] }
  const committed =
    document === undefined
      ? { epoch, seq: 0, nonce, nextEvent: 0, at, expectsRecord: false, state: first }
      : committedPartOf(document, valid)
  const claimed = claimedDocument(opening, epoch, committed)
  return { document: rewind === undefined ? claimed : documentAfterRewind(claimed, rewind, opening.protocol) }
}

const claimedDocument = (
  { document, nonce, topic }: Opening,
  epoch: number,
  committed: Document['committed'],
): Document => ({
  nonce,
  topic,
  epoch,
  hasOwner: true,
  committed,
  pending: null,
  appliedRewind: document?.appliedRewind,
})

/** A `yes` holds for one document. */
function cures({ document, protocol, valid }: Opening, { yes, republish }: Rewind): boolean {
  const isUndecided = valid.kind === 'hold' && valid.code === 'checkpoint.undecided'
  const isFor = protocol.yes === 'for any document' || yes === (document?.nonce ?? null)
  return yes !== undefined && isFor && (isUndecided || republish)
}

function documentOfCure(opening: Opening, rewind: Rewind, code: string): { document: Document; repeats: number } {
  const { document, nonce, at, foundRecord, protocol, seconds } = opening
  const record = foundRecord.kind === 'record' ? foundRecord.record : undefined
  if (code === 'checkpoint.undecided' && document?.pending) {
    const { committed, pending } = document
    const state = { ...committed.state, nextEvent: pending.nextEvent }
    const claimedAgain = {
      ...document,
      nonce,
      epoch: document.epoch + 1,
      hasOwner: true,
      pending: null,
      committed: { ...committed, expectsRecord: false, state },
    }
    const repeats = pending.state.known & ~committed.state.known
    return { document: documentAfterRewind(claimedAgain, rewind, protocol), repeats }
  }
  const epoch = document === undefined ? seconds : Math.max(document.epoch, record?.epoch ?? 0) + 1
  const nextEvent =
    document === undefined
      ? epoch * 1_000
      : Math.max(document?.committed.state.nextEvent ?? 0, document?.pending?.nextEvent ?? 0, record?.nextEvent ?? 0)
  const rewinds = document?.committed.state.rewinds ?? []
  const state: State = { next: 0, known: 0, nextEvent, generation: epoch, rewinds }
  const committed = { epoch, seq: 0, nonce, nextEvent, at, expectsRecord: false, state }
  return { document: documentAfterRewind(claimedDocument(opening, epoch, committed), rewind, protocol), repeats: 0 }
}

/** Sets back what is read next. A rewind never skips. */
function documentAfterRewind(document: Document, { id, to, republish }: Rewind, protocol: Protocol): Document {
  const { state } = document.committed
  const next = protocol.rewind === 'never skips' ? Math.min(state.next, to) : to
  const index = republish ? { known: 0, generation: document.epoch } : {}
  const committed = { ...document.committed, state: { ...state, next, rewinds: [...state.rewinds, id], ...index } }
  return {
    ...document,
    committed,
    appliedRewind: protocol.rewound === 'stored by the claim' ? id : document.appliedRewind,
  }
}
