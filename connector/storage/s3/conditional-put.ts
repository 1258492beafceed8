import { assertNever } from '../../runtime/assert-never.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import type { StoredText, Version, WriteOutcome } from '../versioned-object.ts'

/** Condition of a PUT: no object exists, or its ETag is this one (written as sent in `If-Match`). */
export type PutCondition = { readonly kind: 'absent' } | { readonly kind: 'matches'; readonly etag: string }

export type PutAnswer =
  /** `etag` as the store returned it; undefined if it returned none. */
  | { readonly kind: 'stored'; readonly etag: Version | undefined }
  /** The store answers that the condition is false: 412, or 404 NoSuchKey for `matches`. */
  | { readonly kind: 'unmet' }
  /** The store does not support the condition: 501. */
  | { readonly kind: 'unsupported' }
  /** 409, 5xx, a timeout or a broken connection: stored, not stored, or still in flight. */
  | { readonly kind: 'unclear'; readonly error: unknown }

/** Requests to an object store, without retries. Reject with `storage.unavailable` (transient) or `storage.refused`. */
export interface ObjectRequests {
  get(key: string, signal: AbortSignal): Promise<StoredText | undefined>
  put(key: string, put: { text: string; condition: PutCondition }, signal: AbortSignal): Promise<PutAnswer>
  remove(key: string, signal: AbortSignal): Promise<void>
}

/** An ETag without its quotes, as Ceph compares it. */
export function unquoted(etag: string): string {
  return etag.replace(/^"(.*)"$/, '$1')
}

interface ConditionalWrite {
  /** Operation and location, for messages: `write s3://bucket/key`. */
  readonly what: string
  readonly key: string
  readonly text: string
  readonly expected: Version | null
  readonly condition: PutCondition
}

/**
 * Writes once. Unless the response is a clear success, reads back to decide: `written` if the object holds this text;
 * rejects with `storage.unavailable` if the object is still at `expected`; a conflict otherwise. After
 * `storage.unavailable` the same text may be written again, even while the first request is in flight.
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
      throw new ConnectorError(
        'storage.no-conditional-writes',
        `${what}: the store answered 501 to a conditional write`,
      )
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
  throw new ConnectorError(
    'storage.unavailable',
    `${what}: the object is unchanged, but the store answered "${answer.kind}"`,
  )
}
