import { expect, test } from 'vitest'
import {
  removedClients,
  removedSection,
  removedSettings,
} from '../../../../connector/config/sections/removed-section.ts'
import type { EventMode } from '../../../../connector/event/cloud-event/event-form.ts'

const settingsOf = (given: object, mode: EventMode = 'structured') => removedSettings(removedSection.parse(given), mode)

test('clients that are gone are not looked for by default', () => {
  expect(settingsOf({})).toBeUndefined()
})

test.each([
  [{ mode: 'report' }, { publish: 'nothing', maxShare: 0.01 }],
  [{ mode: 'event' }, { publish: 'event', maxShare: 0.01 }],
  [
    { mode: 'tombstone', maxPercent: 5 },
    { publish: 'event and tombstone', maxShare: 0.05 },
  ],
])('%j', (given, expected) => {
  expect(settingsOf(given)).toEqual(expected)
})

test('a removal is one tombstone where events are in binary mode, and no event without one', () => {
  expect(settingsOf({ mode: 'tombstone' }, 'binary')).toMatchObject({ publish: 'tombstone' })
  const stream = { poll: { fullScan: { every: 1 } }, event: { mode: 'binary' }, sharedKeys: false } as const
  const found = (mode: string) => removedClients({ ...stream, removed: removedSection.parse({ mode }) })
  expect(found('tombstone')).toEqual([])
  expect(found('event')).toEqual([
    {
      path: ['removed', 'mode'],
      what: 'is event, but with event.mode binary a removal is a tombstone: use tombstone or report',
    },
  ])
})

test('no event is published of a client that another stream on the same topic may have', () => {
  const stream = { poll: { fullScan: { every: 1 } }, event: { mode: 'structured' }, sharedKeys: true } as const
  const found = (mode: string) => removedClients({ ...stream, removed: removedSection.parse({ mode }) })
  expect(found('report')).toEqual([])
  for (const mode of ['event', 'tombstone']) expect(found(mode)).toMatchObject([{ path: ['removed', 'mode'] }])
})
