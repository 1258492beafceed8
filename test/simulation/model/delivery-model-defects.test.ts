import { describe, expect, it } from 'vitest'
import {
  BASE,
  type Bounds,
  forReaders,
  withDocumentFaults,
  withExpiry,
  withKafkaDeletions,
  withLostMarkers,
  withOperator,
  wrongPlacement,
} from './bounds.ts'
import { checkDelivery, reportOf } from './delivery-model.ts'
import { FALSE_STOP } from './opening.ts'
import { defects, designed, type Protocol } from './protocol.ts'

const duplicated = /^readers see page 0 instead of/
const wrongPage = /^readers see page \d instead of/
const skipped = /^readers see page 1 instead of page 0/
const lostSilently = 'events were published after lost ones'

/** The bounds within which each defect is found, and the violation. */
const cases: Record<keyof typeof defects, [Bounds, string | RegExp]> = {
  'no fencing': [forReaders, duplicated],
  'no conditional PUT': [BASE, FALSE_STOP],
  'no prepare': [BASE, FALSE_STOP],
  'prepare after the commit': [BASE, FALSE_STOP],
  'document read after InitProducerId': [BASE, FALSE_STOP],
  'commit record read before InitProducerId': [forReaders, wrongPage],
  'unconditional claim': [BASE, FALSE_STOP],
  'claim conditional on a version read after InitProducerId': [BASE, FALSE_STOP],
  'stop without reading the document again': [BASE, FALSE_STOP],
  'committed chosen although the record is that of pending': [forReaders, duplicated],
  'committed chosen whenever there is no record': [withExpiry, duplicated],
  'records compared without their nonce': [withDocumentFaults, 'readers see page 1 instead of nothing'],
  'an unstable record ignored': [{ ...withLostMarkers, falseStops: 'are ignored' }, wrongPage],
  'a repair without reading the document again': [withLostMarkers, FALSE_STOP],
  'a hanging transaction left to the next marker': [withLostMarkers, duplicated],
  'a hanging transaction completed by the resolution alone': [withLostMarkers, 'readers see page 1 instead of nothing'],
  'a hanging transaction always aborted': [withLostMarkers, skipped],
  'a commit that counts before its markers are confirmed': [
    { ...withLostMarkers, falseStops: 'are ignored' },
    wrongPage,
  ],
  'a topic compared by name': [withKafkaDeletions, lostSilently],
  'a lost topic created again': [withKafkaDeletions, lostSilently],
  'a lost stream that waits for a newer assignment': [wrongPlacement, 'replica 1 has the stream and does not run it'],
}

describe('a defect', () => {
  it.each(entriesOf(cases))('is found: %s', (name, [bounds, violation]) => {
    const verdict = checkDelivery(bounds, protocolOf(name))
    expect(verdict.violation, reportOf(verdict)).toMatch(violation)
  })

  it.each([
    'no conditional PUT',
    'document read after InitProducerId',
    'claim conditional on a version read after InitProducerId',
  ] as const)('overrides an operator: %s', (name) => {
    const verdict = checkDelivery({ ...withOperator, set: 1 }, protocolOf(name))
    expect(verdict.violation, reportOf(verdict)).toBe('readers see page 0 instead of page 1')
  })

  it('lets a replica that stalls between InitProducerId and the document overwrite what its successor prepared', () => {
    const { trace } = checkDelivery(BASE, protocolOf('document read after InitProducerId'))
    const steps = trace.map((line) => line.replace(/ *\|.*/, ''))
    const schedule = [
      'replica 1 fences the others',
      'replica 2 fences the others',
      'replica 2 prepares page 0',
      'replica 1 reads the document',
      'replica 1 reads the commit record and claims: committed',
      'replica 2 commits page 0',
      'the commit of page 0 arrives',
      'replica 1 stops',
    ]
    expect(steps.filter((step) => schedule.includes(step)).slice(0, 7)).toEqual(schedule.slice(0, 7))
    expect(steps.at(-1)).toBe('replica 1 stops')
  })
})

function protocolOf(name: keyof typeof defects): Protocol {
  return { ...designed, ...defects[name] }
}

function entriesOf<Key extends string, Value>(record: Record<Key, Value>): [Key, Value][] {
  return Object.entries(record) as [Key, Value][]
}
