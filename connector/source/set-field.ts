import type { ClientValue } from './client-source.ts'

/** A record in the making. */
export type WritableRecord = { [field: string]: ClientValue }

/** Sets a field of its own, also where plain assignment would set the prototype. */
export function setField(record: WritableRecord, name: string, value: ClientValue): void {
  if (name === '__proto__') {
    Object.defineProperty(record, name, { value, enumerable: true, configurable: true, writable: true })
  } else record[name] = value
}
