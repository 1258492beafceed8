import { createHash } from 'node:crypto'
import * as z from 'zod'
import { parsedJson } from '../runtime/parsed-json.ts'
import { sourceTime } from '../scan/scan-state.ts'
import type { StoredText, Version, VersionedObject } from '../storage/checkpoint-store.ts'
import { type CheckpointDocument, parseDocument } from './checkpoint-document.ts'

const rewind = z.object({
  /** Unique; the document keeps that of the last applied one. */
  id: z.string(),
  /** On the server's wall clock; null: the configured beginning. */
  to: sourceTime.nullable(),
  /** Unchanged clients are published, too. */
  republish: z.boolean(),
  /** Of these only, by `hashedId`; absent: all. */
  clients: z.array(z.string().regex(/^[\w-]{11}$/)).optional(),
  /** The only document over which it cures a hold, see `documentIdOf`; null: none. */
  yes: z.string().nullable(),
})

const schema = z.object({
  /** Unique for each write. */
  id: z.string(),
  paused: z.boolean(),
  rewind: rewind.nullable(),
  /** Why the stream is paused, or was resumed, by which process, and when (ms since 1970). */
  reason: z.string(),
  by: z.string(),
  at: z.number(),
})

/** What operators want of one stream: a small object beside its document. Commands write it, replicas read it. */
export type Wishes = z.infer<typeof schema>
/** The history lane reads again. */
export type Rewind = z.infer<typeof rewind>

export const noWishes: Wishes = { id: '', paused: false, rewind: null, reason: '', by: '', at: 0 }

/** Undefined if it is damaged, which counts as no wish. */
export function parseWishes(text: string): Wishes | undefined {
  const parsed = schema.safeParse(parsedJson(text))
  return parsed.success ? parsed.data : undefined
}

export const wishesText = (wishes: Wishes): string => `${JSON.stringify(wishes)}\n`

/** The rewind that the document does not know as applied. */
export function waitingRewind(
  document: Pick<CheckpointDocument, 'rewound'> | undefined,
  { rewind }: Wishes,
): Rewind | undefined {
  return rewind === null || rewind.id === document?.rewound ? undefined : rewind
}

/** A document as an operator has seen it: its nonce, `none`, or the hash of one that cannot be read. */
export function documentIdOf(stored: StoredText | undefined): string {
  if (stored === undefined) return 'none'
  try {
    return parseDocument(stored.text).nonce
  } catch {
    return `sha256:${createHash('sha256').update(stored.text).digest('hex')}`
  }
}

export interface WishesParts {
  readonly object: VersionedObject
  readonly newNonce: () => string
}

export interface WishesChangeParts extends WishesParts {
  /** Resolves when it is known how the store compares versions: some reject every other way, whatever is stored. */
  readonly storeReady: (stop: AbortSignal) => Promise<void>
}

/** `before`: the wishes before. `unchanged`: no change was wanted. */
interface WishesChange {
  readonly kind: 'written' | 'unchanged'
  readonly before: Wishes
}

/**
 * Changes the wishes, also damaged ones, unless `changeOf` returns undefined. Repeats that if another process writes at the
 * same time. Rejects with `storage.*` or the reason of `stop`, which does not interrupt a write: it may be stored.
 */
export async function changeWishes(
  { object, newNonce, storeReady }: WishesChangeParts,
  changeOf: (before: Wishes) => Partial<Wishes> | undefined,
  stop: AbortSignal,
): Promise<WishesChange> {
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

/** The wishes of one stream, as its replica reads them. */
export interface StreamWishes {
  /** Returns the wishes that were read last. */
  current(): Wishes
  /** Rejects with `storage.*` or the reason of `stop`: then the wishes that were read before remain current. */
  read(stop: AbortSignal): Promise<Wishes>
  /** Clears a rewind that was applied, unless another process has changed the wishes. Rejects as `read` does. */
  clear(applied: string | null, stop: AbortSignal): Promise<void>
}

export function streamWishes({ object, newNonce }: WishesParts, observe: (event: WishesEvent) => void): StreamWishes {
  let known: { readonly wishes: Wishes; readonly version: Version | null } = { wishes: noWishes, version: null }
  return {
    current: () => known.wishes,
    read: async (stop) => {
      const stored = await object.read(stop)
      const wishes = stored && parseWishes(stored.text)
      if (stored !== undefined && wishes === undefined && stored.version !== known.version)
        observe({ kind: 'wishes-damaged' })
      known = { wishes: wishes ?? noWishes, version: stored?.version ?? null }
      return known.wishes
    },
    clear: async (applied, stop) => {
      const { wishes, version } = known
      if (wishes.rewind === null || wishes.rewind.id !== applied) return
      const cleared = { ...wishes, id: newNonce(), rewind: null }
      const outcome = await object.write(wishesText(cleared), version, stop)
      if (outcome.kind === 'written') known = { wishes: cleared, version: outcome.version }
    },
  }
}

/** They cannot be read, and count as none until a command writes them. */
export interface WishesEvent {
  readonly kind: 'wishes-damaged'
}
