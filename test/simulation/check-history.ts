import { eventSource } from '../../connector/event/client-event.ts'
import { documentTooLarge, otherIndex } from './check-index.ts'
import { olderContents } from './check-order.ts'
import { savedTooEarly } from './check-pages.ts'
import {
  countedAsFull,
  markedUnasked,
  notRepublished,
  publishedWhilePaused,
  rewoundTwice,
  unmarkedAgain,
  wronglyNamed,
} from './check-rewinds.ts'
import { type Check, type Evidence, evidenceOf, isAskedFor } from './evidence.ts'
import type { History } from './history.ts'
import { isTombstoneOf } from './simulated-erase.ts'
import { LONGEST_REACH_MS } from './simulated-parts.ts'
import { wasDeletedSince } from './simulated-polaris.ts'
import { CONNECTOR, curedAt, type SimulatedStream } from './simulated-stream.ts'

/** The violated invariants of a history, as text. Invariant 6 is checked while it runs, in `recovery-check.ts`. */
export function violationsOf(history: History): string[] {
  const violations = history.streams.flatMap((stream) => {
    const evidence = evidenceOf(history, stream)
    return violated(evidence).map((violation) => `${stream.name}: ${violation}`)
  })
  const faultyStream = history.options.permanentFault === 'none' ? '' : history.streams[0]?.name
  const open = history.openTransactions
    .filter((name) => name !== `${CONNECTOR}.${faultyStream}`)
    .map((name) => `${name}: a transaction is still open`)
  return [...history.violations, ...violations, ...open]
}

/** A rewind that cures a hold publishes clients again, under other ids, and forgets what was in progress. */
function violated(evidence: Evidence): string[] {
  const cured = curedAt(evidence.stream)
  if (cured === undefined)
    return [
      ...always,
      notRepublished,
      savedTooEarly,
      otherIds,
      duplicatedOrDisordered,
      wrongSequence,
      otherIndex,
      otherShapes,
      wronglyMarked,
      unmarkedAgain,
      markedUnasked,
      countedAsFull,
      olderContents,
    ].flatMap((check) => check(evidence))
  const isBefore = ({ at }: { readonly at: number }) => at < cured
  const records = evidence.records.filter(isBefore)
  const numbered = evidence.numbered.filter(isBefore)
  const before = { ...evidence, records, numbered }
  return [...always.flatMap((check) => check(evidence)), ...duplicatedOrDisordered(before)]
}

const always: Check[] = [
  lost,
  staleWriter,
  otherArguments,
  otherStreams,
  documentTooLarge,
  publishedWhenFenced,
  decreasingSequence,
  rewoundTwice,
  wronglyNamed,
  publishedWhilePaused,
  otherErasures,
]

/** Invariant 1: the last event of every client has its content from before the replicas were stopped, or a newer one. */
function lost({ stream, records, history }: Evidence): string[] {
  if (history.options.permanentFault !== 'none' && stream === history.streams[0]) return []
  const clients = new Set(stream.polaris.changes.map(({ clientId }) => clientId))
  return [...clients].flatMap((clientId) => {
    const own = stream.polaris.changes.filter((change) => change.clientId === clientId)
    const required = new Set(stream.polaris.changes.slice(0, stream.requiredChanges))
    const due = own.findLast((change) => required.has(change))
    // A change that becomes visible later than the longest look-back is found by chance.
    if (due === undefined || due.lateMs > LONGEST_REACH_MS || wasDeletedSince(stream.polaris, due)) return []
    const later = own.slice(own.indexOf(due) + 1)
    const accepted = [due, ...later].map((change) => change.content)
    const published = records.findLast(({ event }) => event.subject === clientId)?.event.data.Contenu
    return published !== undefined && accepted.includes(published)
      ? []
      : [`${clientId}: the last change ${due.content} is lost`]
  })
}

/**
 * Invariants 2 and 3: the events of a client are a subsequence of its changes, without duplicates. The client's last change
 * may come once more if the stream begins again, after a rewind that asks for it, or if present settings and lists publish it otherwise.
 */
