import { ConnectorError } from '../runtime/connector-error.ts'
import { ENTRY_BYTES } from './index-entry.ts'

/** Counts the clients in all client indexes of this process against one limit. */
export interface IndexMemory {
  /**
   * Records the number of clients in an index. Throws `checkpoint.index-too-large` if all together exceed the limit, and
   * then keeps the number recorded before.
   */
  hold(index: object, clients: number): void
  release(index: object): void
}

export function indexMemory(maxBytes: number): IndexMemory {
  const held = new Map<object, number>()
  return {
    hold: (index, clients) => {
      let bytes = clients * ENTRY_BYTES
      for (const [other, ofOther] of held) if (other !== index) bytes += ofOther * ENTRY_BYTES
      if (bytes > maxBytes)
        throw new ConnectorError(
          'checkpoint.index-too-large',
          `hold client index: ${clients} clients; all indexes of this replica need ${bytes} bytes, more than checkpoint.maxIndexMemory (${maxBytes})`,
        )
      held.set(index, clients)
    },
    release: (index) => void held.delete(index),
  }
}
