import { randomUUID } from 'node:crypto'
import { codeOf } from '../../runtime/connector-error.ts'
import { checkpointKey } from '../../storage/checkpoint-store-config.ts'
import type { DoctorParts } from './doctor-parts.ts'
import { type CheckResult, checked, ok, warning } from './finding.ts'

type StoreParts = Pick<DoctorParts, 'store'> & { readonly config: { readonly connector: string } }

/** Checks by writing whether checkpoints and segments can be stored. Never rejects. */
export function checkStore({ config, store }: StoreParts, finish: AbortSignal): Promise<CheckResult> {
  return checked({ finish, timeoutCode: 'storage.unavailable' }, async () => {
    await store.probe(finish)
    // No stream has this name.
    const segments = store.segments(checkpointKey(config.connector, '.doctor'))
    const name = randomUUID()
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
