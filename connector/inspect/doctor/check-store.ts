import { readControl } from '../../control/control-document.ts'
import { pauseOf } from '../../control/requests.ts'
import { codeOf } from '../../runtime/connector-error.ts'
import { checkpointKey, controlKey } from '../../storage/checkpoint-store-config.ts'
import { uniqueName } from '../../storage/store-call.ts'
import type { DoctorParts } from './doctor-parts.ts'
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

/** Whether the control object can be read, and which streams are paused. Never rejects. */
export function checkControl(
  { config, store, streams }: DoctorParts,
  required: CheckResult,
  finish: AbortSignal,
): Promise<CheckResult> {
  const object = store.object(controlKey(config.connector))
  return after(required, 'the checkpoint store', () =>
    checked({ finish, timeoutCode: 'storage.unavailable' }, async () => {
      const document = await readControl(object, finish)
      const paused = streams.flatMap(({ config: { name } }) => {
        const pause = pauseOf(document, name)
        return pause === undefined
          ? []
          : [`${name} is paused since ${new Date(pause.requestedAt).toISOString()}: ${pause.reason}`]
      })
      if (paused.length === 0) return ok('no stream is paused')
      return warning(paused.join('; '), 'run `polaris-connector resume STREAM` when the reason is gone')
    }),
  )
}
