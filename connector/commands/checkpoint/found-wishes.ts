import { parseDocument } from '../../checkpoint/checkpoint-document.ts'
import { noWishes, parseWishes, waitingRewind } from '../../checkpoint/wishes.ts'
import { streamObject, wishesObject } from '../../compose/compose-stream.ts'
import type { SharedResources } from '../../compose/shared-resources.ts'
import type { StreamConfig } from '../../config/connector-config.ts'
import { isoTime } from '../output/text.ts'

/** What operators wish of a stream, in words; undefined: nothing. Rejects with `storage.*` or the reason of `stop`. */
export async function findWishes(
  stream: StreamConfig,
  shared: SharedResources,
  stop: AbortSignal,
): Promise<string | undefined> {
  const stored = await wishesObject(stream, shared).read(stop)
  const wishes = (stored && parseWishes(stored.text)) ?? noWishes
  const { paused, reason, at, by } = wishes
  const rewind = waitingRewind(documentIn((await streamObject(stream, shared).read(stop))?.text), wishes)
  const remarks = [
    ...(paused ? [`paused since ${isoTime(at)} by ${by}${reason === '' ? '' : `: ${reason}`}`] : []),
    ...(rewind === undefined ? [] : [`a rewind to ${rewind.to ?? 'the beginning'} is not applied yet`]),
  ]
  return remarks.length === 0 ? undefined : remarks.join('; ')
}

function documentIn(text: string | undefined) {
  try {
    return text === undefined ? undefined : parseDocument(text)
  } catch {
    return undefined
  }
}
