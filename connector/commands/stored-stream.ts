import { randomUUID } from 'node:crypto'
import { type CheckpointDocument, parseDocument } from '../checkpoint/checkpoint-document.ts'
import { changeWishes, noWishes, parseWishes, type Wishes } from '../checkpoint/wishes.ts'
import { streamObject, wishesObject } from '../compose/compose-stream.ts'
import { codeOf } from '../runtime/connector-error.ts'
import type { ErrorCode } from '../runtime/error-catalogue.ts'
import type { Answer, CommandParts } from './command.ts'
import type { ChosenStream } from './command-resources.ts'

/** What is stored of a stream, as a command looks at it. */
export interface StoredStream {
  /** Or why there is none that can be read. */
  readonly document: CheckpointDocument | ErrorCode | 'none'
  readonly wishes: Wishes
}

type OneStream = Pick<ChosenStream, 'stream' | 'shared'>

/** Rejects with `storage.*` or the reason of `stop`. */
export async function readStored({ stream, shared }: OneStream, stop: AbortSignal): Promise<StoredStream> {
  const objects = [streamObject(stream, shared), wishesObject(stream, shared)]
  const [document, wishes] = await Promise.all(objects.map((object) => object.read(stop)))
  return { document: documentIn(document?.text), wishes: (wishes && parseWishes(wishes.text)) ?? noWishes }
}

function documentIn(text: string | undefined): StoredStream['document'] {
  if (text === undefined) return 'none'
  try {
    return parseDocument(text)
  } catch (error) {
    return codeOf(error)
  }
}

/** Resolves to the wishes before. Rejects with `storage.*` or the reason of `stop`. */
export async function wish({ stream, shared }: OneStream, change: Partial<Wishes>, stop: AbortSignal): Promise<Wishes> {
  const { storeReady } = shared
  const parts = { object: wishesObject(stream, shared), newNonce: randomUUID, storeReady }
  return await changeWishes(parts, change, stop)
}

/** Who pauses or resumes a stream, and when. */
export const byOperator = ({ shared }: OneStream) => ({ by: shared.replica, at: shared.clock.now() })

/** How long a command waits for a replica. */
const WITHIN_MS = 60_000
const LOOK_EVERY_MS = 500

/**
 * Looks at what is stored until `seen` returns something; undefined after a minute. Rejects with `storage.*` or the
 * reason of `stop`.
 */
export async function untilSeen(
  chosen: OneStream,
  seen: (stored: StoredStream) => Answer | undefined,
  { showProgress, stop }: Pick<CommandParts, 'showProgress' | 'stop'>,
): Promise<Answer | undefined> {
  const { clock } = chosen.shared
  using _ = showProgress(() => 'waiting for a replica')
  for (const until = clock.monotonic() + WITHIN_MS; clock.monotonic() < until; ) {
    const found = seen(await readStored(chosen, stop))
    if (found !== undefined) return found
    await clock.sleep(LOOK_EVERY_MS, stop)
  }
  return undefined
}
