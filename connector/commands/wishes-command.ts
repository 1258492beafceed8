import { randomUUID } from 'node:crypto'
import type { CheckpointDocument } from '../checkpoint/checkpoint-document.ts'
import { parseDocument } from '../checkpoint/checkpoint-document.ts'
import { parseWishes, type Wishes, type WishesParts } from '../checkpoint/wishes.ts'
import { streamObject, wishesObject } from '../compose/compose-stream.ts'
import { codeOf } from '../runtime/connector-error.ts'
import type { ErrorCode } from '../runtime/error-catalogue.ts'
import type { ChosenStream } from './command-resources.ts'

/** How a command changes the wishes of its stream. */
export function wishesParts({ stream, shared }: ChosenStream): WishesParts {
  return { object: wishesObject(stream, shared), newNonce: randomUUID }
}

/** Who pauses or resumes a stream, and when. */
export const byOperator = ({ shared }: ChosenStream) => ({ by: shared.replica, at: shared.clock.now() })

/** What is stored of a stream, as a command looks at it. */
export interface StoredNow {
  /** Or why there is none that can be read. */
  readonly document: CheckpointDocument | ErrorCode | 'none'
  readonly wishes: Wishes | undefined
}

/** How long a command waits for a replica. */
const WITHIN_MS = 60_000
const LOOK_EVERY_MS = 500

/**
 * Looks at what is stored until `seen` returns something; undefined after a minute. Rejects with `storage.*` or the
 * reason of `stop`.
 */
export async function untilSeen<Seen>(
  { stream, shared }: ChosenStream,
  seen: (stored: StoredNow) => Seen | undefined,
  stop: AbortSignal,
): Promise<Seen | undefined> {
  const { clock } = shared
  const [object, wishes] = [streamObject(stream, shared), wishesObject(stream, shared)]
  for (const until = clock.monotonic() + WITHIN_MS; clock.monotonic() < until; ) {
    const [document, wished] = await Promise.all([object.read(stop), wishes.read(stop)])
    const found = seen({ document: documentIn(document?.text), wishes: wished && parseWishes(wished.text) })
    if (found !== undefined) return found
    await clock.sleep(LOOK_EVERY_MS, stop)
  }
  return undefined
}

function documentIn(text: string | undefined): StoredNow['document'] {
  if (text === undefined) return 'none'
  try {
    return parseDocument(text)
  } catch (error) {
    return codeOf(error)
  }
}
