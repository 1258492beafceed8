import { describe, expect, it } from 'vitest'
import { checkDelivery, told } from './delivery-model.ts'
import {
  BASE,
  type Bounds,
  forReaders,
  withExpiry,
  withLostNotes,
  withMishaps,
  withOperator,
  wrongPlacement,
} from './model-bounds.ts'
import { broken, ours, type Protocol } from './model-protocol.ts'

const doubled = /^readers see page 0 instead of/
const falseStop = 'a replica stops falsely'

/** Where each is caught, and by what. */
const caught: Record<keyof typeof broken, [Bounds, string | RegExp]> = {
  'no fencing': [forReaders, doubled],
  'no conditional PUT': [BASE, falseStop],
  'no prepare': [BASE, falseStop],
  'prepare after the end': [BASE, falseStop],
  'document read after InitProducerId': [BASE, falseStop],
  'note read before InitProducerId': [forReaders, doubled],
  'claim without a condition': [BASE, falseStop],
  'claim conditional on a version read after InitProducerId': [BASE, falseStop],
  'stop without reading the document again': [BASE, falseStop],
  'committed taken although the note is that of pending': [forReaders, doubled],
  'notes taken to be kept for ever': [withExpiry, doubled],
  'committed taken whenever there is no note': [withExpiry, doubled],
  'no margin for clocks that differ': [withExpiry, doubled],
  'notes compared without their nonce': [withMishaps, 'readers see page 1 instead of nothing'],
  'a note that hangs not noticed': [{ ...withLostNotes, falseStops: 'pass' }, doubled],
  'a note restored without reading the document again': [withLostNotes, doubled],
  'a lost stream that waits for a newer assignment': [wrongPlacement, 'replica 1 has the stream and does not run it'],
}

describe('what is broken on purpose', () => {
  it.each(entriesOf(caught))('is caught: %s', (name, [bounds, fault]) => {
    const verdict = checkDelivery(bounds, protocolOf(name))
    expect(verdict.fault, told(verdict)).toMatch(fault)
  })

  it.each([
    'no conditional PUT',
    'document read after InitProducerId',
    'claim conditional on a version read after InitProducerId',
  ] as const)('lets an operator be overruled: %s', (name) => {
    const verdict = checkDelivery({ ...withOperator, set: 1 }, protocolOf(name))
    expect(verdict.fault, told(verdict)).toBe('readers see page 0 instead of page 1')
  })

  it('a replica that stalls between InitProducerId and the document overwrites what its successor prepared', () => {
    const { trace } = checkDelivery(BASE, protocolOf('document read after InitProducerId'))
    const steps = trace.map((line) => line.replace(/ *\|.*/, ''))
    const schedule = [
      'replica 1 fences the others',
      'replica 2 fences the others',
      'replica 2 prepares page 0',
      'replica 1 reads the document',
      'replica 1 reads the note and claims: committed',
      'replica 2 ends page 0',
      'the end of page 0 arrives',
      'replica 1 stops',
    ]
    expect(steps.filter((step) => schedule.includes(step)).slice(0, 7)).toEqual(schedule.slice(0, 7))
    expect(steps.at(-1)).toBe('replica 1 stops')
  })
})

function protocolOf(name: keyof typeof broken): Protocol {
  return { ...ours, ...broken[name] }
}

function entriesOf<Key extends string, Value>(record: Record<Key, Value>): [Key, Value][] {
  return Object.entries(record) as [Key, Value][]
}
