import { expect, test } from 'vitest'
import {
  removedClients,
  removedSection,
  removedSettings,
} from '../../../../connector/config/sections/removed-section.ts'

const settingsOf = (given: object) => removedSettings(removedSection.parse(given))

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

test('no event is published of a client that another stream on the same topic may have', () => {
  const stream = { poll: { fullScan: { every: 1 } }, sharedKeys: true }
  const found = (mode: string) => removedClients({ ...stream, removed: removedSection.parse({ mode }) })
  expect(found('report')).toEqual([])
  for (const mode of ['event', 'tombstone']) expect(found(mode)).toMatchObject([{ path: ['removed', 'mode'] }])
})
