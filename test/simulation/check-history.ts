import { type CheckpointDocument, parseDocument } from '../../connector/checkpoint/checkpoint-document.ts'
import type { ClientRecord } from '../../connector/source/client-source.ts'
import type { FakeRecord } from '../support/fake-event-publisher.ts'
import type { History } from './history.ts'
import { eventSource } from './simulated-parts.ts'
import { CONNECTOR, type SimulatedStream, type StoredDocument } from './simulated-stream.ts'

interface PublishedEvent {
  readonly id: string
  readonly source: string
  readonly subject: string
  readonly sequence: string
  readonly data: { readonly Contenu: string }
}

/** What a check looks at. */
interface Outcome {
  readonly history: History
  readonly stream: SimulatedStream
  /** The records of this stream, and where each stands among all. */
  readonly records: readonly (FakeRecord & { readonly at: number; readonly event: PublishedEvent })[]
  readonly documents: readonly (StoredDocument & { readonly document: CheckpointDocument })[]
}

/** Invariant by invariant, what is wrong with a history, in words; empty when all hold. Invariant 6 shows on the way: `fair-end.ts`. */
export function faultsOf(history: History): string[] {
  const isExactlyOnce = history.options.delivery === 'exactly-once'
  const checks = isExactlyOnce ? [...always, ...exactlyOnce] : always
  const faults = history.streams.flatMap((stream) => {
    const outcome = outcomeOf(history, stream)
    return checks.flatMap((check) => check(outcome).map((fault) => `${stream.name}: ${fault}`))
  })
  const afflicted = history.options.affliction === 'none' ? '' : history.streams[0]?.name
  const open = history.openTransactions
    .filter((name) => name !== `${CONNECTOR}.${afflicted}`)
    .map((name) => `${name}: a transaction was left open`)
  return [...history.found, ...faults, ...open]
}

type Check = (outcome: Outcome) => string[]
const always: Check[] = [lost, doneTooEarly, wroteAlthoughTakenOver, otherArguments, otherIds, strangers]
const exactlyOnce: Check[] = [doubledOrDisordered, publishedAlthoughFenced, wrongSequence]

function outcomeOf(history: History, stream: SimulatedStream): Outcome {
  const records = history.records
    .map((record, at) => ({ ...record, at, event: JSON.parse(record.value) as PublishedEvent }))
    .filter((record) => record.stream === stream.name)
  const documents = stream.documents.flatMap((stored) => {
    return stored.text === '{' ? [] : [{ ...stored, document: parseDocument(stored.text) }]
  })
  return { history, stream, records, documents }
}

/** Invariant 1: whenever the checkpoint passes a page, each of its clients is in the topic as the page had it. */
function doneTooEarly({ stream, records, documents }: Outcome): string[] {
  const pages = Map.groupBy(stream.reads, ({ at, page }) => `${at.lastChanged} ${page?.checkPoint}`)
  return documents.flatMap(({ document, recordsBefore }) => {
    const { lastChanged, checkPoint } = document.committed.state.resume
    const there = records.filter(({ at }) => at < recordsBefore)
    const isThere = ({ No, Contenu }: ClientRecord) =>
      there.some(({ event }) => event.subject === No && event.data.Contenu === Contenu)
    // Read twice, a page may have had other clients meanwhile.
    const readings = checkPoint === null ? [] : (pages.get(`${lastChanged} ${checkPoint}`) ?? [])
    if (readings.length === 0 || readings.some(({ page }) => page?.clients.every(isThere))) return []
    return [`a page is done, up to ${checkPoint}, although its clients are not in the topic`]
  })
}

/** Invariant 1: every client was told as it was last, before everybody was told to stop; at least once, something older may stand after it. */
function lost({ stream, records, history }: Outcome): string[] {
  if (history.options.affliction !== 'none' && stream === history.streams[0]) return []
  const isExactlyOnce = history.options.delivery === 'exactly-once'
  const clients = new Set(stream.polaris.changes.map(({ clientId }) => clientId))
  return [...clients].flatMap((clientId) => {
    const due = stream.polaris.changes.slice(0, stream.changesDue).findLast((change) => change.clientId === clientId)
    const later = stream.polaris.changes.slice(stream.changesDue).filter((change) => change.clientId === clientId)
    const enough = [due, ...later].map((change) => change?.content)
    const told = records.filter(({ event }) => event.subject === clientId).map(({ event }) => event.data.Contenu)
    const isTold = (isExactlyOnce ? told.slice(-1) : told).some((content) => enough.includes(content))
    return isTold ? [] : [`${clientId}: the last change ${due?.content} is lost`]
  })
}