function duplicatedOrDisordered(evidence: Evidence): string[] {
  const { stream, records, generations } = evidence
  const violations: string[] = []
  const last = new Map<string, { readonly change: number; readonly at: number; readonly text: string }>()
  for (const { event, at } of records) {
    const { subject, data, text } = event
    const before = last.get(subject) ?? { change: -1, at: -1, text }
    const isAgain =
      generations.some((begunAt) => before.at < begunAt && begunAt <= at) ||
      isAskedFor(evidence, subject, { since: before.at, until: at })
    const from = before.change + (isAgain || before.text !== text ? 0 : 1)
    const own = stream.polaris.changes.filter(({ clientId }) => clientId === subject)
    const change = own.findIndex(({ content }, index) => index >= from && content === data.Contenu)
    if (change < 0) violations.push(`${subject}: ${data.Contenu} is duplicated or out of order`)
    else last.set(subject, { change, at, text })
  }
  return violations
}

/** A field that was a list in one event is one in all later events, through take-overs and rewritten checkpoints. */
function otherShapes({ records }: Evidence): string[] {
  const ordered = records.toSorted((left, right) => (left.event.sequence < right.event.sequence ? -1 : 1))
  const hasList = ({ event }: (typeof ordered)[number]) => Array.isArray(Object(event.data.Cartes).Carte)
  const first = ordered.findIndex(hasList)
  const wrong = ordered.slice(first < 0 ? ordered.length : first).filter((record) => !hasList(record))
  return wrong.map(({ event }) => `${event.subject}: event ${Number(event.sequence)} has no list`)
}

/**
 * Invariant 2: events are numbered without gaps. After a lost marker, one partition may show a transaction later than
 * another, once the marker is repaired. A stream with a permanent fault may never get that far.
 */
function wrongSequence({ numbered, stream, history }: Evidence): string[] {
  const numbers = numbered.map(({ number }) => number).toSorted((left, right) => left - right)
  const hasPermanentFault = history.options.permanentFault !== 'none' && stream === history.streams[0]
  const expected = hasPermanentFault ? [...new Set(numbers)] : numbers.map((_, index) => index)
  const wrong = numbers.findIndex((number, index) => number !== expected[index])
  return wrong < 0 ? [] : [`event ${wrong} has sequence ${numbers[wrong]}`]
}

/**
 * Invariants 2 and 3: `sequence` increases within a partition. Only a stream that begins a second time without a document
 * and a record, after the clock was set back, numbers its events from before.
 */
function decreasingSequence({ numbered, stream, documents }: Evidence): string[] {
  const isSetBack = documents.some(({ document, replacesDamaged }, index) => {
    const before = documents[index - 1]?.document.claim.epoch ?? 0
    return replacesDamaged && document.claim.epoch < before
  })
  if (stream.hasLostRecord && isSetBack) return []
  const last = new Map<number, number>()
  return numbered.flatMap(({ number, partition }) => {
    const before = last.get(partition) ?? -1
    last.set(partition, number)
    return number > before ? [] : [`event ${number} follows event ${before} in its partition`]
  })
}

/**
 * An erasure whose command ended with 0 has a tombstone in each partition that has an event of the client, after everything
 * that was sent before, and in no more partitions than it needs. Any other may have some. Nothing else makes a tombstone.
 */
function otherErasures({ stream, history, records, tombstones }: Evidence): string[] {
  const erasures = history.erasures.filter((one) => one.stream === stream.name)
  const strange = tombstones.filter((record) => !erasures.some((one) => isTombstoneOf(one, record)))
  const missing = erasures
    .filter(({ isErased }) => isErased)
    .flatMap((erasure) => {
      const { client, partitions } = erasure
      const own = tombstones.filter((record) => isTombstoneOf(erasure, record))
      const erasedIn = new Set(own.map(({ partition }) => partition))
      const isBehind = (record: Evidence['records'][number]) =>
        record.key === client && own.some(({ at, transaction }) => record.at > at && record.transaction < transaction)
      return [
        ...(erasedIn.size === partitions
          ? []
          : [`${client} is erased in ${erasedIn.size} of ${partitions} partitions`]),
        ...records
          .filter((record) => record.key === client && own.every(({ at }) => at > record.at))
          .filter(({ partition }) => !erasedIn.has(partition))
          .map(({ partition }) => `${client} is not erased in partition ${partition}`),
        ...records.filter(isBehind).map(({ event }) => `${client} ${event.data.Contenu} appears after its erasure`),
      ]
    })
  return [...missing, ...strange.map(({ key }) => `${key} has a tombstone that nobody requested`)]
}

/** Invariant 4: once a stream was opened again, no record of an older producer becomes visible. */
function publishedWhenFenced({ numbered, tombstones }: Evidence): string[] {
  return [...numbered, ...tombstones].flatMap(({ epochs, replica, key }) =>
    epochs !== undefined && epochs.own !== epochs.newest ? [`${replica} published ${key} after it was fenced`] : [],
  )
}

