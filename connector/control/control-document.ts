import { z } from 'zod'
import { ConnectorError } from '../runtime/connector-error.ts'
import { parsedJson } from '../runtime/parsed-json.ts'
import { storedDocument } from '../runtime/stored-document.ts'
import type { StoredText, VersionedObject } from '../storage/versioned-object.ts'
import { carriedOut, republicationShape } from './stream-requests.ts'

const FORMAT = 1

const time = z.number()

const count = z.number().int().nonnegative()
/** By whom, and when. */
const step = { by: z.string(), at: time }

/**
 * `requested`: no replica has carried it out yet. `running`: `by`
 * publishes clients again; `share`: how much of the clients it has read, 0 to 1, if that is known. `cancelled`: by an
 * operator, but the replica has not confirmed it yet. `done`: `by` carried it out at `at`.
 */
const progress = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('requested') }),
  z.object({
    kind: z.literal('running'),
    ...step,
    published: count,
    changed: count.default(0),
    clients: count,
    share: z.number().nullable(),
  }),
  z.object({ kind: z.literal('cancelled'), ...step }),
  z.object({ kind: z.literal('done'), ...step, ...carriedOut.omit({ id: true }).shape }),
])

/** What all requests have in common; times in milliseconds since 1970. */
const request = z.object({
  id: z.string(),
  stream: z.string(),
  requestedAt: time,
  /** The name of the operator's process. */
  requestedBy: z.string(),
  progress,
})

const requestSchema = z.discriminatedUnion('kind', [
  request.extend({ kind: z.literal('pause'), reason: z.string() }),
  request.extend({ kind: z.literal('resume') }),
  request.extend({ kind: z.literal('republish'), ...republicationShape }),
  /** Whether a held stream can continue is checked at once. */
  request.extend({ kind: z.literal('check') }),
])

const documentSchema = z.object({
  format: z.literal(FORMAT),
  /** Unique for each write, as `VersionedObject` requires. */
  nonce: z.string(),
  /** Counts the writes: a lower one than before, or no object, means that it was rolled back or deleted. */
  revision: count.default(0),
  /** Oldest first. */
  requests: z.array(requestSchema).readonly(),
})

const kinds: readonly string[] = requestSchema.options.map(({ shape }) => shape.kind.value)
const otherRequest = z.looseObject({ kind: z.string().refine((kind) => !kinds.includes(kind)) })

/** What operators request of the replicas of a connector, and what became of it. */
export interface ControlDocument extends z.infer<typeof documentSchema> {
  /** Requests of kinds that only newer versions know: kept, and ignored. */
  readonly others: readonly z.infer<typeof otherRequest>[]
}
export type ControlRequest = ControlDocument['requests'][number]
export type PauseRequest = Extract<ControlRequest, { kind: 'pause' }>

/** A connector without a control object has no requests. */
export const noRequests: ControlDocument = {
  format: FORMAT,
  nonce: '',
  revision: 0,
  requests: [],
  others: [],
}

export function serializeControl({ others, ...document }: ControlDocument): string {
  return `${JSON.stringify({ ...document, requests: [...document.requests, ...others] })}\n`
}

/** Throws `control.damaged`, or `control.unknown-format` for a format that is not supported. Never guesses. */
export function parseControl(text: string): ControlDocument {
  const { known, others } = withoutOthers(parsedJson(text))
  const codes = { damaged: 'control.damaged', unknownFormat: 'control.unknown-format' } as const
  return {
    ...storedDocument(known, { text, name: 'control object', format: FORMAT, schema: documentSchema, ...codes }),
    others,
  }
}

const anyDocument = z.looseObject({ requests: z.array(z.unknown()) })

function withoutOthers(value: unknown) {
  const found = anyDocument.safeParse(value)
  if (!found.success) return { known: value, others: [] }
  const requests: unknown[] = []
  const others: ControlDocument['others'][number][] = []
  for (const one of found.data.requests) {
    const other = otherRequest.safeParse(one)
    if (other.success) others.push(other.data)
    else requests.push(one)
  }
  return { known: { ...found.data, requests }, others }
}

export interface ControlParts {
  /** The control object of the connector. */
  readonly object: VersionedObject
  /** Resolves when the store is known to support conditional writes. */
  readonly storeReady: (stop: AbortSignal) => Promise<void>
  readonly newNonce: () => string
}

/** The stored document; without an object, one without requests. Rejects with `storage.*` or `control.*`. */
export async function readControl(object: VersionedObject, finish: AbortSignal): Promise<ControlDocument> {
  return documentIn(await object.read(finish))
}

const documentIn = (stored: StoredText | undefined) => (stored === undefined ? noRequests : parseControl(stored.text))

/** In each attempt, another process writes between reading and writing. */
const ATTEMPTS = 20

/**
 * Applies `change` to the stored document and writes the result, unless `change` returns undefined. Resolves to the
 * document that is stored then. Rejects with `storage.*` or `control.*`.
 */
export async function updateControl(
  { object, storeReady, newNonce }: ControlParts,
  change: (document: ControlDocument) => ControlDocument | undefined,
  finish: AbortSignal,
): Promise<ControlDocument> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const stored = await object.read(finish)
    const before = documentIn(stored)
    const after = change(before)
    if (after === undefined) return before
    await storeReady(finish)
    const next = { ...after, revision: after.revision + 1, nonce: newNonce() }
    const outcome = await object.write(serializeControl(next), stored?.version ?? null, finish)
    if (outcome.kind === 'written') return next
  }
  throw new ConnectorError('storage.unavailable', `write control object: changed by others in ${ATTEMPTS} attempts`)
}
