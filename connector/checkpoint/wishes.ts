import { createHash } from 'node:crypto'
import * as z from 'zod'
import { parsedJson } from '../runtime/parsed-json.ts'
import { sourceTime } from '../scan/scan-state.ts'
import type { StoredText, Version, VersionedObject } from '../storage/checkpoint-store.ts'
import { type CheckpointDocument, parseDocument } from './checkpoint-document.ts'

const rewindSchema = z.object({
  /** Each rewind has its own id; the document keeps that of the rewind that was applied last. */
  id: z.string(),
  /** The history is read from this time on the server's wall clock; null means the configured beginning. */
  to: sourceTime.nullable(),
  /** Whether unchanged clients are published, too. */
  republish: z.boolean(),
  /** If it is present, only these clients are published again, by their `hashedId`. */
  clients: z.array(z.string().regex(/^[\w-]{11}$/)).optional(),
  /**
   * This is the id of a document, as `documentIdOf` returns it. The operator has confirmed that the rewind may cure a
   * hold of that document, and of no other. Null means that nothing was confirmed.
   */
  confirmedDocument: z.string().nullable(),
})

const wishesSchema = z.object({
  /** Each write has its own id. */
  id: z.string(),
  paused: z.boolean(),
  rewind: rewindSchema.nullable(),
  /**
   * `reason`, `by` and `at` say why the stream is paused, which process paused or resumed it, and when (ms since 1970).
   */
  reason: z.string(),
  by: z.string(),
  at: z.number(),
})

/**
 * Operators want this of one stream. Commands write it to a small object beside the document, replicas read it
 * (docs/decisions/20261128-commands-of-operators.md).
 */
export type Wishes = z.infer<typeof wishesSchema>
/** An operator wants the history lane to read again. */
export type Rewind = z.infer<typeof rewindSchema>

export const noWishes: Wishes = { id: '', paused: false, rewind: null, reason: '', by: '', at: 0 }

/** Returns undefined for a damaged object, which counts as no wish. */
export function parseWishes(text: string): Wishes | undefined {
  const result = wishesSchema.safeParse(parsedJson(text))
  return result.success ? result.data : undefined
}

export const wishesText = (wishes: Wishes): string => `${JSON.stringify(wishes)}\n`

/** Returns the rewind that waits: the document does not name it as applied. */
export function waitingRewind(
  document: Pick<CheckpointDocument, 'appliedRewind'> | undefined,
  { rewind }: Wishes,
): Rewind | undefined {
  return rewind === null || rewind.id === document?.appliedRewind ? undefined : rewind
}

/**
 * Identifies a document as an operator has seen it: by its nonce, by the hash of one that cannot be read, or as `none`.
 */
export function documentIdOf(stored: StoredText | undefined): string {
  if (stored === undefined) return 'none'
  try {
    return parseDocument(stored.text).nonce
  } catch {
    return `sha256:${createHash('sha256').update(stored.text).digest('hex')}`
  }
}

export interface WishesParts {
  /** The wishes are stored as this object, beside the document. */
  readonly object: VersionedObject
  readonly newNonce: () => string
}

export interface WishesChangeParts extends WishesParts {
  /**
   * Resolves once a probe has shown that the store supports conditional writes, and whether it wants the expected ETag
   * with or without quotes. Before that, the store may take a write with the right version for a conflict.
   */
  readonly storeReady: (stop: AbortSignal) => Promise<void>
}

/** `before` are the wishes that were stored before. `unchanged` means that no change was wanted. */
interface WishesChangeOutcome {
  readonly kind: 'written' | 'unchanged'
  readonly before: Wishes
}

/**
 * Changes the wishes, also damaged ones, unless `changeOf` returns undefined. Tries again if another process writes at
 * the same time. Rejects with `storage.*` or the reason of `stop`, which does not interrupt a write: the change may
 * then be stored.
 */
export async function changeWishes(
  { object, newNonce, storeReady }: WishesChangeParts,
  changeOf: (before: Wishes) => Partial<Wishes> | undefined,
  stop: AbortSignal,
): Promise<WishesChangeOutcome> {
  const { signal: uninterrupted } = new AbortController()
  await storeReady(stop)
  for (;;) {
    const stored = await object.read(stop)
    const before = (stored && parseWishes(stored.text)) ?? noWishes
    const change = changeOf(before)
    if (change === undefined) return { kind: 'unchanged', before }
    const text = wishesText({ ...before, ...change, id: newNonce() })
    const { kind } = await object.write(text, stored?.version ?? null, uninterrupted)
    if (kind === 'written') return { kind, before }
  }
}

/** The replica that runs a stream reads its wishes through this. */
export interface StreamWishes {
  /** Returns the wishes that were read last. */
  current(): Wishes
  /** Rejects with `storage.*` or the reason of `stop`: then the wishes that were read before remain current. */
  read(stop: AbortSignal): Promise<Wishes>
  /** Clears a rewind that was applied, unless another process has changed the wishes. Rejects as `read` does. */
  clear(appliedRewind: string | null, stop: AbortSignal): Promise<void>
}

/** `onResume` is called for each `resume`, also of a stream that was not paused. The first reading may repeat one. */
export function streamWishes(
  { object, newNonce, onResume }: WishesParts & { readonly onResume: () => void },
  observe: (event: WishesEvent) => void,
): StreamWishes {
  let lastRead: { readonly wishes: Wishes; readonly version: Version | null } = { wishes: noWishes, version: null }
  return {
    current: () => lastRead.wishes,
    read: async (stop) => {
      const stored = await object.read(stop)
      const wishes = stored && parseWishes(stored.text)
      if (stored !== undefined && wishes === undefined && stored.version !== lastRead.version)
        observe({ kind: 'wishes-damaged' })
      // Only `pause` and `resume` change the time.
      if (wishes?.paused === false && wishes.at !== lastRead.wishes.at) onResume()
      lastRead = { wishes: wishes ?? noWishes, version: stored?.version ?? null }
      return lastRead.wishes
    },
    clear: async (appliedRewind, stop) => {
      const { wishes, version } = lastRead
      if (wishes.rewind === null || wishes.rewind.id !== appliedRewind) return
      const wishesWithoutRewind = { ...wishes, id: newNonce(), rewind: null }
      const outcome = await object.write(wishesText(wishesWithoutRewind), version, stop)
      if (outcome.kind === 'written') lastRead = { wishes: wishesWithoutRewind, version: outcome.version }
    },
  }
}

/** The object of wishes is damaged, and counts as no wish until a command writes it. */
export interface WishesEvent {
  readonly kind: 'wishes-damaged'
}