/** Invariant 4: only the owner of the newest claim writes; neither the claim nor the committed state goes back. */
function staleWriter({ documents }: Evidence): string[] {
  return documents.flatMap(({ document, replacesDamaged }, index) => {
    const { claim, committed, nonce } = document
    const before = documents[index - 1]?.document
    const violations: string[] = []
    // An owner that leaves the stream writes that it has none.
    const owner = claim.owner ?? before?.claim.owner
    const isRestored = before?.nonce === nonce
    if (!isRestored && !nonce.startsWith(`${owner}/`))
      violations.push(`checkpoint ${index} of ${owner} was written by ${nonce}`)
    // A new beginning without a document goes by a clock, which may be wrong; event numbers never go back.
    if (before === undefined || replacesDamaged) return violations
    const isBack =
      committed.epoch < before.committed.epoch ||
      (committed.epoch === before.committed.epoch && committed.seq < before.committed.seq)
    const isOther = claim.owner !== null && claim.owner !== before.claim.owner
    if (isBack) violations.push(`the committed state of checkpoint ${index} goes back`)
    if (claim.epoch < before.claim.epoch || (claim.epoch === before.claim.epoch && isOther))
      violations.push(`checkpoint ${index} was written by ${owner} after another replica claimed it`)
    return violations
  })
}

/** Invariant 5: a `checkPoint` is sent with the arguments of the request that returned it. */
function otherArguments({ stream }: Evidence): string[] {
  const argumentsOf = ({ at }: SimulatedStream['reads'][number]) => `${at.lastChanged} ${at.limit} ${at.output}`
  const given = new Set<string>()
  return stream.reads.flatMap((read) => {
    const { checkPoint } = read.at
    const isWrong = checkPoint !== null && !given.has(`${argumentsOf(read)} ${checkPoint}`)
    if (read.page?.checkPoint !== undefined) given.add(`${argumentsOf(read)} ${read.page.checkPoint}`)
    return isWrong ? [`${read.replica} sent ${checkPoint} with other arguments: ${argumentsOf(read)}`] : []
  })
}

/**
 * Invariant 7: however often a change is sent after the same event of its client, also in transactions that are aborted,
 * its event id is the same in one index, as long as settings and lists publish it as before.
 */
function otherIds({ stream, sent, generations }: Evidence): string[] {
  const changes = new Map<string, { readonly content: string; readonly ids: Set<string> }>()
  for (const { event, after } of sent) {
    const content = `${event.subject} ${event.data.Contenu}`
    const key = `${event.subject} ${event.text} after ${after}`
    const change = changes.get(key) ?? { content, ids: new Set() }
    changes.set(key, change)
    change.ids.add(event.id)
  }
  const changesTo = (text: string) =>
    stream.polaris.changes.filter(({ clientId, content }) => `${clientId} ${content}` === text).length
  return [...changes.values()].flatMap(({ content, ids }) =>
    ids.size > changesTo(content) * (generations.length + 1) ? [`${content} has several ids: ${[...ids]}`] : [],
  )
}

/**
 * An event has the mark of a complete history exactly if the stream had read its history before it made the event, and
 * only before is it one of the snapshot.
 */
function wronglyMarked({ records, documents }: Evidence): string[] {
  const groups = documents.flatMap(({ document: { committed, pending } }) =>
    pending === null ? [] : [{ before: committed.state, after: pending.change }],
  )
  return records.flatMap(({ event }) => {
    const number = Number(event.sequence)
    const isMarked = event.historycomplete !== undefined
    if (isMarked && event.snapshot !== undefined) return [`event ${number} is of the snapshot after its end`]
    // The group that ends the history may have events of either kind.
    const isRight = groups
      .filter(({ before, after }) => before.nextEvent <= number && number < after.nextEvent)
      .some(({ before, after }) => ((isMarked ? after : before).scans.history.state === 'first') !== isMarked)
    return isRight
      ? []
      : [`event ${number} is ${isMarked ? 'marked before' : 'not marked after'} the end of the history`]
  })
}

/** A stream publishes only events of its own clients. */
function otherStreams({ stream, records }: Evidence): string[] {
  return records.flatMap(({ event }) =>
    event.source === eventSource(CONNECTOR, stream.name) && event.data.Contenu.startsWith(`${stream.name} `)
      ? []
      : [`published ${event.data.Contenu} of ${event.source}`],
  )
}
