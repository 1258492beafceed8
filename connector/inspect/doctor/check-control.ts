import { readControl } from '../../control/control-document.ts'
import { pauseOf } from '../../control/requests.ts'
import { controlKey } from '../../storage/checkpoint-store-config.ts'
import type { DoctorParts } from './doctor-parts.ts'
import { after, type CheckResult, checked, ok, warning } from './finding.ts'

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
