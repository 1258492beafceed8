import { randomUUID } from 'node:crypto'
import { type CheckpointDocument, parseDocument } from '../checkpoint/checkpoint-document.ts'
import { changeWishes, noWishes, parseWishes, type Wishes, type WishesChangeParts } from '../checkpoint/wishes.ts'
import { streamObject, wishesObject } from '../compose/compose-stream.ts'
import { ConnectorError, codeOf } from '../runtime/connector-error.ts'
import type { ErrorCode } from '../runtime/error-catalogue.ts'
import type { Answer, CommandParts } from './command.ts'
import type { ChosenStream } from './command-resources.ts'

/** What is stored of a stream, as a command looks at it. */
export interface SeenStream {
  /** The document, or why there is none that can be read. */
  readonly document: CheckpointDocument | ErrorCode | 'none'
  readonly wishes: Wishes
}

type OneStream = Pick<ChosenStream, 'stream' | 'shared'>

/** Reads what is stored of a stream. Rejects with `storage.*` or the reason of `stop`. */
export async function seeStream({ stream, shared }: OneStream, stop: AbortSignal): Promise<SeenStream> {
  const objects = [streamObject(stream, shared), wishesObject(stream, shared)]
  const [document, wishes] = await Promise.all(objects.map((object) => object.read(stop)))
  return { document: documentIn(document?.text), wishes: (wishes && parseWishes(wishes.text)) ?? noWishes }
}

function documentIn(text: string | undefined): SeenStream['document'] {
  if (text === undefined) return 'none'
  try {
    return parseDocument(text)
  } catch (error) {
    return codeOf(error)
  }
}

/** Returns the document; undefined if there is none that can be read. */
export const readableDocument = ({ document }: SeenStream): CheckpointDocument | undefined =>
  typeof document === 'string' ? undefined : document

/** Returns what a command changes the wishes with. */
export function changeParts({ stream, shared }: OneStream): WishesChangeParts {
  return { object: wishesObject(stream, shared), newNonce: randomUUID, storeReady: shared.storeReady }
}

/** Stores a wish. Resolves to the wishes before. Rejects with `storage.*` or the reason of `stop`. */
export async function storeWish(chosen: OneStream, change: Partial<Wishes>, stop: AbortSignal): Promise<Wishes> {
  return (await changeWishes(changeParts(chosen), () => change, stop)).before
}

/** Returns who pauses or resumes a stream, and when. */
export const operatorAndTime = ({ shared }: OneStream) => ({ by: shared.replica, at: shared.clock.now() })

/** A command waits this long for a replica. */
const WITHIN_MS = 60_000
const LOOK_EVERY_MS = 500

/**
 * Looks at what is stored until `answerIn` finds an answer. After a minute, a failed look or a stop, the answer is that
 * the wish is stored, but not confirmed.
 */
export async function waitForReplica(
  chosen: OneStream,
  { answerIn, unconfirmed }: AwaitedAnswer,
  { showProgress, stop }: CommandParts,
): Promise<Answer> {
  const { clock } = chosen.shared
  using _ = showProgress('waiting for a replica')
  try {
    for (const until = clock.monotonic() + WITHIN_MS; clock.monotonic() < until; ) {
      const found = answerIn(await seeStream(chosen, stop))
      if (found !== undefined) return found
      await clock.sleep(LOOK_EVERY_MS, stop)
    }
  } catch (error) {
    if (stop.aborted) return { exit: 3, value: unconfirmed }
    if (error instanceof ConnectorError) return { exit: 3, value: `${unconfirmed}: ${error.message}` }
    throw error
  }
  return { exit: 3, value: unconfirmed }
}

interface AwaitedAnswer {
  readonly answerIn: (stored: SeenStream) => Answer | undefined
  /** Says that the wish is stored. */
  readonly unconfirmed: string
}
