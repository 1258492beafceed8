import { describe, expect, test } from 'vitest'
import { BASE, type Bounds, SMALL } from './bounds.ts'
import { checkDelivery, reportOf } from './delivery-model.ts'
import { FALSE_HOLD } from './opening.ts'
import { type Defect, defects, designed } from './protocol.ts'

// One decision of the protocol is made wrongly, and the model must find an interleaving that violates a guarantee.

const twice = /readers see page \d twice/
const skipped = 'readers see page 1 before page 0'
const unpaused = 'events are published while the stream is reported as paused'
const forReaders: Bounds = { ...BASE, falseHolds: 'are ignored' }
const withLostMarkers: Bounds = { ...SMALL, pages: ['events', 'events'], lostMarkers: 1 }
const withPause: Bounds = { ...SMALL, replicas: 2, commands: [{ kind: 'pause' }] }
const withErasure: Bounds = { ...withLostMarkers, commands: [{ kind: 'erase' }] }
const rewind = { kind: 'rewind', to: 0, republish: false, yes: false } as const

/** The bounds within which each defect is found, and the violation. */
const cases: Record<Defect, [Bounds, string | RegExp]> = {
  'no fencing': [forReaders, twice],
  'no conditional PUT': [BASE, FALSE_HOLD],
  'a claim against any version': [BASE, FALSE_HOLD],
  'the document read after the fence': [BASE, FALSE_HOLD],
  'the commit record read before the fence': [forReaders, twice],
  'no start-over when the document has changed': [BASE, FALSE_HOLD],
  'events sent before their prepare is stored': [withLostMarkers, twice],
  'no prepare': [BASE, FALSE_HOLD],
  'a page kept over an opening': [{ ...forReaders, puts: 1 }, twice],
  'committed chosen although the record is that of pending': [forReaders, twice],
  'committed chosen whenever there is no record': [{ ...SMALL, halfDays: 3 }, twice],
  'an old pending taken as young': [{ ...SMALL, halfDays: 3 }, twice],
  'records compared without their nonce': [{ ...BASE, replicas: 1, group: 2, documentFaults: 2 }, twice],
  'an unstable record ignored': [withLostMarkers, twice],
  'a repair without reading the document again': [{ ...withLostMarkers, replicas: 2 }, twice],
  'a hanging transaction left to the next marker': [withLostMarkers, twice],
  'a hanging transaction always aborted': [withLostMarkers, skipped],
  'a commit that counts before its markers are confirmed': [withLostMarkers, skipped],
  'a topic compared by name': [
    { ...SMALL, pages: ['events', 'events'], deletions: 1 },
    'events are published after lost ones',
  ],
  'a pause not seen': [withPause, unpaused],
  'a pause reported without waiting for the owner': [withPause, unpaused],
  'a pause reported although its PUT may not be stored': [withPause, unpaused],
  'wishes not looked at after the claim': [withPause, unpaused],
  'a rewind applied twice': [{ ...SMALL, commands: [rewind] }, 'a rewind is applied twice'],
  'a rewind lost': [{ ...SMALL, commands: [rewind] }, 'replica 1 loses a rewind'],
  'a rewind that skips': [{ ...withLostMarkers, lostMarkers: 0, commands: [{ ...rewind, to: 1 }] }, skipped],
  'an old yes that cures a later hold': [
    { ...SMALL, lostMarkers: 1, commands: [{ ...rewind, yes: true }] },
    'a yes cures another hold',
  ],
  'an erasure that does not look first': [withErasure, skipped],
  'an erasure that does not ask whether it was fenced': [withErasure, 'a client is reported as erased, and is not'],
}

describe('a defect', () => {
  test.each(Object.entries(cases))('is found: %s', (name, [bounds, violation]) => {
    const verdict = checkDelivery(bounds, { ...designed, ...defects[name as Defect] })
    expect(verdict.violation, reportOf(verdict)).toMatch(violation)
  })
})
