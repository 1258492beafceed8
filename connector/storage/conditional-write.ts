import { assertNever } from '../runtime/assert-never.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import type { ObjectRequests, PutCondition } from './object-requests.ts'
import type { Version, WriteOutcome } from './versioned-object.ts'

export interface ConditionalWrite {
  /** The operation and its place, for messages: `write s3://bucket/key`. */
  readonly what: string
  readonly key: string
  readonly text: string
  readonly expected: Version | null
  readonly condition: PutCondition
}

/**
 * One try. An answer that is not plainly a success is settled by reading back: this very text is there: written; the object is still as
 * expected: `storage.unavailable`, and the same text may be tried again, whatever is still on its way; else a conflict.
 */
export async function tryConditionalWrite(
  requests: ObjectRequests,
  write: ConditionalWrite,
  signal: AbortSignal,
): Promise<WriteOutcome> {
  const { what, key, text, expected, condition } = write
  const answer = await requests.put(key, { text, condition }, signal)
  switch (answer.kind) {
    case 'stored':
      if (answer.etag !== undefined) return { kind: 'written', version: answer.etag }
      break
    case 'unsupported':
      throw new ConnectorError('storage.no-conditional-writes', `${what}: the store answers 501 to a condition`)
    case 'unmet':
    case 'unclear':
      break
    default:
      assertNever(answer)
  }

  const now = await requests.get(key, signal)
  if (now?.text === text) return { kind: 'written', version: now.version }
  if ((now?.version ?? null) !== expected) return { kind: 'conflict' }
  if (answer.kind === 'unclear') throw answer.error
  throw new ConnectorError('storage.unavailable', `${what}: the condition holds, yet the store says ${answer.kind}`)
}
