import { parseDocument } from '../../connector/checkpoint/checkpoint-document.ts'
import { codeOf } from '../../connector/runtime/connector-error.ts'
import type { FakeChange } from '../support/fake-client-source.ts'
import type { History } from './history.ts'

interface PublishedEvent {
  readonly id: string
  readonly subject: string
  readonly sequence: string
  readonly data: { readonly Contenu: string }
}

/** What is wrong with a history, in words; empty when every invariant holds. */
export function faultsOf(history: History, delivery: 'exactly-once' | 'at-least-once'): string[] {
  const events = history.kafka.committed.map(({ value }) => JSON.parse(value) as PublishedEvent)
  return [
    ...history.stops.map(
      (end) => `a stream stopped: ${end.kind === 'failed' ? `${codeOf(end.error)} ${end.error}` : end.kind}`,
    ),
    ...(delivery === 'exactly-once'
      ? [
          ...lost(history.polaris.changes, events),
          ...doubledOrDisordered(history.polaris.changes, events),
          ...wrongSequence(events),
        ]
      : [...missing(history.polaris.changes, events), ...otherIds(events)]),
    ...wentBack(history.checkpoints),
    ...(history.kafka.openTransactions().length > 0 ? ['a transaction was left open'] : []),
  ]
}

/** Invariant 1: at the end the newest event of each client is its last change. */
function lost(changes: readonly FakeChange[], events: readonly PublishedEvent[]): string[] {
  return [...lastContents(changes)].flatMap(([clientId, content]) => {
    const newest = events.findLast(({ subject }) => subject === clientId)?.data.Contenu
    return newest === content ? [] : [`${clientId}: the last change ${content} is lost, newest event ${newest}`]
  })
}

/** Invariant 1, at least once: the last change is there; an older one that came late may stand after it. */
function missing(changes: readonly FakeChange[], events: readonly PublishedEvent[]): string[] {
  return [...lastContents(changes)].flatMap(([clientId, content]) => {
    const isThere = events.some(({ subject, data }) => subject === clientId && data.Contenu === content)
    return isThere ? [] : [`${clientId}: the last change ${content} is lost`]
  })
}

function lastContents(changes: readonly FakeChange[]): Map<string, string> {
  return new Map(changes.map(({ clientId, content }) => [clientId, content]))
}

/** Invariants 2 and 3: the events of a client are some of its changes, in their order, none twice. */
function doubledOrDisordered(changes: readonly FakeChange[], events: readonly PublishedEvent[]): string[] {
  const faults: string[] = []
  const positions = new Map<string, number>()
  for (const { subject, data } of events) {
    const from = (positions.get(subject) ?? -1) + 1
    const own = changes.filter(({ clientId }) => clientId === subject)
    const at = own.findIndex(({ content }, index) => index >= from && content === data.Contenu)
    if (at < 0) faults.push(`${subject}: ${data.Contenu} is doubled or out of order`)
    else positions.set(subject, at)
  }
  return faults
}

function wrongSequence(events: readonly PublishedEvent[]): string[] {
  const wrong = events.findIndex(({ sequence }, index) => Number(sequence) !== index)
  return wrong < 0 ? [] : [`event ${wrong} has the sequence ${events[wrong]?.sequence}`]
}

/** Invariant 7: what at-least-once doubles has the same id; with the modification time mapped, always. */
function otherIds(events: readonly PublishedEvent[]): string[] {
  const ids = new Map<string, string>()
  return events.flatMap(({ id, subject, data }) => {
    const change = JSON.stringify([subject, data])
    const before = ids.get(change) ?? id
    ids.set(change, before)
    return before === id ? [] : [`${subject}: the same change has the ids ${before} and ${id}`]
  })
}

/** Invariant 4: neither the claim's epoch nor the committed state ever goes back. */
function wentBack(checkpoints: readonly string[]): string[] {
  const documents = checkpoints.map(parseDocument)
  return documents.flatMap((document, index) => {
    const before = documents[index - 1]
    if (before === undefined) return []
    const epochBack = document.claim.epoch < before.claim.epoch
    const seqBack = document.committed.epoch < before.committed.epoch || document.committed.seq < before.committed.seq
    return epochBack || seqBack ? [`checkpoint ${index} goes back`] : []
  })
}
