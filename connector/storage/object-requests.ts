import type { StoredText, Version } from './versioned-object.ts'

/** What a conditional PUT asks for: no object yet, or one with this ETag (spelled as it goes into `If-Match`). */
export type PutCondition = { readonly kind: 'absent' } | { readonly kind: 'matches'; readonly etag: string }

export type PutAnswer =
  /** `etag` as the store gave it; undefined when it gave none. */
  | { readonly kind: 'stored'; readonly etag: Version | undefined }
  /** The condition did not hold, or so the store says: 412, or 404 NoSuchKey for `matches`. */
  | { readonly kind: 'unmet' }
  /** The store knows no such condition: 501. */
  | { readonly kind: 'unsupported' }
  /** 409, 5xx, a timeout, a broken connection: stored, not stored, or still on its way. */
  | { readonly kind: 'unclear'; readonly error: unknown }

/** Requests to an object store, each tried once. All reject with `storage.unavailable` (may succeed later) or `storage.refused`. */
export interface ObjectRequests {
  get(key: string, signal: AbortSignal): Promise<StoredText | undefined>
  put(key: string, put: { text: string; condition: PutCondition }, signal: AbortSignal): Promise<PutAnswer>
  remove(key: string, signal: AbortSignal): Promise<void>
}

/** `If-Match` without the quotes of the ETag: what Ceph compares with. */
export function unquoted(etag: string): string {
  return etag.replace(/^"(.*)"$/, '$1')
}