/** Invariants 2 and 3: the events of a client are some of its changes, in their order, none twice. */
function doubledOrDisordered({ stream, records }: Outcome): string[] {
  const faults: string[] = []
  const positions = new Map<string, number>()
  for (const { event } of records) {
    const { subject, data } = event
    const from = (positions.get(subject) ?? -1) + 1
    const own = stream.polaris.changes.filter(({ clientId }) => clientId === subject)
    const at = own.findIndex(({ content }, index) => index >= from && content === data.Contenu)
    if (at < 0) faults.push(`${subject}: ${data.Contenu} is doubled or out of order`)
    else positions.set(subject, at)
  }
  return faults
}

/** Invariant 2: events are numbered without a gap. */
function wrongSequence({ records }: Outcome): string[] {
  const wrong = records.findIndex(({ event }, index) => Number(event.sequence) !== index)
  return wrong < 0 ? [] : [`event ${wrong} has the sequence ${records[wrong]?.event.sequence}`]
}

/** Invariant 4: once a stream was opened anew, nothing of an older session becomes visible. */
function publishedAlthoughFenced({ records }: Outcome): string[] {
  return records.flatMap(({ epochs, replica, event }) =>
    epochs !== undefined && epochs.own !== epochs.newest
      ? [`${replica} published ${event.subject} although it was fenced`]
      : [],
  )
}

/** Invariant 4: only who claimed the newest epoch writes, and neither the epoch nor the committed state ever goes back. */
function wroteAlthoughTakenOver({ documents }: Outcome): string[] {
  return documents.flatMap(({ document }, index) => {
    const { claim, committed, nonce } = document
    const before = documents[index - 1]?.document
    const faults = nonce.startsWith(`${claim.owner}/`)
      ? []
      : [`checkpoint ${index} of ${claim.owner} was written by ${nonce}`]
    if (before === undefined) return faults
    const isBack = committed.epoch < before.committed.epoch || committed.seq < before.committed.seq
    const isTaken =
      claim.epoch < before.claim.epoch || (claim.epoch === before.claim.epoch && claim.owner !== before.claim.owner)
    if (isBack) faults.push(`checkpoint ${index} goes back`)
    if (isTaken) faults.push(`checkpoint ${index} was written by ${claim.owner}, who was taken over`)
    return faults
  })
}

/** Invariant 5: a `checkPoint` is sent with the arguments of the answer that brought it. */
function otherArguments({ stream }: Outcome): string[] {
  const argumentsOf = ({ at }: SimulatedStream['reads'][number]) => `${at.lastChanged} ${at.limit} ${at.output}`
  const given = new Set<string>()
  return stream.reads.flatMap((read) => {
    const { checkPoint } = read.at
    const isWrong = checkPoint !== null && !given.has(`${argumentsOf(read)} ${checkPoint}`)
    if (read.page?.checkPoint !== undefined) given.add(`${argumentsOf(read)} ${read.page.checkPoint}`)
    return isWrong ? [`${read.replica} sent ${checkPoint} with ${argumentsOf(read)}, which did not come with it`] : []
  })
}

/** Invariant 7: the same change has one id, also where it was not committed; without a modification time, one for each resume point that brought it. */
function otherIds({ stream, history }: Outcome): string[] {
  const ids = new Map<string, Set<string>>()
  for (const { value } of stream.sent) {
    const { id, subject, data } = JSON.parse(value) as PublishedEvent
    const change = JSON.stringify([subject, data])
    ids.set(change, (ids.get(change) ?? new Set()).add(id))
  }
  return [...ids].flatMap(([change, all]) => {
    const allowed = history.options.modificationTime === 'shown' ? 1 : resumePointsOf(stream, change)
    return all.size > allowed ? [`${change} has the ids ${[...all]}`] : []
  })
}

/** With how many different arguments the source gave a change. */
function resumePointsOf({ reads }: SimulatedStream, change: string): number {
  const [subject, { Contenu }] = JSON.parse(change) as [string, PublishedEvent['data']]
  const brought = reads.filter(({ page }) =>
    page?.clients.some((client) => client.No === subject && client.Contenu === Contenu),
  )
  return new Set(brought.map(({ at }) => JSON.stringify(at))).size
}

/** What one stream publishes is its own. */
function strangers({ stream, records }: Outcome): string[] {
  return records.flatMap(({ event }) =>
    event.source === eventSource(stream.name) && event.data.Contenu.startsWith(`${stream.name} `)
      ? []
      : [`it published ${event.data.Contenu} of ${event.source}`],
  )
}
