import { parseWishes } from '../../checkpoint/wishes.ts'
import { codeOf } from '../../runtime/connector-error.ts'
import { checkpointKey } from '../../storage/checkpoint-store-config.ts'
import { uniqueName } from '../../storage/store-call.ts'
import type { DoctorParts, StreamUnderTest } from './doctor-parts.ts'
import { after, type CheckResult, checked, ok, warning } from './finding.ts'

/** Checks by writing whether checkpoints and segments can be stored. Never rejects. */
export function checkStore({ config, clock, store }: DoctorParts, finish: AbortSignal): Promise<CheckResult> {
  return checked({ finish, timeoutCode: 'storage.unavailable' }, async () => {
    await store.probe(finish)
    // No stream has this name.
    const segments = store.segments(checkpointKey(config.connector, '.doctor'))
    const name = uniqueName(clock)
    await segments.put(name, Buffer.from('written by doctor; may be deleted'), finish)
    const isListingRefused = await isRefused(segments.list(finish))
    const isDeletionRefused = await isRefused(segments.remove(name, finish))
    if (!isListingRefused && !isDeletionRefused)
      return ok('supports conditional writes; a trial segment was written, listed and deleted')
    const refused = [...(isListingRefused ? ['list'] : []), ...(isDeletionRefused ? ['delete'] : [])]
    return warning(
      `supports conditional writes, but does not allow to ${refused.join(' and ')} segments`,
      'allow s3:ListBucket and s3:DeleteObject; without them, unused segments remain in the store',
    )
  })
}

async function isRefused(call: Promise<unknown>): Promise<boolean> {
  try {
    await call
    return false
  } catch (error) {
    if (codeOf(error) === 'storage.refused') return true
    throw error
  }
}

/** Which streams are paused. Never rejects. */
export function checkWishes(
  { streams }: DoctorParts,
  required: CheckResult,
  finish: AbortSignal,
): Promise<CheckResult> {
  return after(required, 'the checkpoint store', () =>
    checked({ finish, timeoutCode: 'storage.unavailable' }, async () => {
      const found = await Promise.all(streams.map((stream) => pausedText(stream, finish)))
      const paused = found.flat()
      if (paused.length === 0) return ok('no stream is paused')
      return warning(paused.join('; '), 'run `polaris-connector resume STREAM` when the reason is gone')
    }),
  )
}

async function pausedText({ config, wishes }: StreamUnderTest, finish: AbortSignal): Promise<string[]> {
  const stored = await wishes.read(finish)
  const { paused = false, at = 0, reason = '' } = (stored && parseWishes(stored.text)) ?? {}
  return paused ? [`${config.name} is paused since ${new Date(at).toISOString()}: ${reason}`] : []
}
