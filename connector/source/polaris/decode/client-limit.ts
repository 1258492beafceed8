import { hash } from 'node:crypto'
import {
  type ClientRecord,
  type ClientValue,
  OVERSIZE,
  oversizeText,
  setField,
  type WritableRecord,
} from '../../client-source.ts'
import { FIRST_BYTES, FIRST_NODES, MAX_CLIENT_BYTES, MAX_CLIENT_FIELDS } from './page-limits.ts'

/** The record, or its first fields if it is beyond the limits of one client. */
export function withinLimits(record: ClientRecord): ClientRecord {
  const size = { nodes: 0, characters: 0 }
  measure(record, size)
  if (size.nodes <= MAX_CLIENT_FIELDS && size.characters <= MAX_CLIENT_BYTES) return record
  const whole = JSON.stringify(record)
  return { ...firstFields(record), [OVERSIZE]: oversizeText(whole.length, hash('sha256', whole, 'base64url')) }
}

function measure(value: ClientValue, size: { nodes: number; characters: number }): void {
  size.nodes += 1
  if (typeof value === 'string') size.characters += value.length
  else for (const inner of Array.isArray(value) ? value : Object.values(value)) measure(inner, size)
}

function firstFields(record: ClientRecord): ClientRecord {
  const kept: WritableRecord = {}
  let left = FIRST_BYTES
  for (const [name, value] of Object.entries(record).slice(0, FIRST_NODES)) {
    if (typeof value !== 'string') continue
    left -= value.length
    if (left >= 0) setField(kept, name, value)
  }
  return kept
}
