import { setImmediate as nextMacrotask } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')

export const collectGarbage: () => void = runInNewContext('gc')

/** Whether the object is still in memory once pending work has run and garbage is collected. */
export async function isHeld(object: WeakRef<object>): Promise<boolean> {
  await nextMacrotask()
  collectGarbage()
  return object.deref() !== undefined
}
