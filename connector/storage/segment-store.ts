/** The longest segment. */
export const MAX_SEGMENT_BYTES = 8 * 1024 * 1024

/**
 * Where the segments of one stream's client index are. They are never changed: a name always stands for the same bytes.
 */
export interface SegmentStore {
  /**
   * Stores a segment; again with the same bytes, where an answer was lost. Rejects with `storage.*`, or the reason of
   * `finish`.
   */
  put(name: string, bytes: Uint8Array, finish: AbortSignal): Promise<void>
  /**
   * Its bytes, which the caller may change or free; undefined where there is none. Rejects like `put`.
   */
  get(name: string, finish: AbortSignal): Promise<Uint8Array | undefined>
  /** The names of all segments. Rejects like `put`. */
  list(finish: AbortSignal): Promise<readonly string[]>
  /** Deletes a segment; also where it is gone already. Rejects like `put`. */
  remove(name: string, finish: AbortSignal): Promise<void>
}
