import { expect, test } from 'vitest'
import { clientReader } from '../../../connector/event/read-client.ts'
import { scanMemory } from '../../../connector/pipeline/group/scan-memory.ts'
import { FULL, newScans } from '../../../connector/scan/scan-state.ts'
import type { SourceTime } from '../../../connector/source/client-source.ts'

const read = clientReader(
  { clientId: 'No', modifiedAt: 'At' },
  { timeZone: 'UTC', ignored: new Set(), fields: undefined },
)
const now = Date.parse('2026-06-15T12:00:00Z')
const readAt = { ours: now, server: now }
const full = { tag: FULL, startedAtOurs: now, restarts: 0, lastModifiedAt: null }

test('a scan has the modification time of its last client, until it is complete', () => {
  const memory = scanMemory(newScans)
  memory.beginScan(full)
  memory.add(full, read({ No: '1', At: '2026-06-15T11:00:00' }), readAt)
  expect(memory.lastModifiedAt(full)).toBe('2026-06-15T11:00:00')
  memory.endScan(FULL)
  expect(memory.lastModifiedAt(full)).toBeNull()
})

test('a modification time in the future is not the position of a scan', () => {
  const memory = scanMemory(newScans)
  memory.beginScan(full)
  memory.add(full, read({ No: '1', At: '2026-06-15T11:00:00' }), readAt)
  memory.add(full, read({ No: '2', At: '2026-06-15T13:00:00' }), readAt)
  expect(memory.lastModifiedAt(full)).toBe('2026-06-15T11:00:00')
})

test('the position of a scan is not that of an earlier scan with its tag, nor of a later one', () => {
  const memory = scanMemory(newScans)
  const known = '2026-06-15T08:00:00' as SourceTime
  const next = { ...full, startedAtOurs: now + 1, lastModifiedAt: known }
  memory.beginScan(full)
  memory.add(full, read({ No: '1', At: '2026-06-15T11:00:00' }), readAt)
  expect(memory.lastModifiedAt(next)).toBe(known)
  memory.beginScan(next)
  expect(memory.lastModifiedAt(next)).toBeNull()
  expect(memory.lastModifiedAt(full)).toBeNull()
})
